"""Names, definitions and moves by a language model.

Level 1 is named from its values, each level above from its named children, bottom up; with `refine`, doubtful members
may move to a node beside theirs; then the nodes above level 1 are looked at again, with their children final. The order
is that of Clio's hierarchy (arXiv 2412.13678).
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonomy.english.words import sentence_case
from taxonomy.errors import LabelError
from taxonomy.labels.answers import NameAnswer, refuse_name
from taxonomy.labels.draft import Draft
from taxonomy.labels.prompt_texts import prompt_text, prompts_digest
from taxonomy.labels.refine import refine
from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.client import Wire
from taxonomy.llm.engine import Desk, Question, Refusal, Usage
from taxonomy.llm.prices import estimate_cost
from taxonomy.model import Node, Taxonomy
from taxonomy.progress import StageProgress, stage_of
from taxonomy.values import canonical_key

# Members that a model is shown.
SHOWN = 50
CONTRAST = 10
# Labels that people chose.
FIXED = ("input", "domain", "human")


@dataclass(frozen=True)
class Failure:
    """A question without an answer that can be used: what it was about, and why."""

    node: str
    label: str
    stage: str
    problem: str


@dataclass(frozen=True)
class Labelled:
    """A tree with what was done to it.

    Attributes
    ----------
    tree : Taxonomy
    named, moved : int
        Nodes whose label is now the model's; members that have another parent now.
    failures : tuple of Failure
    usage : Usage
    """

    tree: Taxonomy
    named: int
    moved: int
    failures: tuple[Failure, ...]
    usage: Usage


@dataclass(frozen=True)
class Estimate:
    """What labelling would ask beyond what is stored, retries and refused answers aside.

    Attributes
    ----------
    usage : Usage
    cost : float or None
        In US dollars; None where the price is not known.
    """

    usage: Usage
    cost: float | None


@dataclass(frozen=True)
class LanguageModel:
    """A labeller that asks a language model.

    Attributes
    ----------
    wire : Wire
    refine : bool
        Let the model move doubtful members to a node beside theirs.
    votes : int
        How often each move is asked; one needs more than half of the votes.
    concurrency : int
        Calls under way at once.
    """

    wire: Wire
    refine: bool = False
    votes: int = 1
    concurrency: int = 8

    def estimate(self, tree: Taxonomy, vectors: NDArray[np.float32]) -> Estimate:
        """Return what labelling would ask, by a rehearsal in which the names are those that nodes have now."""
        usage = self._run(tree, vectors, rehearsal=True, progress=None).usage
        return Estimate(usage, estimate_cost(self.wire, usage))

    def label(self, tree: Taxonomy, vectors: NDArray[np.float32], progress: StageProgress | None = None) -> Labelled:
        """Name the nodes of a tree above its values; labels by people and domains stay.

        Parameters
        ----------
        tree : Taxonomy
        vectors : ndarray of shape (n_values, dimension)
            Unit vectors of the values, in the order of `tree.nodes`.
        progress : callable, optional
            Told a stage, steps done, and steps in all.

        Returns
        -------
        Labelled

        Raises
        ------
        LabelError
            If the model can't be asked at all.
        """
        return self._run(tree, vectors, rehearsal=False, progress=progress)

    def _run(
        self, tree: Taxonomy, vectors: NDArray[np.float32], *, rehearsal: bool, progress: StageProgress | None
    ) -> Labelled:
        from embeddings import cache_folder

        if self.refine and not any(node.placement for node in tree.nodes):
            raise LabelError(
                "nothing to refine: the tree says of no node how surely it belongs to its parent; build it"
            )
        with contextlib.closing(self.wire.connect(keyless=rehearsal)) as connection:
            desk = Desk(
                connection=None if rehearsal else connection,
                model=f"{self.wire.model} at {connection.url}",
                store=AnswerStore(cache_folder()),
                concurrency=self.concurrency,
            )
            return self._label(_Work(Draft(tree, vectors), desk, progress))

    def _label(self, work: _Work) -> Labelled:
        top = max(node.level for node in work.draft.nodes.values())
        for level in range(1, top + 1):
            work.name_level(level)
        moved = 0
        if self.refine:
            outcome = refine(work.draft, work.desk, self.votes, stage_of(work.progress, "refining"))
            moved = outcome.moved
            work.failures += [Failure(node.id, node.label, "refine", problem) for node, problem in outcome.failed]
            work.name_level(1, only=outcome.changed)
        for level in range(2, top + 1):
            work.name_level(level, again=True)
        parameters = {
            "prompts": prompts_digest(),
            "refine": self.refine,
            "votes": self.votes if self.refine else None,
        }
        done = work.draft.finish(labeller=f"llm:{self.wire.model}", parameters={"llm": parameters})
        return Labelled(done, len(work.named), moved, tuple(work.failures), work.desk.usage)


class _Work:
    """The naming of one tree."""

    def __init__(self, draft: Draft, desk: Desk, progress: StageProgress | None) -> None:
        self.draft = draft
        self.desk = desk
        self.progress = progress
        self.named: set[str] = set()
        self.failures: list[Failure] = []

    def name_level(self, level: int, *, only: Collection[str] | None = None, again: bool = False) -> None:
        """Name the nodes of a level, or only some; `again` shows each its name and those beside it."""
        draft = self.draft
        every = draft.level(level)
        nodes = [
            node
            for node in every
            if node.label_source not in FIXED and draft.children[node.id] and (only is None or node.id in only)
        ]
        pending = {node.id for node in nodes}
        fixed = {canonical_key(node.label): node.label for node in every if node.id not in pending}
        accepted: dict[str, tuple[Node, NameAnswer]] = {}

        def refuse(question: Question, answer: Any) -> Refusal | None:
            node, answer = draft.nodes[question.subject], _tidy(answer)
            if reason := refuse_name(answer, draft.strings_below(node.id)):
                return Refusal(reason)
            key = canonical_key(answer.name)
            if key in self._around(node):
                return Refusal("the name is that of a node right below or above")
            if key in fixed or key in accepted:
                beside = [one.name for other, one in accepted.values() if other.parent == node.parent]
                return Refusal(
                    "another node of the level has this name", "These names are taken:", (answer.name, *beside)
                )
            accepted[key] = node, answer
            return None

        stage = "second look" if again else f"naming level {level}"
        problems = self.desk.settle(
            [self._question(node, again) for node in nodes], refuse, stage_of(self.progress, stage)
        )
        unnamed = {node.id: problem for node, problem in zip(nodes, problems, strict=True) if problem}
        self._yield_names(accepted, unnamed)
        for node, answer in accepted.values():
            self.named.add(node.id)
            draft.rename(node.id, answer.name, answer.definition)
        self.failures += [Failure(id, draft.nodes[id].label, stage, problem) for id, problem in unnamed.items()]

    def _yield_names(self, accepted: dict[str, tuple[Node, NameAnswer]], unnamed: dict[str, str]) -> None:
        """Take back names that equal one that an unnamed node keeps, until all of the level differ."""
        kept = {canonical_key(self.draft.nodes[id].label) for id in unnamed}
        while clash := kept & accepted.keys():
            for key in sorted(clash):
                node, _ = accepted.pop(key)
                unnamed[node.id] = "its name is that of another node, which got none and keeps its label"
                kept.add(canonical_key(node.label))

    def _around(self, node: Node) -> set[str]:
        """Return the keys of the children's names, and of the parent's where it stays."""
        draft = self.draft
        names = {name for id in draft.children[node.id] for name in (draft.nodes[id].label, *draft.nodes[id].aliases)}
        parent = draft.nodes[node.parent] if node.parent is not None else None
        if parent is not None and parent.label_source in FIXED:
            names.add(parent.label)
        return {canonical_key(name) for name in names}

    def _question(self, node: Node, again: bool) -> Question:
        draft = self.draft
        children = [draft.nodes[id] for id in draft.children[node.id]]
        outside = [draft.nodes[id].label for id in draft.nearest_outside(node.id, CONTRAST)]
        data: dict[str, Any]
        if node.level == 1:
            shown = [{"value": one.label, "percent": draft.percent(one, node)} for one in children[:SHOWN]]
            data = {"members": shown, "members_in_all": len(children), "outside": outside}
        else:
            named = [
                {"name": one.label, "definition": one.definition, "percent": draft.percent(one, node)}
                for one in children[:SHOWN]
            ]
            data = {"children": named, "children_in_all": len(children), "outside": outside}
        if again:
            data["current"] = {"name": node.label, "definition": node.definition}
            data["siblings"] = [one.label for one in draft.beside(node.id)]
        assumed = NameAnswer(name=node.label, definition=node.definition)
        return Question(node.id, prompt_text("cluster" if node.level == 1 else "parent"), data, NameAnswer, assumed)


def _tidy(answer: NameAnswer) -> NameAnswer:
    """Return an answer in sentence case, with a full stop after the definition and none after the name."""
    name, definition = answer.name.strip().rstrip("."), answer.definition.strip()
    if definition and definition[-1] not in ".!?":
        definition += "."
    return NameAnswer(name=sentence_case(name), definition=sentence_case(definition))
