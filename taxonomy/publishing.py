"""Taxonomies as files: the suffix says the format."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from taxonomy.errors import InputError, OutputError, TaxonomyError
from taxonomy.files import replace_file
from taxonomy.model import Taxonomy, load

if TYPE_CHECKING:
    from taxonomy.formats.skos import Form

SKOS: dict[str, Form] = {".ttl": "turtle", ".rdf": "xml", ".jsonld": "json-ld"}
READ = (".json", ".csv", *SKOS)
WRITTEN = (*READ, ".graphml", ".node-link.json", ".parquet", ".md", ".html")


def read_taxonomy(path: Path) -> Taxonomy:
    """Read a taxonomy in any format that can be read.

    Parameters
    ----------
    path : Path
        Its suffix is one of `READ`.

    Raises
    ------
    InputError, InvariantError
        If it can't be read, or is no taxonomy.
    TaxonomyError
        If the format needs a package that is not installed.
    """
    suffix = _suffix(path)
    if suffix == ".json":
        return load(path)
    if suffix == ".csv":
        from taxonomy.formats.csv import read_taxonomy_csv

        return read_taxonomy_csv(path)
    if suffix in SKOS:
        _need_rdflib(suffix)
        from taxonomy.formats.skos_reading import read_taxonomy_skos

        return read_taxonomy_skos(path, SKOS[suffix])
    written = f"{suffix} is written, not read" if suffix in WRITTEN else f"{suffix!r} is no format of a taxonomy"
    raise InputError(written, path=str(path), remedy=f"give a file in one of {', '.join(READ)}")


def write_taxonomy(tree: Taxonomy, path: Path, *, base_iri: str | None = None, issued: date | None = None) -> None:
    """Check a taxonomy and write it; what stood at `path` is replaced at once or not at all.

    Parameters
    ----------
    tree : Taxonomy
    path : Path
        Its suffix is one of `WRITTEN`.
    base_iri, issued : str, date, optional
        For SKOS, as in `taxonomy.formats.skos.taxonomy_skos`.

    Raises
    ------
    InvariantError
        If it is no taxonomy.
    OutputError
        If it can't be written, or not in this format.
    TaxonomyError
        If the format needs a package that is not installed, or an option is not for it.
    """
    suffix = _suffix(path)
    if suffix not in SKOS and (base_iri is not None or issued is not None):
        raise TaxonomyError(f"a base IRI and a date of issue go with {', '.join(SKOS)} alone; leave them out")
    tree.check()
    content = _content(tree, path, suffix, base_iri, issued)
    replace_file(path, content if isinstance(content, bytes) else content.encode())


def _content(tree: Taxonomy, path: Path, suffix: str, base_iri: str | None, issued: date | None) -> bytes | str:
    # Imported where used: each format has libraries of its own.
    if suffix == ".json":
        return tree.to_json()
    if suffix == ".csv":
        from taxonomy.formats.csv import taxonomy_csv

        return taxonomy_csv(tree)
    if suffix in SKOS:
        _need_rdflib(suffix)
        from taxonomy.formats.skos import taxonomy_skos

        return taxonomy_skos(tree, SKOS[suffix], base_iri=base_iri, issued=issued)
    if suffix == ".graphml":
        from taxonomy.formats.graphs import taxonomy_graphml

        return taxonomy_graphml(tree)
    if suffix == ".node-link.json":
        from taxonomy.formats.graphs import taxonomy_node_link

        return taxonomy_node_link(tree)
    if suffix == ".parquet":
        from taxonomy.formats.parquet import taxonomy_parquet

        return taxonomy_parquet(tree)
    if suffix == ".md":
        from taxonomy.formats.markdown import taxonomy_markdown

        return taxonomy_markdown(tree)
    if suffix == ".html":
        from taxonomy.views.page import taxonomy_page

        return taxonomy_page(tree)
    raise OutputError(f"{path}: {suffix!r} is no format of a taxonomy; end the name in one of {', '.join(WRITTEN)}")


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return ".node-link.json" if name.endswith(".node-link.json") else path.suffix.lower()


def _need_rdflib(suffix: str) -> None:
    from importlib.util import find_spec

    if find_spec("rdflib") is None:
        raise TaxonomyError(f"{suffix} needs rdflib, which is not installed; run: pip install 'value-taxonomy[skos]'")
