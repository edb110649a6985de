"""Words that are most likely slips of the pen for another word of a vocabulary, told without a dictionary.

A slip swaps two letters, or drops, adds, doubles or halves one, behind the first. Most words that differ by that are
two English words, so more must speak for a slip: runs of letters that no other word has, where the word meant has
fewer; and length, since long words are rarely alike by chance. A typo stands in one string, and has no relative, as
"wariness" has one in "wary".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from taxonomy.english.words import known_words, stem, word_pairs

# Letters of the longer of two words: shorter ones are too often alike.
_LEAST = 6
# From these lengths on, a length speaks for a slip once and twice. A known word counts as two letters longer.
_LONG, _VERY_LONG = 9, 12
_KNOWN = 2
# A word that so many strings have is known.
_KNOWN_IN = 3
# Letters that relatives have in common at least.
_SHARED = 4
# What must speak for each kind of slip; for a letter dropped from or added to a word that is not known, one more.
_ENOUGH = {"doubled": 1, "swapped": 2, "moved": 3}
_LOOKALIKES = frozenset(map(frozenset, word_pairs("lookalikes")))
_VOWELS = frozenset("aeiou")
_INFLECTED = re.compile(r"(?:ed|e[nr]s?|ers?|est|ing|y)")


def find_typos(counts: Mapping[str, int]) -> dict[str, list[str]]:
    """Return words that are most likely typos, each with the words that it may stand for.

    Parameters
    ----------
    counts : mapping of str to int
        Words in small letters, and in how many strings each is. Those with other letters than a to z are never typos.

    Returns
    -------
    dict of str to list of str
        In code-point order.

    Examples
    --------
    >>> find_typos({"honesty": 2, "honsety": 1, "integrity": 1, "intergrity": 1, "ability": 1, "agility": 1})
    {'honsety': ['honesty'], 'intergrity': ['integrity']}
    """
    near = {pair for one, other in _near(counts) for pair in ((one, other), (other, one))}
    vocabulary = _Vocabulary(counts) if near else None
    found: dict[str, list[str]] = defaultdict(list)
    for typo, word in sorted(near):
        if vocabulary is not None and vocabulary.is_typo(typo, word):
            found[typo].append(word)
    return dict(found)


def _near(words: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of words of which one is the other without a letter, or with two letters swapped."""
    for word in words:
        if len(word) >= _LEAST and word.isascii() and word.isalpha():
            places = range(1, len(word))
            slips = {word[:at] + word[at + 1 :] for at in places}
            slips |= {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in places[:-1]}
            yield from ((slip, word) for slip in slips & words.keys() if _slip(slip, word))


def _slip(typo: str, word: str) -> str:
    """Return how a word comes of another: "swapped", "doubled" (or halved), "moved" (dropped or added), or nothing."""
    at = next((at for at, (one, other) in enumerate(zip(typo, word, strict=False)) if one != other), None)
    if len(typo) == len(word):
        if at is None or at == 0:
            return ""
        return "swapped" if typo[at : at + 2] == word[at : at + 2][::-1] and typo[at + 2 :] == word[at + 2 :] else ""
    shorter, longer = sorted((typo, word), key=len)
    at = len(shorter) if at is None else at
    # A letter before a word may be a prefix, as in "amoral".
    if longer[at + 1 :] != shorter[at:] or longer[1:] == shorter:
        return ""
    # Grammar doubles before an ending: "hopping" is not "hoping".
    if longer[at] == longer[at - 1] and longer[at] not in _VOWELS and not _INFLECTED.fullmatch(longer, at + 1):
        return "doubled"
    # An ending such as the "e" of "morale" makes another word.
    return "moved" if at < len(shorter) else ""


class _Vocabulary:
    """Words, and the runs of three and four letters in them."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts
        self._known = known_words()
        self._words = self._known | counts.keys()
        self._runs = Counter(run for word in self._words for run in _runs(word))
        self._by_start: dict[str, list[str]] = defaultdict(list)
        for word in self._words:
            self._by_start[word[:_SHARED]].append(word)
        self._stems: dict[str, Counter[str]] = {}

    def is_typo(self, typo: str, word: str) -> bool:
        """Tell whether a word is most likely a slip for another, of which a slip would make it."""
        if self._counts[typo] > 1 or typo in self._known or frozenset((typo, word)) in _LOOKALIKES:
            return False
        slip = _slip(typo, word)
        rare, odd = self._odd(typo, word)
        is_known = word in self._known or self._counts[word] >= _KNOWN_IN
        more = odd if is_known else odd - self._odd(word, typo)[1]
        # Verbs of a few letters are many, and the "ing" makes them longer.
        are_gerunds = typo.endswith("ing") and word.endswith("ing")
        length = len(word) - 3 * are_gerunds + _KNOWN * is_known
        evidence = more + (rare > 0 and not are_gerunds) + (length >= _LONG) + (length >= _VERY_LONG)
        enough = _ENOUGH[slip] + (slip == "moved" and not is_known)
        return more > 0 and evidence >= enough and not self._has_relative(typo, word, slip)

    def _odd(self, word: str, beside: str) -> tuple[int, int]:
        """Return how many runs of three and of four letters no word has but these two."""
        theirs = _runs(beside)
        odd = [run for run in _runs(word) if self._runs[run] == 1 + (run in theirs)]
        return sum(len(run) == 3 for run in odd), sum(len(run) == 4 for run in odd)

    def _has_relative(self, typo: str, word: str, slip: str) -> bool:
        """Tell whether a word has the stem of another one; where letters are doubled it may be that of its own word."""
        start, own = typo[:_SHARED], stem(typo)
        if start not in self._stems:
            self._stems[start] = Counter(map(stem, self._by_start[start]))
        is_same = own == stem(word)
        is_related = self._stems[start][own] > 1 + (is_same and word.startswith(start))
        return is_related or (is_same and slip != "doubled")


def _runs(word: str) -> set[str]:
    marked = f"^{word}$"
    return {marked[at : at + length] for length in (3, 4) for at in range(len(marked) - length + 1)}
