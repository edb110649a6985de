"""Definitions made offline: what holding a node's value means, with two or three members as examples."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taxonomy.english.words import related, repeats, stems, with_article

DEFINITION_WORDS = (10, 25)
_EXAMPLES = 3
_LONGEST_EXAMPLE = 4
# Where a value is held, each with values that show it: a node takes the one that its members are most like.
_SPHERES = {
    "in the work one does": ("professional competence", "efficiency", "technical quality", "planning"),
    "in what one thinks and claims": ("truthfulness", "evidence based reasoning", "knowledge"),
    "in dealings with others": ("kindness to others", "cooperation", "friendship"),
    "wherever harm could be done": ("harm prevention", "safety", "privacy"),
    "in one's own life": ("personal growth", "inner peace", "wellbeing", "enjoyment"),
    "in what one creates": ("creative expression", "storytelling", "beauty"),
    "in one's conduct": ("integrity", "responsibility", "ethical conduct"),
    "in the life of a community": ("community", "cultural heritage", "social justice"),
}
# Each takes any noun phrase and any number, so that what comes out is grammatical.
FORMS = (
    "Caring about {label} {sphere}{tail}.",
    "Giving weight to {label} {sphere}{tail}.",
    "A commitment to {label} {sphere}{tail}.",
    "Valuing {examples} as {part} of {label} {sphere}.",
    "Holding to {label} {sphere}{tail}.",
    "Being guided by {label} {sphere}{tail}.",
    "Acting for the sake of {label} {sphere}{tail}.",
    "A lasting regard for {label} {sphere}{tail}.",
    "Taking {label} seriously {sphere}{tail}.",
    "Treating {examples} as {part} of {label}, and worth an effort {sphere}.",
    "Making room for {label} {sphere}{tail}.",
)
_OF_MEMBERS = "Caring about {examples} {sphere}."
_TAILS = (
    (", as in {}", "or"),
    (", for example through {}", "and"),
    (", by way of {}", "or"),
    (", with {} in view", "and"),
    (": {}", "and"),
    (", including {}", "and"),
    (", seen in {}", "and"),
)
# Where no sphere stands out by this much in cosine, or its words are the label's.
_ANYWHERE = "in what one says and does"
_CLEAR = 0.02
_LONG_WAY = f"{_ANYWHERE}, day after day"


@dataclass(frozen=True)
class Definer:
    """Writes definitions.

    Attributes
    ----------
    spheres : ndarray of shape (len(_SPHERES), dimension)
        The mean vector of each sphere's values.
    """

    spheres: NDArray[np.float32]

    @classmethod
    def from_encoder(cls, encode: Callable[[Sequence[str]], NDArray[np.float32]]) -> Definer:
        """Embed the values of the spheres."""
        vectors = iter(encode([value for values in _SPHERES.values() for value in values]))
        return cls(np.stack([np.mean([next(vectors) for _ in values], axis=0) for values in _SPHERES.values()]))

    def define_level(
        self,
        labels: Sequence[str],
        members: Sequence[Sequence[str]],
        centers: NDArray[np.float32],
        parents: Sequence[int],
    ) -> list[str]:
        """Return the definitions of the nodes of one level.

        The form follows from the label, so that a node keeps it from build to build, but for siblings that would read
        alike one after the other.

        Parameters
        ----------
        labels : sequence of str
            As they stand within a sentence.
        members : sequence of sequence of str
            Values of each node, best first, in any number.
        centers : ndarray of shape (n, dimension)
        parents : sequence of int
        """
        spheres = self._spheres(labels, centers)
        found = [""] * len(labels)
        before: tuple[int, int, int] | None = None
        for node in sorted(range(len(labels)), key=lambda one: (parents[one], labels[one])):
            seed = zlib.crc32(labels[node].encode())
            form, tail = seed % len(FORMS), seed // len(FORMS) % len(_TAILS)
            if before is not None and before[0] == parents[node]:
                form = (form + (form == before[1])) % len(FORMS)
                tail = (tail + (tail == before[2])) % len(_TAILS)
            before = parents[node], form, tail
            found[node] = _write(
                FORMS[form], _TAILS[tail], labels[node], examples(labels[node], members[node]), spheres[node]
            )
        return found

    def define_members(
        self, labels: Sequence[str], members: Sequence[Sequence[str]], centers: NDArray[np.float32]
    ) -> list[str]:
        """Return definitions that name members and not the label, which may be older than they are.

        Parameters
        ----------
        labels, members, centers
            As for `define_level`; each node has a member.
        """
        chosen = [examples("", own) or list(own[:1]) for own in members]
        # Where a wording asks for a label, the members stand in its place.
        return [
            _write(_OF_MEMBERS, _TAILS[0], _listed(shown, "and"), shown, sphere)
            for shown, sphere in zip(chosen, self._spheres(labels, centers), strict=True)
        ]

    def _spheres(self, labels: Sequence[str], centers: NDArray[np.float32]) -> list[str]:
        likeness = centers @ self.spheres.T
        best = likeness.argmax(axis=1)
        clear = likeness.max(axis=1) - np.sort(likeness, axis=1)[:, -2] > _CLEAR
        names = list(_SPHERES)
        return [
            names[one] if sure and not repeats([label], [names[one]]) else _ANYWHERE
            for one, sure, label in zip(best, clear, labels, strict=True)
        ]


def examples(label: str, members: Sequence[str]) -> list[str]:
    """Return up to three members that say something which neither the label nor each other say, best first."""
    chosen: list[str] = []
    said = stems(label)
    usable = [text for text in members if " and " not in text and len(text.split()) <= _LONGEST_EXAMPLE]
    # At least half of the words new, then some, then none: a node may have few members, and those are in its name.
    for new_part, enough in ((0.5, _EXAMPLES), (0.01, _EXAMPLES), (0.0, 2)):
        for text in usable:
            if len(chosen) >= enough:
                break
            new = [one for one in stems(text) if not any(related(one, other) for other in said)]
            if text not in chosen and len(new) >= new_part * len(stems(text)):
                chosen.append(text)
                said |= stems(text)
        if len(chosen) > 1:
            break
    return chosen


def _write(form: str, tail: tuple[str, str], label: str, shown: Sequence[str], sphere: str) -> str:
    """Return the first wording of 10 to 25 words, those that say most first."""
    least, most = DEFINITION_WORDS
    return next(text for text in _wordings(form, tail, label, shown, sphere) if least <= len(text.split()) <= most)


def _wordings(form: str, tail: tuple[str, str], label: str, shown: Sequence[str], sphere: str) -> Iterator[str]:
    named = with_article(label)
    texts = [with_article(text) for text in shown]
    for number in range(len(texts), 0, -1):
        for where in (sphere, _ANYWHERE) if number < 2 else (sphere, ""):
            yield _filled(form, tail, named, texts[:number], where)
    start = FORMS[0].format(label=named, sphere="{sphere}", tail="")
    for where in (_LONG_WAY, sphere, ""):
        yield " ".join(start.format(sphere=where).split()).replace(" .", ".")
    yield f"Caring about what these values share {_LONG_WAY}."


def _filled(form: str, tail: tuple[str, str], label: str, shown: Sequence[str], sphere: str) -> str:
    ending, word = tail
    text = form.format(
        label=label,
        sphere=sphere,
        tail=ending.format(_listed(shown, word)),
        examples=_listed(shown, "and"),
        part="parts" if len(shown) > 1 else "part",
    )
    # Without a sphere its space is left before a mark.
    return " ".join(text.split()).replace(" ,", ",").replace(" :", ":").replace(" .", ".")


def _listed(texts: Sequence[str], word: str) -> str:
    return f"{', '.join(texts[:-1])} {word} {texts[-1]}" if len(texts) > 1 else texts[0]
