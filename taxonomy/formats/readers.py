"""Read a taxonomy in the format of the file's ending."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from taxonomy.errors import InputError, TaxonomyError, check_type
from taxonomy.files import settle
from taxonomy.formats.csv import read_taxonomy_csv
from taxonomy.model import Taxonomy, load
from taxonomy.model.loading import naming_file

if TYPE_CHECKING:
    from taxonomy.formats.skos import Form

SKOS: dict[str, Form] = {".ttl": "turtle", ".rdf": "xml", ".jsonld": "json-ld"}


def read(path: str | Path) -> Taxonomy:
    """Read a taxonomy and check it.

    Parameters
    ----------
    path : str or Path
        Its ending is the format: .json (a taxonomy.json), .csv (six columns), or SKOS as .ttl, .rdf or .jsonld.

    Returns
    -------
    Taxonomy

    Raises
    ------
    InputError, InvariantError
        If it can't be read, or is not a taxonomy.
    TaxonomyError
        If the format needs a package that is not installed.

    Notes
    -----
    A .csv has the columns of the published release: ``cluster_id``, ``description``, ``name``, ``level``,
    ``parent_cluster_id`` and ``pct_total_occurrences``. They are the id, definition, label, level, parent and share (in
    percent) of each node; all else is lost. So what is read from one has no title, aliases, placements, provenance or
    retired nodes. Its id is the file's name without the ending, and its version 1.0.0. Its weights are percentages of
    all mentions, though its `weight_unit` is "mentions". SKOS loses most of the provenance, and names of levels other
    than the usual ones.
    """
    check_type(path, (str, Path), "path", f"give the path of a file in one of {', '.join(READ)}")
    path = Path(path)
    if path.is_dir():
        raise InputError(
            "this is a folder", path=str(path), remedy=f"give a file in it, such as {path / 'taxonomy.json'}"
        )
    ending = ending_of(path)
    if ending not in _READERS:
        problem = f"a taxonomy is not read from {ending!r}" if ending else "the name has no ending"
        raise InputError(problem, path=str(path), remedy=f"give a file in one of {', '.join(READ)}")
    settle(path)
    with naming_file(path):
        return _READERS[ending](path)


def ending_of(path: Path) -> str:
    """Return the ending that is the format of a file, in lower case."""
    name = path.name.lower()
    return ".node-link.json" if name.endswith(".node-link.json") else path.suffix.lower()


def need_rdflib(ending: str) -> None:
    """Raise a TaxonomyError if rdflib is not installed."""
    if find_spec("rdflib") is None:
        remedy = "run: pip install 'value-taxonomy[skos]'"
        raise TaxonomyError(f"{ending} needs rdflib, which is not installed", remedy=remedy)


def _read_skos(path: Path) -> Taxonomy:
    ending = ending_of(path)
    need_rdflib(ending)
    from taxonomy.formats.skos_reading import read_taxonomy_skos

    return read_taxonomy_skos(path, SKOS[ending])


_READERS: dict[str, Callable[[Path], Taxonomy]] = {
    ".json": load,
    ".csv": read_taxonomy_csv,
    **dict.fromkeys(SKOS, _read_skos),
}
READ = tuple(_READERS)
