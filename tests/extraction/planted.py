"""Invented conversations with the truth about them, and a model that is asked about them without a server."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from taxonomy.extraction.answer_forms import Features
from taxonomy.extraction.conversation import Conversation, Turn
from taxonomy.extraction.conversation_questions import ask_features, ask_screening
from taxonomy.extraction.excerpts import Excerpt
from taxonomy.extraction.extracted import Extracted, unite
from taxonomy.extraction.extraction_recipe import ExtractionRecipe
from taxonomy.llm.question import Question
from tests.conftest import ROOT

# The modules of fixtures/ import each other as scripts do.
sys.path.append(str(ROOT / "fixtures"))

from conversation_formats import write
from invented import Invented
from make_conversations import invent, truth_table

COMBINED, APART = ExtractionRecipe(combined=True), ExtractionRecipe()
Model = Callable[[Mapping[str, Any]], dict[str, Any]]
Facts = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Planted:
    """Conversations, as they are invented and as they are read; the truth about them, also by their ids."""

    invented: list[Invented]
    conversations: list[Conversation]
    truth: pa.Table
    facts: Mapping[str, Facts]


@cache
def plant(n: int, seed: int = 1) -> Planted:
    """Invent conversations."""
    every, conversations, known = [], [], []
    for invented, facts in invent(n, seed):
        every.append(invented)
        turns = tuple(
            Turn(said.side, "\n\n".join(piece.text for piece in said.pieces if piece.kind == "text"))
            for said in invented.turns
        )
        conversations.append(Conversation(invented.conversation_id, turns))
        known += facts
    truth = truth_table(known)
    by_id = defaultdict(list)
    for row in truth.to_pylist():
        by_id[row["conversation_id"]].append(row)
    return Planted(every, conversations, truth, by_id)


def write_planted(folder: Path, n: int, seed: int = 1) -> Path:
    """Write the same conversations into a folder, with the truth, as the script does."""
    both = list(invent(n, seed))
    write((conversation for conversation, _ in both), folder, "jsonl")
    pq.write_table(truth_table([fact for _, known in both for fact in known]), folder / "truth.parquet")
    return folder


def write_chosen(path: Path, planted: Planted, chosen: Collection[str]) -> Path:
    """Write some of the conversations as JSON lines."""
    wanted = [one for one in planted.invented if one.conversation_id in chosen]
    (path.parent / "chosen").mkdir(exist_ok=True)
    write(iter(wanted), path.parent / "chosen", "jsonl")
    return (path.parent / "chosen" / "conversations.jsonl").rename(path)


def label_of(facts: Facts, kind: str, default: str = "") -> str:
    """Return the label of a fact that a conversation has once, or not at all."""
    return next((str(fact["label"]) for fact in facts if fact["kind"] == kind), default)


def values_of(facts: Facts) -> Counter[tuple[str | None, str]]:
    """Return the planted values with their sides."""
    return Counter((fact["side"], fact["label"]) for fact in facts if fact["kind"] == "value")


# -- asking ----------------------------------------------------------------------------------------------------


def request_of(question: Question, *, anthropic: bool = False) -> dict[str, Any]:
    """Return a question in the form of a protocol, without what no answer depends on."""
    [(role, text)] = question.turns()
    shown = [part for part in (question.kept(), text) if part]
    if anthropic:
        content = [{"type": "text", "text": part} for part in shown]
        return {
            "system": [{"type": "text", "text": question.prompt}],
            "messages": [{"role": role, "content": content}],
        }
    system = {"role": "system", "content": question.prompt}
    return {"messages": [system, {"role": role, "content": "\n\n".join(shown)}]}


def screen(model: Model, conversation: Conversation, **protocol: bool) -> str:
    """Return how subjective a model calls a conversation, which fits a window."""
    [question] = ask_screening(conversation, APART)
    answer = question.form.model_validate(model(request_of(question, **protocol)))
    return str(answer.model_dump()["subjectivity"])


def answers_of(
    model: Model, conversation: Conversation, recipe: ExtractionRecipe = COMBINED, **protocol: bool
) -> list[tuple[Excerpt, Features]]:
    """Return what a model says to all questions about a conversation, each with what it was shown."""
    answers = []
    for asked in ask_features(conversation, recipe):
        answer = asked.question.form.model_validate(model(request_of(asked.question, **protocol)))
        assert isinstance(answer, Features)
        answers.append((asked.excerpt, answer))
    return answers


def read(model: Model, conversation: Conversation, recipe: ExtractionRecipe = COMBINED, **protocol: bool) -> Extracted:
    """Return what is extracted from a conversation."""
    return unite(answers_of(model, conversation, recipe, **protocol))
