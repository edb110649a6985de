"""Write a taxonomy in the format of the file's ending."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from embeddings.files import Content
from taxonomy.errors import OutputError, TaxonomyError, check_type
from taxonomy.files import replace_file
from taxonomy.formats.csv import taxonomy_csv
from taxonomy.formats.graphs import taxonomy_graphml, taxonomy_node_link
from taxonomy.formats.markdown import taxonomy_markdown
from taxonomy.formats.readers import SKOS, ending_of, need_rdflib
from taxonomy.model import Taxonomy
from taxonomy.model.canonical_form import json_parts


def check_ending(path: Path) -> None:
    """See that a taxonomy can be written in the format that a file's ending names, before long work.

    Raises
    ------
    OutputError
    """
    ending = _written_ending(path)
    if ending not in WRITTEN:
        problem = f"a taxonomy is not written as {ending!r}" if ending else "the name has no ending"
        raise OutputError(problem, path=str(path), remedy=f"end the name in one of {', '.join(WRITTEN)}")


def write_taxonomy(
    tree: Taxonomy, path: str | Path, *, base_iri: str | None = None, issued: date | None = None
) -> None:
    """Check a taxonomy and write it; a file at `path` is replaced atomically.

    Parameters
    ----------
    tree : Taxonomy
    path : str or Path
        Its ending says the format, one of `WRITTEN`.
    base_iri, issued : str, date, optional
        For SKOS, as in `taxonomy.formats.skos.taxonomy_skos`.

    Raises
    ------
    InvariantError
        If it breaks an invariant.
    OutputError
        If it can't be written, or not in this format.
    TaxonomyError
        If the format needs a package that is not installed, or an option is not for it.
    """
    check_type(path, (str, Path), "path", "give the path of a file")
    path = Path(path)
    ending = _written_ending(path)
    if ending not in SKOS and (base_iri is not None or issued is not None):
        problem = f"`base_iri` and `issued` go with {', '.join(SKOS)} alone"
        raise TaxonomyError(problem, path=str(path), remedy="leave them out")
    check_ending(path)
    tree.check()
    content = _skos(tree, ending, base_iri, issued) if ending in SKOS else _WRITERS[ending](tree)
    replace_file(path, content.encode() if isinstance(content, str) else content)


def _written_ending(path: Path) -> str:
    """Return what names the format of a file; a device or a pipe has no ending, and gets JSON."""
    ending = ending_of(path)
    is_device = not ending and path.exists() and not path.is_file() and not path.is_dir()
    return ".json" if is_device else ending


# Each imports its libraries, which take a while, when it is used.


def _skos(tree: Taxonomy, ending: str, base_iri: str | None, issued: date | None) -> bytes:
    need_rdflib(ending)
    from taxonomy.formats.skos import taxonomy_skos

    return taxonomy_skos(tree, SKOS[ending], base_iri=base_iri, issued=issued)


def _parquet(tree: Taxonomy) -> bytes:
    from taxonomy.formats.parquet import taxonomy_parquet

    return taxonomy_parquet(tree)


def _page(tree: Taxonomy) -> str:
    from taxonomy.views.page import taxonomy_page

    return taxonomy_page(tree)


_WRITERS: dict[str, Callable[[Taxonomy], Content | str]] = {
    ".json": json_parts,
    ".csv": taxonomy_csv,
    ".graphml": taxonomy_graphml,
    ".node-link.json": taxonomy_node_link,
    ".parquet": _parquet,
    ".md": taxonomy_markdown,
    ".html": _page,
}
WRITTEN = (*_WRITERS, *SKOS)
