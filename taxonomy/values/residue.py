"""What language models leave around a value (tags, JSON, LaTeX, a heading, a score), and lists of values in a text."""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Iterable, Iterator

from taxonomy.english.words import word_list, word_pattern

# A text without one of these characters is one value and holds no residue.
MARKS = r"[\n\r;:=<>{}\[\]()\\&$`]"
_MARKS = re.compile(MARKS)
# A semicolon separates values of so many words at most; in a longer text it is part of a sentence.
_MOST_WORDS = 5
# Residue may stand within residue.
_DEEPEST = 8

_FENCE = re.compile(r"```[ \t]*\w*\s*(.*?)\s*```", re.DOTALL)
_TAGGED = re.compile(r"<([A-Za-z][\w.-]*)(?:\s[^<>]*)?>(.*)</\1\s*>", re.DOTALL)
_TAGGED_ITEM = re.compile(r"\s*<([A-Za-z][\w.-]*)(?:\s[^<>]*)?>([^<>]*)</\1\s*>\s*")
_LATEX = re.compile(r"\$*\s*\\(?:boxed|emph|mathrm|text|textbf|textit)\s*\{((?:[^{}]|\{[^{}]*\})*)\}\s*\$*")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z]{2,31});")
_HEADING = re.compile(
    rf"(?:{word_pattern('heading_adjectives')}\s+)*{word_pattern('answer_fields')}(?:\s+\d{{1,3}})?\s*[:=]\s*(?=\S)",
    re.IGNORECASE,
)
# A line before a list.
_INTRODUCTION = re.compile(rf".*\b{word_pattern('answer_fields')}\b[^:]*:", re.IGNORECASE)
_QUOTED = re.compile("[\"']")
_LONGEST_SCORE = 40
_SHARE = r"(?:0?\.\d+|0|1(?:\.0+)?|\d{1,3}(?:\.\d+)?\s?%|\d{1,2}\s?/\s?\d{1,3})"
_SCORE = re.compile(
    rf"(?<=\S)(?:\s*[(\[]\s*(?:{word_pattern('score_names')}\s*[:=]?\s*)?{_SHARE}\s*[)\]]|(?<=[^\W\d])\s*:\s+(?:0?\.\d+|1\.0+))\Z",
    re.IGNORECASE,
)


def unwrap(text: str) -> str:
    """Return a text without one layer of residue around it; the text itself where there is none.

    >>> unwrap("<value>honesty</value>"), unwrap("Value: honesty"), unwrap("honesty (0.9)")
    ('honesty', 'honesty', 'honesty')
    """
    if not _MARKS.search(text):
        return text
    bare = text.strip()
    if _ENTITY.search(bare):
        bare = html.unescape(bare)
    for layer in (_FENCE, _TAGGED, _LATEX):
        if found := layer.fullmatch(bare):
            bare = found[found.lastindex or 1].strip()
    items = _items(bare)
    if items is not None and len(items) < 2:
        bare = "".join(items)
    if heading := _HEADING.match(bare):
        bare = bare[heading.end() :]
    # A score is short, and looking for one everywhere takes long.
    if score := _SCORE.search(bare, max(len(bare) - _LONGEST_SCORE, 0)):
        bare = bare[: score.start()]
    return text if bare == text.strip() else bare


def split_values(text: str) -> list[str]:
    """Return the values that a text lists, as JSON or Python writes a list, by line or by semicolon.

    Parameters
    ----------
    text : str
        One answer of a language model, or one cell.

    Returns
    -------
    list of str
        The text itself where it is one value; none for an empty list.

    >>> split_values('["honesty", "kindness"]'), split_values("honesty; kindness")
    (['honesty', 'kindness'], ['honesty', 'kindness'])
    """
    return list(_split(text, _DEEPEST)) if _MARKS.search(text) else [text]


def _split(text: str, depth: int) -> Iterator[str]:
    listed = _listed(text) if depth else None
    if listed is not None:
        for item in listed:
            yield from _split(item, depth - 1)
        return
    bare = unwrap(text)
    if depth and bare != text:
        yield from _split(bare, depth - 1)
    else:
        yield text


def _listed(text: str) -> list[str] | None:
    """Return the parts of a text that is a list, None for another text."""
    text = text.strip()
    items = _items(text)
    if items is not None:
        return items
    if text.startswith("<") and _is_whole(tagged := list(_TAGGED_ITEM.finditer(text)), text):
        return [item[2] for item in tagged]
    if "```" in text or _TAGGED.fullmatch(text):
        return None
    lines = _parts(text.splitlines())
    if len(lines) > 1:
        return [line for line in lines if not _INTRODUCTION.fullmatch(line)] or None
    if text[:1] + text[-1:] == "[]" and "," in text and not _QUOTED.search(text):
        return _parts(text[1:-1].split(","))
    if ";" not in text:
        return None
    parts = _parts(text.split(";"))
    is_short = all(len(part.split()) <= _MOST_WORDS for part in parts)
    return parts if len(parts) > 1 and is_short and not _ENTITY.search(text) else None


def _parts(texts: Iterable[str]) -> list[str]:
    return [text.strip() for text in texts if text.strip()]


def _is_whole(found: list[re.Match[str]], text: str) -> bool:
    """Tell whether matches cover a text without a gap."""
    return bool(found) and sum(len(match[0]) for match in found) == len(text)


def _items(text: str) -> list[str] | None:
    """Return the strings of a list or an object that is written as text, without blank ones; None for another text."""
    if text[:1] not in ("[", "{") or text[-1:] not in ("]", "}"):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        items = _strings(found)
        return None if items is None else _parts(items)
    return None


def _strings(found: object) -> list[str] | None:
    """Return the strings of what was parsed: of a list, of an object's field for answers, or the keys of scores."""
    if isinstance(found, str) or found is None:
        return [found or ""]
    if isinstance(found, list):
        inner = [_strings(item) for item in found]
        return None if None in inner else [item for items in inner if items is not None for item in items]
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        return None
    fields = [value for key, value in found.items() if key.casefold() in word_list("answer_fields")]
    if fields:
        return _strings(fields if len(fields) > 1 else fields[0])
    is_scored = bool(found) and all(isinstance(score, int | float) for score in found.values())
    return list(found) if is_scored else None
