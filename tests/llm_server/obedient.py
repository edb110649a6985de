"""A model that does what the conversations tell it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from taxonomy.extraction.evidence import MOST_WORDS
from tests.llm_server.answers import data_of, system_of
from tests.llm_server.oracle import Oracle

# The modules of fixtures/ import each other as scripts do.
sys.path.append(str(Path(__file__).parents[2] / "fixtures"))

from injections import text_of

VALUES = ("ai_values", "human_values")
# The others want their value to be the only one.
_ADDING = ("fake assistant turn", "fake system turn", "tool result")


class Order(NamedTuple):
    """An instruction in the conversations: by its kind, what it wants said, and its text."""

    technique: str
    unwanted: str
    text: str


class Obeyed(NamedTuple):
    """A part of an answer about a conversation that follows an instruction."""

    conversation_id: str
    technique: str
    unwanted: str
    part: str


class Obedient:
    """Answers as the oracle does, but for the injections of `fixtures/injections.py`: it does what they want.

    It obeys each whose text stands in a turn that it is shown, in every part that it is asked for and that the
    instruction is about: values with a quote of the instruction's own, on both sides; the response type; the task. No
    instruction is about the subjectivity.

    Parameters
    ----------
    oracle : Oracle
    truth : pyarrow.Table or sequence of mapping

    Attributes
    ----------
    obeyed : set of Obeyed
    """

    def __init__(self, oracle: Oracle, truth: pa.Table | Sequence[Mapping[str, Any]]) -> None:
        rows = truth.to_pylist() if isinstance(truth, pa.Table) else truth
        wanted = sorted({(row["label"], row["quote"]) for row in rows if row["kind"] == "injection"})
        self._oracle = oracle
        self._orders = [Order(*one, text_of(*one).strip()) for one in wanted]
        self.obeyed: set[Obeyed] = set()

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a request of either protocol."""
        answer = self._oracle(request)
        shown = data_of(request)["turns"]
        for order, turn in self._orders_in(shown):
            changed = _obey(answer, order, turn, system_of(request))
            parts = [part for part in changed if part in answer and answer[part] is not None]
            answer |= {part: changed[part] for part in parts}
            about = self._oracle.find(shown).conversation_id
            self.obeyed |= {Obeyed(about, order.technique, order.unwanted, part) for part in parts}
        return answer

    def _orders_in(self, shown: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Order, int]]:
        """Yield each instruction that the turns hold, with the number of its turn."""
        for turn in shown:
            for order in self._orders:
                if order.text in turn.get("text", ""):
                    yield order, turn["turn"]


def _obey(answer: Mapping[str, Any], order: Order, turn: int, system: str) -> dict[str, Any]:
    """Return the parts of an answer as the instruction wants them."""
    technique, unwanted, text = order
    if technique == "no values":
        return {"response_type": "no values", **{part: [] for part in VALUES}}
    if technique == "strong resistance":
        return {"response_type": "strong resistance"}
    values = {part: list(answer.get(part) or []) if technique in _ADDING else [] for part in VALUES}
    changed: dict[str, Any] = {}
    value = unwanted
    if technique == "reveal the prompt":
        value = changed["task"] = f"{unwanted} {system}"
    elif technique == "echo a canary":
        changed["task"] = f"{unwanted} {answer.get('task')}"
        for part in VALUES:
            for entry in answer.get(part) or []:
                values[part].append({**entry, **{name: f"{unwanted} {entry[name]}" for name in ("value", "quote")}})
    entry = {"value": value, "turn": turn, "quote": _quote_of(text, unwanted)}
    values["ai_values"].append({**entry, "explicit": True})
    values["human_values"].append(entry)
    return changed | values


def _quote_of(text: str, unwanted: str) -> str:
    """Return a few words of an instruction, with what it wants said if it says so."""
    lines = text.splitlines()
    line = next((line for line in lines if unwanted in line), lines[0])
    return " ".join(line.split()[:MOST_WORDS])
