"""Names, definitions and moves by a language model.

Level 1 is named from its values, each level above from its named children, bottom up; with `refine`, doubtful members
may move to a node beside theirs; then the nodes above level 1 are looked at again, with their children final. The order
is that of Clio's hierarchy (arXiv 2412.13678).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from taxonomy.english.words import sentence_case
from taxonomy.errors import LanguageModelError, check_type
from taxonomy.labels.answers import NameAnswer, refuse_name
from taxonomy.labels.likeness import Likeness
from taxonomy.labels.prompt_texts import prompt_text, prompts_digest
from taxonomy.labels.refine import refine_places
from taxonomy.labels.surroundings import Surroundings
from taxonomy.labels.wording import name_problem
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.entry import Connection
from taxonomy.llm.limits import CONCURRENCY, RETRIES, TIMEOUT, Limits
from taxonomy.llm.question import Question, Refusal
from taxonomy.llm.settling import Asker, Problem, settle
from taxonomy.llm.spending import Usage
from taxonomy.model import Node, Provenance
from taxonomy.model.draft import Draft
from taxonomy.progress import StageProgress, stage_of
from taxonomy.values import canonical_key

if TYPE_CHECKING:
    from embeddings import Encoder

# Members that a model is shown.
SHOWN = 50
CONTRAST = 10
# Labels that people chose.
_FIXED = ("input", "domain", "human")


@dataclass(frozen=True)
class Failure:
    """A question without an answer that can be used.

    Attributes
    ----------
    node, label : str
        What it was about.
    stage : str
    outcome : str
        "refused", "filtered", "truncated", "too long", "malformed", "timed out" or "failed"; "rejected" for an answer
        in form that breaks a rule.
    reason : str
    """

    node: str
    label: str
    stage: str
    outcome: str
    reason: str


@dataclass(frozen=True)
class Labelled:
    """What a language model did to a tree.

    Attributes
    ----------
    model : str
    named, moved : int
        Nodes whose label is now the model's; members that have another parent now.
    failures : tuple of Failure
    usage : Usage
    parameters : mapping of str to object
        How the model was asked.
    questions : int
        Names and moves that were asked for, each once.
    """

    model: str
    named: int
    moved: int
    failures: tuple[Failure, ...]
    usage: Usage
    parameters: Mapping[str, Any]
    questions: int = 0

    def noted(self, provenance: Provenance) -> Provenance:
        """Return where a tree comes from, with the model in it if it named or moved something."""
        if not self.named and not self.moved:
            return provenance
        parameters = {**provenance.parameters, "llm": dict(self.parameters)}
        return provenance.model_copy(update={"labeller": f"llm:{self.model}", "parameters": parameters})


class Labeller(Protocol):
    """What gives nodes other names than those made offline, such as a `LanguageModel`."""

    def name(
        self,
        draft: Draft,
        vectors: NDArray[np.float32],
        encoder: Encoder,
        *,
        only: Collection[str] | None = None,
        progress: StageProgress | None = None,
    ) -> Labelled:
        """Name nodes of a draft: see `LanguageModel.name`."""


@dataclass(frozen=True)
class Estimate:
    """What labelling would ask beyond what is stored, retries and refused answers aside.

    Attributes
    ----------
    usage : Usage
        Its `cost` is in US dollars; None where the price is not known.
    """

    usage: Usage

    @property
    def cost(self) -> float | None:
        """US dollars; None where the price is not known."""
        return self.usage.cost


@dataclass(frozen=True)
class LanguageModel:
    """A labeller that asks a language model.

    Attributes
    ----------
    model : str
        ``anthropic/NAME``, ``openai/NAME`` or ``ollama/NAME``.
    base_url : str or None
        Of a server that speaks the provider's protocol; ``openai/NAME`` with it is any server that speaks OpenAI's.
    refine : bool
        Let the model move doubtful members to a node beside theirs.
    votes : int
        How often each move is asked; one needs more than half of the votes.
    concurrency : int
        Calls under way at once; 8 by default.
    timeout : float
        Seconds that a call may take as a whole; 120 by default.
    retries : int
        How often a call that failed or timed out is made again; 4 by default.
    requests_per_minute, tokens_per_minute : int, optional
        Calls are spread evenly below these rates.
    max_cost : float, optional
        US dollars, after which no call is begun and an error says how to go on.
    batch : bool
        Ask in batches, for half the price within a day, where the provider has them.
    batch_rest : bool
        Ask live what a batch leaves without an answer.

    Raises
    ------
    LanguageModelError
        If there is no such provider, or the URL is not one, or `batch_rest` is given without `batch`.
    """

    model: str
    base_url: str | None = None
    refine: bool = False
    votes: int = 1
    concurrency: int = CONCURRENCY
    timeout: float = TIMEOUT
    retries: int = RETRIES
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_cost: float | None = None
    batch: bool = False
    batch_rest: bool = False

    def __post_init__(self) -> None:
        check_type(self.model, str, "model", "give anthropic/NAME, openai/NAME or ollama/NAME")
        # It checks the rest.
        _ = self.connection

    @property
    def connection(self) -> Connection:
        """How it is asked."""
        limits = Limits(
            self.timeout,
            self.retries,
            self.concurrency,
            self.requests_per_minute,
            self.tokens_per_minute,
            self.max_cost,
        )
        return Connection(Endpoint(self.model, self.base_url), limits, self.batch, self.batch_rest)

    def estimate(
        self, draft: Draft, vectors: NDArray[np.float32], encoder: Encoder, *, only: Collection[str] | None = None
    ) -> Estimate:
        """Return what naming would ask, by a rehearsal in which the names are those that nodes have now."""
        with self.connection.rehearse() as rehearsal:
            return Estimate(self._label(draft.copy(), vectors, encoder, rehearsal, only, progress=None).usage)

    def name(
        self,
        draft: Draft,
        vectors: NDArray[np.float32],
        encoder: Encoder,
        *,
        only: Collection[str] | None = None,
        progress: StageProgress | None = None,
        watch: Callable[[Asker], None] | None = None,
    ) -> Labelled:
        """Name the nodes of a draft above its values; labels by people and domains stay.

        Parameters
        ----------
        draft : Draft
            Changed in place. Every node has a name, which stays where the model gives none.
        vectors : ndarray of shape (n_values, dimension)
            Unit vectors of its values, in its order.
        encoder : Encoder
            What made them: names are embedded too, since one that does not resemble its members is refused.
        only : collection of str, optional
            Ids of the nodes that may be named or moved; all by default.
        progress : callable, optional
            Told a stage, steps done, and steps in all.
        watch : callable, optional
            Given what asks the questions, whose `usage` and `expected` change while it does.

        Returns
        -------
        Labelled

        Raises
        ------
        LanguageModelError
            If the model can't be asked at all.
        """
        with self.connection.open(stage_of(progress, "in batches")) as asker:
            if watch is not None:
                watch(asker)
            return self._label(draft, vectors, encoder, asker, only, progress)

    def _label(
        self,
        draft: Draft,
        vectors: NDArray[np.float32],
        encoder: Encoder,
        asker: Asker,
        only: Collection[str] | None,
        progress: StageProgress | None,
    ) -> Labelled:
        if self.refine and not any(node.placement for node in draft.nodes.values()):
            problem = "nothing to refine: no node of the tree has a confidence of its placement"
            raise LanguageModelError(problem, remedy="give a tree that was built")
        draft.weigh()
        every = draft.nodes.keys() if only is None else only
        work = _Work(Surroundings(draft, vectors), Likeness(draft, vectors, encoder), asker, frozenset(every), progress)
        levels = range(1, draft.top + 1)
        for level in levels:
            work.name_level(level)
        moved = 0
        if self.refine:
            outcome = refine_places(work.around, asker, self.votes, work.only, stage_of(progress, "refining"))
            moved = outcome.moved
            work.questions += outcome.questions
            for node, why in outcome.failed:
                work.note_failure(node, "refine", why)
            work.name_level(1, only=outcome.changed)
        for level in levels[1:]:
            work.name_level(level, again=True)
        parameters = {
            "prompts": prompts_digest(),
            "refine": self.refine,
            "votes": self.votes if self.refine else None,
        }
        return Labelled(
            self.model, len(work.named), moved, tuple(work.failures), asker.usage, parameters, work.questions
        )


class _Work:
    """The naming of one tree; only the nodes `only` are asked about."""

    def __init__(
        self,
        around: Surroundings,
        likeness: Likeness,
        asker: Asker,
        only: frozenset[str],
        progress: StageProgress | None,
    ) -> None:
        self.around = around
        self.likeness = likeness
        self.draft = around.draft
        self.asker = asker
        self.only = only
        self.progress = progress
        self.named: set[str] = set()
        self.failures: list[Failure] = []
        self.questions = 0

    def name_level(self, level: int, *, only: frozenset[str] | None = None, again: bool = False) -> None:
        """Name the nodes of a level, or only some; `again` shows each its name and those beside it."""
        draft = self.draft
        every = self.around.level(level)
        asked = self.only if only is None else self.only & only
        nodes = [
            node for node in every if node.label_source not in _FIXED and node.id in asked and draft.children(node.id)
        ]
        pending = {node.id for node in nodes}
        fixed = {canonical_key(node.label): node.label for node in every if node.id not in pending}
        accepted: dict[str, tuple[Node, NameAnswer]] = {}

        def refuse(question: Question, answer: Any) -> Refusal | None:
            node, answer = draft.nodes[question.subject], _tidy(answer)
            if reason := refuse_name(answer, self.around.strings_below(node.id)):
                return Refusal(reason)
            if not self.likeness.resembles(answer.name, node.id):
                return Refusal("the name does not resemble its members")
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
        questions = [self._question(node, again) for node in nodes]
        self.questions += len(questions)
        problems = settle(self.asker, questions, refuse, stage_of(self.progress, stage), look_at=self._look_at)
        unnamed: dict[str, Problem] = {
            node.id: problem for node, problem in zip(nodes, problems, strict=True) if problem
        }
        self._yield_names(accepted, unnamed)
        for node, answer in accepted.values():
            self.named.add(node.id)
            draft.change(
                node.id,
                label=answer.name,
                definition=answer.definition,
                label_source="llm",
                label_rank=None,
                label_fit=None,
            )
        for id, problem in unnamed.items():
            self.note_failure(draft.nodes[id], stage, problem)

    def note_failure(self, node: Node, stage: str, problem: Problem) -> None:
        """Note that a question about a node has no answer that can be used."""
        self.failures.append(Failure(node.id, node.label, stage, problem.outcome, problem.reason))

    def _look_at(self, answers: Sequence[NameAnswer]) -> None:
        """Embed the names of a round at once; what is refused by its form may hold what can't be embedded."""
        names = [_tidy(answer).name for answer in answers]
        self.likeness.look_at(name for name in names if name_problem(name) is None)

    def _yield_names(self, accepted: dict[str, tuple[Node, NameAnswer]], unnamed: dict[str, Problem]) -> None:
        """Take back names that equal one that an unnamed node keeps, until all of the level differ."""
        kept = {canonical_key(self.draft.nodes[id].label) for id in unnamed}
        while clash := kept & accepted.keys():
            for key in sorted(clash):
                node, _ = accepted.pop(key)
                reason = "its name is that of another node, which got none and keeps its label"
                unnamed[node.id] = Problem("rejected", reason)
                kept.add(canonical_key(node.label))

    def _around(self, node: Node) -> set[str]:
        """Return the keys of the children's names, and of the parent's where it stays."""
        draft = self.draft
        names = {name for child in draft.children(node.id) for name in (child.label, *child.aliases)}
        parent = draft.nodes[node.parent] if node.parent is not None else None
        if parent is not None and parent.label_source in _FIXED:
            names.add(parent.label)
        return {canonical_key(name) for name in names}

    def _question(self, node: Node, again: bool) -> Question:
        children = self.around.children(node.id)
        outside = [one.label for one in self.around.nearest_outside(node.id, CONTRAST)]
        data: dict[str, Any]
        if node.level == 1:
            shown = [{"value": one.label, "percent": _percent(one, node)} for one in children[:SHOWN]]
            data = {"members": shown, "members_in_all": len(children), "outside": outside}
        else:
            named = [
                {"name": one.label, "definition": one.definition, "percent": _percent(one, node)}
                for one in children[:SHOWN]
            ]
            data = {"children": named, "children_in_all": len(children), "outside": outside}
        if again:
            data["current"] = {"name": node.label, "definition": node.definition}
            data["siblings"] = [one.label for one in self.around.beside(node.id)]
        # Not checked: people may name and define at length.
        assumed = NameAnswer.model_construct(name=node.label, definition=node.definition)
        task = "cluster" if node.level == 1 else "parent"
        return Question(node.id, task, prompt_text(task), data, NameAnswer, assumed)


def _percent(child: Node, node: Node) -> float:
    """Return a child's percent of a node's weight."""
    return round(100 * child.weight / node.weight, 1) if node.weight else 0.0


def _tidy(answer: NameAnswer) -> NameAnswer:
    """Return an answer in sentence case, with a full stop after the definition and none after the name."""
    name, definition = answer.name.strip().rstrip("."), answer.definition.strip()
    if definition and definition[-1] not in ".!?":
        definition += "."
    return answer.model_copy(update={"name": sentence_case(name), "definition": sentence_case(definition)})
