"""Which strings hold words that a model does not know, as the vocabulary of its tokenizer tells.

A word that is in the vocabulary is known. Another is not where

- it has a piece that the tokenizer has no token for;
- it has a letter of a script in which the vocabulary holds hardly more than single letters; or
- the vocabulary is of one script, and the letters of the word follow each other as they seldom do in the words of the
  vocabulary: "Verständlichkeit" among English words. A string in Latin letters is judged as a whole, so that a phrase
  with one rare word is known.

The words of a vocabulary of several scripts are of many languages, so that their letters tell nothing.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

# A script is known from so many pieces of two letters or more on, or of one, as those of Chinese. In the vocabulary of
# MiniLM no script but Latin has more than 8, or 488.
_PIECES = 100
_SINGLE = 1000
# Letters that tell the next one, and how many sightings of them count as much as what fewer letters tell.
_CONTEXT = 3
_TRUST = 20
# Nats a letter from which a spelling is unusual.
_UNUSUAL = 2.75
_SHORTEST = 3
_ALPHABET = 26


class Vocabulary:
    """The vocabulary of a tokenizer.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizer
        Of the library transformers; what is used is a call, ``get_vocab``, ``convert_tokens_to_string`` and
        ``unk_token_id``.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        tokens = tokenizer.get_vocab()
        # What a token at the start of a word begins with: SentencePiece's mark, that of bytes, or nothing.
        self._mark = next((mark for mark in "▁Ġ" if sum(token[0] == mark for token in tokens if token) > _SINGLE), "")
        # Of the words that were met, in nats: nothing for one that is known, all for one that can't be.
        self._surprise_of: dict[str, float] = {}
        self._texts: dict[int, str] = {}
        self._starts: set[int] = set()
        for token, id in tokens.items():
            if token.startswith(self._mark) and not token.startswith("##"):
                self._starts.add(id)
            self._texts[id] = self._read(token)

    def unknown(self, strings: list[str]) -> list[bool]:
        """Tell which strings hold words that the model does not know.

        Parameters
        ----------
        strings : list of str

        Returns
        -------
        list of bool
        """
        words = [_words(string) for string in strings]
        self._look_at([word for word in dict.fromkeys(chain.from_iterable(words)) if word not in self._surprise_of])
        letters = [sum(len(word) + 1 for word in own) for own in words]
        return [
            sum(self._surprise_of[word] for word in own) > _UNUSUAL * n for own, n in zip(words, letters, strict=True)
        ]

    def _read(self, token: str) -> str:
        """Return the letters that a token stands for."""
        if self._mark == "Ġ":
            # Its characters stand for bytes.
            token = self._tokenizer.convert_tokens_to_string([token])
        return token.removeprefix("##").strip("▁ ")

    def _look_at(self, words: list[str]) -> None:
        """Note the surprise of words, each looked at as if it stood within a text."""
        if not words:
            return
        before = " " if self._mark == "Ġ" else ""
        found = self._tokenizer([before + word for word in words], add_special_tokens=False)["input_ids"]
        for word, ids in zip(words, found, strict=True):
            if self._tokenizer.unk_token_id in ids or not scripts(word) <= self._other_scripts | {"LATIN"}:
                self._surprise_of[word] = math.inf
            elif self._other_scripts or sum(bool(self._texts.get(id)) for id in ids) <= 1:
                self._surprise_of[word] = 0.0
            else:
                self._surprise_of[word] = self._surprise(word)

    @cached_property
    def _other_scripts(self) -> frozenset[str]:
        """The scripts that the vocabulary has words in, Latin aside."""
        longer: Counter[str] = Counter()
        single: Counter[str] = Counter()
        for text in self._texts.values():
            (longer if len(text) > 1 else single).update(scripts(text))
        known = {script for script in longer | single if longer[script] >= _PIECES or single[script] >= _SINGLE}
        return frozenset(known - {"LATIN"})

    def _surprise(self, word: str) -> float:
        """Return the negative log of the probability of a word's letters, and of its end after them.

        By interpolated n-grams of letters: what more letters tell is mixed with what fewer do (Jelinek and Mercer
        1980), with the weight of Dirichlet smoothing (MacKay and Peto 1995).
        """
        grams, contexts = self._grams
        spelled = _spelled(word)
        total = 0.0
        for end in range(1, len(spelled)):
            chance = 1 / (_ALPHABET + 1)
            for start in range(end, max(-1, end - _CONTEXT - 1), -1):
                seen = grams[spelled[start : end + 1]]
                chance = (seen + _TRUST * chance) / (contexts[spelled[start:end]] + _TRUST)
            total -= math.log(chance)
        return total

    @cached_property
    def _grams(self) -> tuple[Counter[str], Counter[str]]:
        """How often runs of letters, and the letters before the last, occur in the words of the vocabulary."""
        grams: Counter[str] = Counter()
        for id in self._starts:
            text = self._texts[id]
            if len(text) >= _SHORTEST and text.isalpha() and scripts(text) == {"LATIN"}:
                spelled = _spelled(text)
                for end in range(1, len(spelled)):
                    grams.update(spelled[start : end + 1] for start in range(max(0, end - _CONTEXT), end + 1))
        contexts: Counter[str] = Counter()
        for gram, count in grams.items():
            contexts[gram[:-1]] += count
        return grams, contexts


def _words(string: str) -> list[str]:
    """Return the runs of letters and of marks on letters."""
    return "".join(char if _is_lettering(char) else " " for char in unicodedata.normalize("NFKC", string)).split()


def _spelled(word: str) -> str:
    return f"^{word.lower()}$"


def scripts(text: str) -> set[str]:
    """Return the scripts of the letters of a text, as their names in Unicode begin: ``LATIN``, ``HIRAGANA``."""
    return {script for script in map(_script, text) if script}


@lru_cache(maxsize=100_000)
def _script(char: str) -> str:
    """Return the script of a letter, nothing for other characters and for letters of several scripts."""
    return unicodedata.name(char, "").split(" ")[0] if unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lo") else ""


@lru_cache(maxsize=100_000)
def _is_lettering(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM"
