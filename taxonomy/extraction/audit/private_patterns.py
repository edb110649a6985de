"""Patterns of what tells of somebody by its form: addresses, numbers, keys, accounts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from taxonomy.english.dictionary import is_english
from taxonomy.extraction.audit.check_digits import is_card, valid_iban
from taxonomy.extraction.audit.known_words import audit_words
from taxonomy.extraction.audit.spans import Folded, Span, separate

Check = Callable[[re.Match[str]], bool]
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*\.?"
_DIGIT = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)"
_LONG_TOPS = "com|org|net|edu|gov|info|app|blog|site|dev|example|test|invalid|xyz|online|shop|cloud|page|co\\.uk|onion"
_STATES = (
    "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]"
)
_OF_SOMEBODY = (
    r"nhs|ssn|social security|passport|dni|nie|nif|cpf|curp|rfc|nino|national insurance|tax id|ein|mrn|medical record|"
    r"patient|policy|account|acct|case|claim|invoice|order|ticket|booking|reservation|badge|licen[cs]e|member(?:ship)?|"
    r"customer|employee|student|tracking|serial|vin|imei|aadhaar|pan"
)
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


@cache
def _patterns() -> Sequence[_Pattern]:
    """Return the patterns, of two that overlap the more telling one first."""
    streets = "|".join(sorted(audit_words("streets") | audit_words("other_streets"), key=len, reverse=True))
    firms = "|".join(sorted(audit_words("firms"), key=len, reverse=True))
    mail, web = "e-mail address", "web address"
    post, number, key = "postal address", "long number", "key or password"
    account, net, place, date = "account", "network address", "coordinates", "date"
    listed: list[tuple[str, str, Check | None]] = [
        (mail, r"(?:(?:\b\w ){3,}\w|[\w.+%-]+)\s?@\s?[\w-]+(?:(?:\.| \. )[\w-]{2,})+", None),
        (mail, r"[\w.+%-]+\s*[\[({<]\s*at\s*[\])}>]\s*[\w-]+(?:\s*[\[({<]\s*dot\s*[\])}>]\s*[\w-]+|\.[\w-]+| dot \w+)+", None),
        (mail, r"[\w.+%-]+ at [\w-]+(?: dot [\w-]+)+", None),
        (web, r"\b(?:https?|ftp)://\S+|\bwww\.\S+", None),
        (web, rf"(?<![\w@.])(?:[\w-]+\.)+(?:{_LONG_TOPS})\b(?<!asp\.net)(?<!\.test)(?:[/:]\S*)?", None),
        (web, r"(?<![\w@.])(?:[\w-]+\.)+[a-z]{2,3}/[\w~-]\S*", None),
        ("IBAN", r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]){11,30}", _is_iban),
        (key, r"-----BEGIN [A-Z ]*PRIVATE KEY-----", None),
        (key, r"\b(?:sk|pk|rk)[-_](?:[a-z0-9]+[-_])*[a-z0-9]{12,}|\bgh[pousr]_\w{16,}|\bgithub_pat_\w{16,}", None),
        (key, r"\bglpat-[\w-]{12,}|\bxox[abprs]-[\w-]{8,}|\b(?:AKIA|ASIA)[A-Z0-9]{10,}|\bAIza[\w-]{20,}", None),
        (key, r"\b(?:hf|npm|pypi|dop_v1|shpat|whsec)[_-]\w{16,}|\beyJ[\w-]{8,}\.[\w.-]+|\bSG\.[\w.-]{16,}", None),
        (key, r"\b(?:password|passwd|passcode|pwd|passphrase|pin|secret|token)\b\s*(?:is|was|[:=])\s*(?P<said>\S+)", _is_password),
        (account, r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", None),
        (net, r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b", None),
        (net, r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])", _is_address),
        (net, r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]?\d)", _is_address),
        (place, r"-?\d{1,3}\.\d{3,}°?\s?[NS]?\s*[,;/ ]\s*-?\d{1,3}\.\d{3,}°?(?:\s?[EW]\b)?", None),
        (place, r"\d{1,3}\s?°\s?\d{1,2}(?:\.\d+)?\s?['’′](?:\s?\d{1,2}(?:\.\d+)?\s?(?:\"|”|″|''))?\s?[NSEW]?", None),
        ("card number", r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)", _is_card),
        (date, rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? (?:19|20)\d\d\b", None),
        (date, rf"\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d\d\b", None),
        (date, r"(?<![\w/.-])(?:\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2})(?![\w/-])", None),
        (date, r"\b(?:dob|d\.o\.b\.?|born(?: on)?|birth ?date|birthday|date of birth)\b\W{0,3}(?:is )?\d[\d./-]+", None),
        ("phone number", r"(?<![\d.])(?:\+\s?)?\(?\d(?:[ ().\-/–]{0,3}\d){6,}", _is_phone),
        ("phone number", rf"\b(?:{_DIGIT}\b[\s,.-]*){{6,}}", None),
        (number, r"(?<![\d.])\d{7,}", _is_plain_number),
        (key, r"(?<![\w+/=])[\w+/=-]{12,}", _is_random),
        (account, rf"\b(?:{_OF_SOMEBODY})\b(?:\s(?:number|no\.?|id|#|nº))*\s*(?:is|:|#)?\s*(?P<number>[A-Z0-9][A-Z0-9-]{{4,}})", _has_digits),
        (account, r"\b[a-z0-9_.]{2,32}#\d{4}\b", None),
        (account, r"(?<![\w@./])@(?P<name>[a-z_][\w.]{1,30})", _is_handle),
        (account, r"(?<![\w/])/?u/[\w-]{3,}", None),
        (account, r"\b(?:username|user name|handle|gamertag|screen name|nick(?:name)?|discord|snapchat|insta(?:gram)?|skype|telegram)\b\s*(?:is|:)?\s*['\"]?[a-z][\w.]*(?:_[a-z0-9]|\d)\w*", None),
        ("number plate", r"\b(?:number ?|licen[cs]e ?)?(?:plates?|registration|reg|matrícula|kennzeichen)\b\W{0,3}(?:(?:no|number)\W{1,2})?(?=[a-z-]*\s?[a-z-]*\d)(?:[a-z0-9]{1,4}[ -]){0,2}[a-z0-9]{2,7}\b", None),
        (post, rf"\b(?P<number>\d{{1,5}})[a-z]?,? (?P<words>(?:[nsew]\.? )?(?:[\w'’-]+ ){{1,3}})(?P<kind>{streets})\b", _is_street),
        (post, r"\bp\.?\s?o\.?\s*box\s+\d+", None),
        (post, r"(?:\bcalle|\bc/|\bavenida|\bavda?\.|\bcarrer|\brua|\bulica|\bul\.|\bcarrera|\bviale|\bcorso)\s*(?:[\w'’.-]+,? ){1,4}(?:n[º°.o]*\s*)?\d{1,4}\b", None),
        (post, r"\b\d{1,4},? (?:bis |ter )?(?:rue|avenue|boulevard|chemin|allée|impasse|quai) (?:[\w'’-]+ ?){1,4}", None),
        (post, r"\b\w{3,}(?:straße|strasse|str\.|gasse|allee|straat|gatan|vägen|weg|platz|laan|vej|gade)\s\d{1,4}\s?[a-z]?\b", None),
        (post, r"(?:路|街|巷|弄|大道|胡同)\s*\d+\s*(?:号|號)?|\d+\s*(?:丁目|番地|号室|號)|[가-힣]{1,6}(?:로|길)\s?\d+(?:-\d+)?(?:번지|호|번길)", None),
    ]  # fmt: skip
    sensitive: list[tuple[str, str, Check | None]] = [
        (post, r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b", None),
        (post, rf"\b(?:{_STATES})[ ,]+\d{{5}}(?:-\d{{4}})?\b", None),
        (post, r"\b(?:Via|Rue|Piazza|Rua|Plaza|Place) (?:d\w{1,4} )?[A-ZÀ-Ý][\w'’-]+(?: [\w'’-]+){0,2},? \d{1,4}\b", None),
        ("firm", r"\b[A-Z][\w'’-]+ (?:&|and) (?:Sons?|Daughters?|Bros\.?|Brothers|Co\.?|Partners|Associates)(?!\w)", None),
        ("firm", rf"(?:[A-Z][\w&'’.-]*,? ){{1,4}}(?i:{firms})\b\.?", None),
    ]  # fmt: skip
    return [
        *(_Pattern(what, re.compile(expression, re.IGNORECASE), check) for what, expression, check in listed),
        *(_Pattern(what, re.compile(expression), check) for what, expression, check in sensitive),
    ]
