"""Patterns of what tells of somebody by its form: addresses, numbers, keys, accounts."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from taxonomy.english.dictionary import is_english
from taxonomy.extraction.audit.check_digits import is_card, valid_iban
from taxonomy.extraction.audit.known_words import audit_words
from taxonomy.extraction.audit.spans import Folded, Span, separate

Check = Callable[[re.Match[str]], bool]
# Shorter numbers are prices, years and versions.
_FEWEST_DIGITS = 7
_YEARS = re.compile(r"(?:19|20)\d\d\s?[-–/ ]\s?(?:19|20)\d\d")
_ROUND = re.compile(r"\d{1,3}(?:[ .]000)+|\d{1,2}\.\d+")
_STAMP = re.compile(r"(?:19|20)\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])")
_PART = re.compile(r"[A-Za-z0-9+=]+")
# How often a word of a programmer changes from small to capital letters at most.
_MOST_HUMPS = 4


@dataclass(frozen=True)
class _Pattern:
    what: str
    expression: re.Pattern[str]
    check: Check | None = None

    def find(self, folded: Folded) -> Iterator[Span]:
        for found in self.expression.finditer(folded.text):
            if found.end() > found.start() and (self.check is None or self.check(found)):
                yield folded.span(found.start(), found.end(), self.what)


def find_patterns(text: str) -> list[Span]:
    """Return the parts of a string that have the form of an address, a number, a key or an account.

    >>> [span.what for span in find_patterns("write to kim@example.org, or call +1 212-555-0101")]
    ['e-mail address', 'phone number']
    """
    folded = Folded(text)
    return separate(span for pattern in _patterns() for span in pattern.find(folded))


# -- checks ----------------------------------------------------------------------------------------------------


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _is_card(found: re.Match[str]) -> bool:
    return is_card(_digits(found[0]))


def _is_long_number(found: re.Match[str]) -> bool:
    text = found[0]
    if len(_digits(text)) < _FEWEST_DIGITS or _YEARS.fullmatch(text) or _ROUND.fullmatch(text):
        return False
    before = re.findall(r"[\w/]+", found.string[: found.start()])
    return not (before and before[-1].casefold() in audit_words("standards"))


def _is_phone(found: re.Match[str]) -> bool:
    return _is_long_number(found) and (found[0][0] in "+(" or not found[0].isdigit()) and not _STAMP.fullmatch(found[0])


def _is_plain_number(found: re.Match[str]) -> bool:
    # Models carry the day that they were made.
    is_of_name = found.string[: found.start()].endswith("-") and _STAMP.fullmatch(found[0])
    return _is_long_number(found) and not is_of_name


def _is_address(found: re.Match[str]) -> bool:
    try:
        address = ipaddress.ip_address(found[0])
    except ValueError:
        return False
    ours = (ipaddress.ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fe80::/10"))
    is_nobodys = address.is_loopback or address.is_unspecified or address.is_multicast
    return not is_nobodys and not any(address in net for net in ours if net.version == address.version)


def _is_random(found: re.Match[str]) -> bool:
    """Say whether a part between hyphens and slashes looks drawn: digits among letters, or many humps."""
    for part in _PART.findall(found[0]):
        figures = sum(char.isdigit() for char in part)
        changes = sum(first.isdigit() != second.isdigit() for first, second in pairwise(part))
        humps = sum(first.islower() and second.isupper() for first, second in pairwise(part))
        if len(part) >= 12 and figures >= 2 and figures < len(part) and changes >= 3:
            return True
        if len(part) >= 20 and humps > _MOST_HUMPS:
            return True
    return False


def _is_password(found: re.Match[str]) -> bool:
    said = found["said"].strip(".,;:!?'\"")
    return len(said) >= 4 and not said.isalpha()


def _is_handle(found: re.Match[str]) -> bool:
    return found["name"].casefold().rstrip(".") not in audit_words("code_words")


def _has_digits(found: re.Match[str]) -> bool:
    return len(_digits(found["number"])) >= 3 and not _YEARS.fullmatch(found["number"])


def _is_iban(found: re.Match[str]) -> bool:
    return valid_iban(found[0]) is not None


def _is_street(found: re.Match[str]) -> bool:
    """Say whether a number and words before "street" and the like are an address, and not "10 easy steps"."""
    words = found["words"].split()
    named = [word for word in words if len(word) > 1 and (word[0].isupper() or not is_english(word))]
    if found["kind"].casefold().rstrip(".") in audit_words("streets"):
        return bool(named) or len(found["number"]) > 1
    return any(not is_english(word.strip("'’-")) for word in named) or (bool(named) and len(found["number"]) > 2)


# -- patterns --------------------------------------------------------------------------------------------------


_CHECKS: dict[str, Check] = {
    "is_address": _is_address,
    "is_card": _is_card,
    "is_handle": _is_handle,
    "is_iban": _is_iban,
    "is_password": _is_password,
    "is_phone": _is_phone,
    "is_plain_number": _is_plain_number,
    "is_random": _is_random,
    "is_street": _is_street,
    "has_digits": _has_digits,
}


@cache
def _patterns() -> Sequence[_Pattern]:
    """Return the patterns of ``private_patterns.toml``."""
    listed = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    streets = audit_words("streets") | audit_words("other_streets")
    parts = {**listed["parts"], "streets": _any_of(streets), "firms": _any_of(audit_words("firms"))}
    patterns = []
    for one in listed["pattern"]:
        expression = re.sub(r"(?<!P)<([a-z_]+)>", lambda name: str(parts[name[1]]), one["expression"])
        compiled = re.compile(expression, 0 if one.get("capitals") else re.IGNORECASE)
        patterns.append(_Pattern(one["what"], compiled, _CHECKS[one["check"]] if "check" in one else None))
    return patterns


def _any_of(words: Collection[str]) -> str:
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))
