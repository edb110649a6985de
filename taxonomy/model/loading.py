"""A taxonomy from its JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from taxonomy.errors import InputError
from taxonomy.model.taxonomy import SCHEMA_VERSION, Taxonomy


def load(path: str | Path) -> Taxonomy:
    """Read a `taxonomy.json` and check it.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    InputError
        If it can't be read, is no JSON, or is no taxonomy of a schema this version knows.
    InvariantError
        If it breaks an invariant.
    """
    source = Path(path)
    data = _parse(source)
    if not isinstance(data, dict) or data.get("format") != "value-taxonomy":
        raise InputError(f'{source}: not a taxonomy: its "format" is not "value-taxonomy"')
    if isinstance(data.get("schema_version"), int) and data["schema_version"] > SCHEMA_VERSION:
        raise InputError(
            f"{source}: schema_version {data['schema_version']} is newer than {SCHEMA_VERSION}, the newest that "
            "this version reads: update value-taxonomy"
        )
    try:
        tree = Taxonomy.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{source}: {where}: {first['msg']}") from error
    tree.check()
    return tree


def _parse(source: Path) -> Any:
    try:
        # Not json's own decoding, which lets halves of surrogate pairs pass.
        text = source.read_bytes().decode("utf-8-sig")
        data = json.loads(text)
        if "\\ud" in text.lower():
            json.dumps(data, ensure_ascii=False).encode()
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error.strerror}; give the path of a taxonomy.json") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: not UTF-8 at byte {error.start}; give the path of a taxonomy.json") from error
    except UnicodeEncodeError as error:
        raise InputError(f"{source}: holds half of a surrogate pair; give well-formed Unicode") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{source}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: not JSON that can be read: {error}; give a taxonomy.json") from error
    return data
