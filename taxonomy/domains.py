"""The top-level domains: name, definition and example values, read from a TOML file."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from taxonomy.errors import DomainsError
from taxonomy.values import canonical_key, clean

BUNDLED = Path(__file__).with_name("domains.toml")


@dataclass(frozen=True, slots=True)
class Domain:
    """A top-level domain.

    Attributes
    ----------
    key : str
        Stands for the domain in its id; a domain may be renamed, its key stays.
    name, definition : str
    examples : tuple of str
        Values that show what belongs here; placement goes by likeness to them.
    """

    key: str
    name: str
    definition: str
    examples: tuple[str, ...]


def load_domains(path: Path = BUNDLED) -> tuple[Domain, ...]:
    """Read a domains file, in the order of the file.

    Parameters
    ----------
    path : Path
        TOML with one ``[[domain]]`` table a domain: ``key``, ``name``, ``definition``, ``examples``.

    Raises
    ------
    DomainsError
        If it can't be read, or a domain is incomplete, empty or a duplicate.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DomainsError(f"{path}: cannot be read: {error.strerror}; give a TOML file of domains") from error
    except UnicodeDecodeError as error:
        raise DomainsError(f"{path}: not UTF-8 at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise DomainsError(f"{path}: not TOML: {error}") from error
    tables = data.get("domain")
    if not isinstance(tables, list) or not tables:
        raise DomainsError(f"{path}: no [[domain]] table; see taxonomy/domains.toml for the form")
    domains = tuple(_parse(path, number, table) for number, table in enumerate(tables, 1))
    _refuse_duplicates(path, domains)
    return domains


def _parse(path: Path, number: int, table: object) -> Domain:
    where = f"{path}: domain {number}"
    if not isinstance(table, dict):
        raise DomainsError(f"{where}: must be a [[domain]] table")
    unknown = sorted(set(table) - {"key", "name", "definition", "examples"})
    if unknown:
        raise DomainsError(f"{where}: unknown entry {unknown[0]!r}; known are key, name, definition, examples")
    for field in ("key", "name", "definition"):
        if not isinstance(table.get(field), str) or not clean(table[field]):
            raise DomainsError(f"{where}: {field} must be a text that is not empty")
    examples = table.get("examples")
    if not isinstance(examples, list) or not all(isinstance(one, str) and canonical_key(one) for one in examples):
        raise DomainsError(f"{where} ({table['name']}): examples must be a list of texts that are not empty")
    if not examples:
        raise DomainsError(f"{where} ({table['name']}) is empty: give it examples, a dozen or more")
    return Domain(table["key"], table["name"].strip(), table["definition"].strip(), tuple(examples))


def _refuse_duplicates(path: Path, domains: tuple[Domain, ...]) -> None:
    for field in ("key", "name"):
        counts = Counter(canonical_key(getattr(domain, field)) for domain in domains)
        for domain in domains:
            if counts[canonical_key(getattr(domain, field))] > 1:
                raise DomainsError(f"{path}: {field} {getattr(domain, field)!r} is used by more than one domain")
    counts = Counter(key for domain in domains for key in {canonical_key(one) for one in domain.examples})
    for domain in domains:
        for example in domain.examples:
            if counts[canonical_key(example)] > 1:
                raise DomainsError(f"{path}: example {example!r} stands in more than one domain")
