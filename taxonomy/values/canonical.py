"""Cleaned spellings of value strings, their canonical keys, and reasons to reject a string."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from taxonomy.english.words import word_list, word_pattern
from taxonomy.values.residue import unwrap

# Characters of a label or a value.
_MOST = 100
# What stands between the labels of a path.
STEP = " > "
# Zero width, but scripts are spelled with them.
_JOINERS = str.maketrans("", "", "\u200c\u200d")
UNPRINTABLE = "holds a line break or another character that does not print"
# A longer text is not a value, so it is not searched for decoration.
_LONGEST = 1000

_DASHES = "\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\u2e3b\u301c\u3030\u30a0"
_SINGLE_QUOTES = "\u00b4\u02b9\u02bb\u02bc\u2018\u2019\u201a\u201b\u2032\u2039\u203a"
_DOUBLE_QUOTES = "\u00ab\u00bb\u201c\u201d\u201e\u201f\u2033\u300c\u300d\u300e\u300f"
_PUNCTUATION = str.maketrans(
    dict.fromkeys(_DASHES, "-") | dict.fromkeys(_SINGLE_QUOTES, "'") | dict.fromkeys(_DOUBLE_QUOTES, '"')
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs"})
# Between letters of Arabic, Syriac, N'Ko and the scripts of India and Sri Lanka a joiner is part of the spelling.
_SPELLED_JOINER = re.compile("(?<=[\u0600-\u07ff\u0900-\u0dff])[\u200c\u200d](?=[\u0600-\u07ff\u0900-\u0dff])")
# Numbers and symbols such as a half or a trade mark, of which NFKC makes other text.
_KEPT_CATEGORIES = frozenset({"No", "So"})
# Variation selectors, and letters and symbols that show as nothing.
_BLANKS = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0") | {chr(c) for c in range(0xFE00, 0xFE10)}

_PLAIN = re.compile(r"[A-Za-z]+(?:[ '-][A-Za-z]+)*")
# Bullets, arrows, boxes, shapes, circled numbers, dingbats and emoji.
_SYMBOLS = (
    "\u00b7\u2020-\u2023\u2043\u204c\u204d\u2190-\u21ff\u2219\u22c5\u2300-\u23ff\u2460-\u2473\u2500-\u27bf\u2b00-\u2bff"
    "\u30fb\U0001f000-\U0001faff"
)
_SYMBOLS_BEFORE = re.compile(rf"[\s{_SYMBOLS}]+")
_EMPHASIS = re.compile(r"(?<![^\W_])(?<![*_`])[*_`]++|[*_`]++(?![^\W_])")
_BEFORE = re.compile(
    rf"""(?: [\s,;:!?\u00a1\u00bf|\u3001\u3002{_SYMBOLS}]
    | -(?!\d)
    | [>~=](?!\d) | \#(?!\d)
    | \.(?!\w) | \+(?=\s)                                 # not '.NET'
    | \[[ x]?\]\s                                         # a box to tick
    | (?: \#?\d{{1,3}}(?:\.\d{{1,3}})*[.):] | \#\d{{1,3}} | \(\d{{1,3}}\) | \(?(?:[a-z]|[ivx]{{2,5}})\) | \d\u20e3 )\s
    )+""",
    re.VERBOSE | re.IGNORECASE,
)
_AFTER = re.compile(rf"(?:[\s.,;:!?|>~=\u3001\u3002{_SYMBOLS}-]|\s#+)+$")
_QUOTES = {mark: re.compile(rf"(?<!\w){mark}|{mark}(?!\w)") for mark in "\"'"}
_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
_BRACKETS = frozenset("()[]{}<>")

_SENTENCE_ENDS = (".", "!", "?", "\u3002", "\u2026", "\uff01", "\uff1f")
_AFTER_SENTENCE = " \t\r\n\f\v\u00a0\"'`*_)]}>\u2019\u201d\u00bb"
# Words that make a short text with a sentence mark a sentence: 'Honesty is key.' but not 'can do attitude!'
_CLAUSE = re.compile(
    rf"{word_pattern('clause_subjects')}\b|.*\b{word_pattern('clause_verbs')}\b",
    re.IGNORECASE,
)

# Scripts that set no space between words, each with the letters of a usual word.
_UNSPACED = (
    (re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]"), 2),
    (re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"), 5),
)

# Keys of what a language model answers when there is no value.
_PLACEHOLDERS = (
    word_list("placeholders")
    | word_list("foreign_placeholders")
    | {start + end for start in word_list("placeholder_starts") for end in ("", *word_list("placeholder_ends"))}
)
_REFUSALS = tuple(sorted(word_list("refusal_starts")))


def clean(text: str) -> str:
    """Return the cleaned spelling of a value string.

    The text is in NFKC, but for symbols and fractions, with one kind of hyphen and straight quotes, single spaces, and
    without invisible characters, bullets, numbering, markdown emphasis, backticks, quotes, brackets or other residue
    (see `residue.unwrap`) around the whole, or punctuation at either end. Case and everything inside words stay.

    Parameters
    ----------
    text : str
        What a language model returned.

    Returns
    -------
    str
        The cleaned spelling, possibly empty. Cleaning it again changes nothing.
    """
    if _PLAIN.fullmatch(text):
        return text
    text = " ".join(text.split())
    before = None
    while text != before and len(text) <= _LONGEST and not _PLAIN.fullmatch(text):
        before = text
        text = _undecorated(_normal(unwrap(text)))
    return text


def canonical_key(text: str) -> str:
    """Return the key that all spellings of one value share.

    Parameters
    ----------
    text : str
        A value string, cleaned or not.

    Returns
    -------
    str
        The cleaned spelling, case-folded, without spaces, hyphens and underscores: 'Well-being',
        'well being' and 'wellbeing' have one key.
    """
    return key_of_cleaned(clean(text))


def key_of_cleaned(cleaned: str) -> str:
    """Return the canonical key of a cleaned spelling, without cleaning it again."""
    return folded(cleaned).replace(" ", "").replace("-", "").replace("_", "")


def folded(cleaned: str) -> str:
    """Return a cleaned spelling case-folded: its canonical key with the breaks between words."""
    text = cleaned.casefold()
    if not text.isascii() and len(text) <= _LONGEST:
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(_JOINERS)
    return text


def reason_to_reject(text: str, cleaned: str) -> str | None:
    """Return why a string is rejected as a value.

    Parameters
    ----------
    text : str
        The string as it was read.
    cleaned : str
        Its cleaned spelling.

    Returns
    -------
    str or None
        "empty", "placeholder" ('n/a', 'none', '-'), "refusal" ('I cannot determine the value'), "no letters",
        "too long" (over 100 characters), "sentence", or None for a value. A sentence has over 8 words; or it ends in a
        sentence mark and has over 5 words or a subject or verb that only a sentence has. Up to 8 words without such a
        mark are never a sentence. In scripts without spaces, letters are counted as words of a usual length.
    """
    if len(cleaned) > _MOST:
        return "too long"
    if not (cleaned[:1].isalpha() or any(map(str.isalpha, cleaned))):
        shown = _normal(text[:_LONGEST])
        # Tags or JSON around no value.
        is_residue = not cleaned and any(map(str.isalpha, shown))
        return "no letters" if shown.strip("- ") and not is_residue else "placeholder" if shown else "empty"
    key = key_of_cleaned(cleaned)
    if key in _PLACEHOLDERS:
        return "placeholder"
    if key.startswith(_REFUSALS):
        return "refusal"
    words = _count_words(cleaned)
    if words > 8:
        return "sentence"
    # The cleaned spelling is checked too: if it is rejected, so are all strings with that spelling.
    ended = words > 2 and (_ends(cleaned) or (text != cleaned and _ends(text)))
    return "sentence" if ended and (words > 5 or _CLAUSE.match(cleaned)) else None


def label_problem(text: str) -> str | None:
    """Return why a text can't be the label of a node, to follow a word for it; None where it can."""
    if not text.translate(_JOINERS).isprintable():
        return UNPRINTABLE
    if STEP in text:
        return f"holds {STEP!r}, which stands between the labels of a path"
    return f"has {len(text)} characters, more than {_MOST}" if len(text) > _MOST else None


def _ends(text: str) -> bool:
    """Return whether a text ends in a sentence mark, before any quotes and brackets."""
    return text.rstrip(_AFTER_SENTENCE).endswith(_SENTENCE_ENDS)


def _normal(text: str) -> str:
    if text.isascii():
        text = _CONTROLS.sub("", text)
    else:
        joiners = {joiner.start() for joiner in _SPELLED_JOINER.finditer(text)}
        text = text.translate(_PUNCTUATION)
        text = "".join(char for at, char in enumerate(text) if at in joiners or _shows(char))
        # Before NFKC, which makes a plain digit of a circled one.
        if symbols := _SYMBOLS_BEFORE.match(text):
            text = text[symbols.end() :] or text
        text = _compatible(text)
    return " ".join(text.split())


def _compatible(text: str) -> str:
    """Return a text in NFKC, but for numbers and symbols that it would turn into other text."""
    folded = (char if unicodedata.category(char) in _KEPT_CATEGORIES else _nfkc(char) for char in text)
    return unicodedata.normalize("NFC", "".join(folded))


@cache
def _nfkc(char: str) -> str:
    return unicodedata.normalize("NFKC", char)


def _count_words(text: str) -> int:
    """Return the words of a text; of a script without spaces, as many as its letters make."""
    letters = 0 if text.isascii() else sum(len(script.findall(text)) // size for script, size in _UNSPACED)
    return max(text.count(" ") + 1, letters)


def _shows(char: str) -> bool:
    return char.isspace() or (unicodedata.category(char) not in _HIDDEN_CATEGORIES and char not in _BLANKS)


def _undecorated(text: str) -> str:
    text = _EMPHASIS.sub("", text)
    if decoration := _BEFORE.match(text):
        text = text[decoration.end() :]
    text = _AFTER.sub("", text)
    for mark, loose in _QUOTES.items():
        inner = text.strip(mark)
        # In '"a" and "b"' the outer marks are not a pair.
        if inner != text and not loose.search(inner):
            text = inner
    return _unwrapped(text)


def _unwrapped(text: str) -> str:
    """Remove brackets around the whole, and brackets at an end without a partner."""
    if not text or (text[0] not in _BRACKETS and text[-1] not in _BRACKETS):
        return text
    partner: dict[int, int] = {}
    open_positions: list[int] = []
    for position, char in enumerate(text):
        if char in _CLOSING:
            open_positions.append(position)
        elif char in _BRACKETS and open_positions and _CLOSING[text[open_positions[-1]]] == char:
            start = open_positions.pop()
            partner[start], partner[position] = position, start
    last = len(text) - 1
    start, stop = 0, last + 1
    if text[0] in _BRACKETS and partner.get(0, last) == last:
        start = 1
    if text[last] in _BRACKETS and partner.get(last, 0) == 0:
        stop = last
    return text[start:stop]
