"""Read taxonomy.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from taxonomy.errors import InputError, InvariantError, check_type
from taxonomy.files import settle
from taxonomy.garbage import collection_paused
from taxonomy.model.taxonomy import SCHEMA_VERSION, Taxonomy

_REMEDY = "give the path of a taxonomy.json"
_REPAIR = "correct the file, or make it again"


@collection_paused()
def load(path: str | Path) -> Taxonomy:
    """Read a `taxonomy.json` and check it.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Taxonomy

    Raises
    ------
    InputError
        If it can't be read, or is not a taxonomy in a schema that this version reads.
    InvariantError
        If it breaks an invariant.
    """
    check_type(path, (str, Path), "path", "give the path of a taxonomy.json")
    source = Path(path)
    settle(source)
    data = _parse(source)
    if not isinstance(data, dict) or data.get("format") != "value-taxonomy":
        problem = 'the file is not a taxonomy: its "format" is not "value-taxonomy"'
        raise InputError(problem, path=str(source), remedy=_REMEDY)
    if isinstance(data.get("schema_version"), int) and data["schema_version"] > SCHEMA_VERSION:
        newest = f"{SCHEMA_VERSION}, the newest that this version reads"
        problem = f"schema_version {data['schema_version']} is newer than {newest}"
        raise InputError(problem, path=str(source), remedy="update value-taxonomy")
    try:
        tree = Taxonomy.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where}: {first['msg']}", path=str(source), remedy=_REPAIR) from error
    with naming_file(source):
        tree.check()
    return tree


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Add the path of the file to an InvariantError."""
    try:
        yield
    except InvariantError as error:
        error.path = error.path or str(path)
        error.remedy = error.remedy or _REPAIR
        raise


def _parse(source: Path) -> Any:
    try:
        # Decoded here, since json accepts lone surrogates.
        text = source.read_bytes().decode("utf-8-sig")
        data = json.loads(text)
        if "\\ud" in text.lower():
            json.dumps(data, ensure_ascii=False).encode()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(source), remedy=_REMEDY) from error
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}", path=str(source), remedy=_REMEDY) from error
    except UnicodeEncodeError as error:
        remedy = "give well-formed Unicode"
        raise InputError("the file has a lone surrogate", path=str(source), remedy=remedy) from error
    except json.JSONDecodeError as error:
        problem = f"not JSON at character {error.colno}: {error.msg}"
        raise InputError(problem, path=str(source), line=error.lineno, remedy=_REMEDY) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"the JSON cannot be read: {error}", path=str(source), remedy=_REMEDY) from error
    return data
