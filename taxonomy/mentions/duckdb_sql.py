"""SQL of DuckDB for what records hold: names, texts, paths, cells of JSON, and times."""

from __future__ import annotations

import glob
from collections.abc import Sequence

# RFC 2822, without the name of the day, and with the zone as a number.
_MAIL_TIMES = ("%d %b %Y %H:%M:%S %z", "%d %b %Y %H:%M %z")
# The numbers since 1970 that are times, for each unit: from 1973 to 5138.
_LEAST, _BEYOND = 1e8, 1e11
_UNITS_A_SECOND = (1, 1e3, 1e6, 1e9)


def text(text: str) -> str:
    """Return a text as a literal."""
    return "'" + text.replace("'", "''") + "'"


def name(name: str) -> str:
    """Return a name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def texts(texts: Sequence[str]) -> str:
    """Return texts as a list."""
    return "[" + ", ".join(map(text, texts)) + "]"


def paths(files: Sequence[str]) -> str:
    """Return paths as a list, none of them a pattern."""
    return texts([glob.escape(file) for file in files])


def pointer(key: str) -> str:
    """Return where a member of a JSON object is."""
    return text("/" + key.replace("~", "~0").replace("/", "~1"))


def cell(at: str) -> str:
    """Return a member of `object` as text."""
    return f"json_extract_string(object, {at})"


def id_cell(at: str) -> str:
    """Return a member of `object` as text, a whole float as the integer."""
    integer = f"regexp_replace({cell(at)}, '\\.0+$', '')"
    return f"CASE WHEN json_type(object, {at}) = 'DOUBLE' THEN {integer} ELSE {cell(at)} END"


def list_cell(at: str) -> str:
    """Return a member of `object` as a list of texts."""
    kind, many = f"json_type(object, {at})", f"TRY_CAST(json_extract(object, {at}) AS VARCHAR[])"
    return f"CASE WHEN {kind} = 'ARRAY' THEN {many} WHEN {kind} <> 'NULL' THEN [{cell(at)}] END"


def time_of_text(column: str) -> str:
    """Return the time that a text is: a number since 1970, ISO 8601 or RFC 2822."""
    number = f"CASE WHEN regexp_full_match({column}, '[0-9]{{9,19}}(\\.[0-9]*)?') THEN CAST({column} AS DOUBLE) END"
    iso = f"CASE WHEN regexp_matches({column}, '^[0-9]{{4}}-') THEN TRY_CAST({column} AS TIMESTAMPTZ) END"
    zone = f"regexp_replace(regexp_replace({column}, '^[A-Za-z]{{3}}, *', ''), ' *(GMT|UTC|UT|Z)$', ' +0000')"
    # `infinity` and `epoch` are times, too, for DuckDB.
    mail = f"CASE WHEN regexp_matches({zone}, '^[0-9]+ ') THEN try_strptime({zone}, {texts(_MAIL_TIMES)}) END"
    return f"coalesce({time_of_number(number)}, CAST({iso} AS TIMESTAMP), CAST({mail} AS TIMESTAMP))"


def time_of_number(number: str) -> str:
    """Return the time that a number of seconds since 1970, or of thousandths and so on, is."""
    cases = []
    for unit in _UNITS_A_SECOND:
        within = f"{number} >= {_LEAST * unit:.0f} AND {number} < {_BEYOND * unit:.0f}"
        cases.append(f"WHEN {within} THEN make_timestamp(CAST(round({number} * {1e6 / unit:g}) AS BIGINT))")
    return f"CASE {' '.join(cases)} END"
