"""A model that knows the truth of invented conversations, and is wrong as often as it is told to be."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from taxonomy.extraction.conversation import Conversation
from taxonomy.extraction.conversation_set import open_conversations
from tests.llm_server.answers import blocks_of
from tests.llm_server.mistakes import Answering, Answers, Mistake, Rates

TRUTH = "truth.parquet"


class Oracle:
    """Answers the questions of the extraction: whether a conversation is subjective, and what is in it.

    It finds the conversation by the turns that the question shows. The same question has the same answer in each
    process, whatever was asked before, and however the questions are put together.

    Parameters
    ----------
    conversations : iterable of Conversation
    truth : pyarrow.Table or sequence of mapping
        The rows that ``fixtures/make_conversations.py`` writes about them.
    seed : int
        Of the mistakes.
    **rates : float
        The fields of `Rates`.

    Raises
    ------
    ValueError
        If the truth does not know a conversation.
    """

    def __init__(
        self,
        conversations: Iterable[Conversation],
        truth: pa.Table | Sequence[Mapping[str, Any]],
        *,
        seed: int = 0,
        **rates: float,
    ) -> None:
        rows = truth.to_pylist() if isinstance(truth, pa.Table) else truth
        facts = defaultdict(list)
        for row in rows:
            facts[row["conversation_id"]].append(row)
        answering = Answering(sorted({row["label"] for row in rows if row["kind"] == "value"}), Rates(**rates), seed)
        self._answers: list[Answers] = []
        self._lengths: list[int] = []
        # The conversations that have a turn.
        self._having: defaultdict[bytes, set[int]] = defaultdict(set)
        for number, conversation in enumerate(conversations):
            if conversation.conversation_id not in facts:
                raise ValueError(f"the truth does not know the conversation {conversation.conversation_id}")
            self._answers.append(answering.plan(conversation, facts[conversation.conversation_id]))
            self._lengths.append(sum(bool(turn.text) for turn in conversation.turns))
            for place, turn in enumerate(conversation.turns, 1):
                self._having[_digest(place, turn.side, turn.text)].add(number)

    @classmethod
    def of_folder(cls, folder: Path, *, seed: int = 0, **rates: float) -> Oracle:
        """Return the oracle of a folder that ``fixtures/make_conversations.py`` wrote."""
        with open_conversations(folder) as conversations:
            return cls(conversations, pq.read_table(folder / TRUTH), seed=seed, **rates)

    @property
    def mistakes(self) -> list[Mistake]:
        """All that it gets wrong, conversation by conversation, whether or not it is asked."""
        return [mistake for answers in self._answers for mistake in answers.mistakes]

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a request of either protocol.

        Raises
        ------
        LookupError
            If no conversation has the turns that are shown.
        ValueError
            If the parts to fill are not known.
        """
        blocks = blocks_of(request)
        answers = self.find(blocks[0]["turns"])
        if len(blocks) == 1:
            return {"subjectivity": answers.subjectivity}
        parts = _parts_of(answers, {turn.get("turn") for turn in blocks[0]["turns"]})
        fill = blocks[-1]["fill"]
        if not fill or not parts.keys() >= set(fill):
            raise ValueError(f"there is nothing to fill that is known: {fill}")
        return {part: said if part in fill else None for part, said in parts.items()}

    def find(self, shown: Sequence[Mapping[str, Any]]) -> Answers:
        """Return the answers about the conversation that a question shows: of several, the shortest, shown whole."""
        turns = [turn for turn in shown if "turn" in turn]
        having = [self._having.get(_digest(turn["turn"], turn["side"], turn["text"]), set()) for turn in turns]
        found = set.intersection(*sorted(having, key=len)) if having else set()
        if not found:
            raise LookupError(f"no conversation has these {len(turns)} turns: {json.dumps(shown)[:200]}")
        return self._answers[min(found, key=lambda number: (self._lengths[number], number))]


def _digest(place: int, side: str, text: str) -> bytes:
    return hashlib.sha256(json.dumps([place, side, text]).encode()).digest()[:16]


def _parts_of(answers: Answers, shown: set[int]) -> dict[str, Any]:
    """Return all parts of an answer; values are those of the turns that are shown."""
    values: dict[str, list[dict[str, Any]]] = {"ai": [], "human": []}
    for said in answers.values:
        if said.turn in shown:
            entry = said._asdict()
            del entry["side"]
            if said.side == "human":
                del entry["explicit"]
            values[said.side].append(entry)
    return {
        "ai_values": values["ai"],
        "human_values": values["human"],
        "response_type": answers.response_type,
        "task": answers.task,
    }
