"""From conversations to records of the values that they express."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from taxonomy.extraction.answer_forms import Features, Screening
from taxonomy.extraction.conversation import Conversation
from taxonomy.extraction.conversation_questions import SCREENING, Asked, ask_features, ask_screening
from taxonomy.extraction.conversation_set import Conversations
from taxonomy.extraction.excerpts import Excerpt
from taxonomy.extraction.extracted import Extracted, unite
from taxonomy.extraction.extraction_defaults import LEVELS
from taxonomy.extraction.extraction_recipe import ExtractionRecipe
from taxonomy.extraction.extraction_tables import ExtractionTables
from taxonomy.llm.question import Question
from taxonomy.llm.reply import Outcome, Reply
from taxonomy.llm.settling import Asker
from taxonomy.llm.spending import Usage
from taxonomy.progress import StageProgress, stage_of


class Accountant(Asker, Protocol):
    """What gets questions answered, and knows what each of them took."""

    def took(self, question: Question, usage: Usage) -> None:
        """Add to a usage what all calls about a question took."""


@dataclass(frozen=True)
class Extraction:
    """What became of conversations.

    Attributes
    ----------
    counts : dict of str to int
        ``kept`` is the sum of ``screened_out``, ``failed`` and ``extracted``; ``without_values`` are of the latter.
        ``windowed`` conversations were shown in ``windows``.
    failed : dict of str to int
        Conversations without an answer to one of their questions, by what became of the first such question.
    values : dict of str to int
        Values that count, by side and explicitness: ``ai``, ``ai_explicit``, ``human``.
    refused : dict of str to int
        Values that a model named and that do not count, by the reason.
    usage : dict of str to Usage
        What the questions took, by what they ask, in this and in earlier runs.
    """

    counts: dict[str, int]
    failed: dict[str, int]
    values: dict[str, int]
    refused: dict[str, int]
    usage: dict[str, Usage]

    @property
    def cost(self) -> float | None:
        """US dollars; None where a price is not known."""
        costs = [usage.cost for usage in self.usage.values()]
        return None if None in costs else sum(filter(None, costs))

    def summary(self) -> dict[str, Any]:
        """Return it in the form of JSON."""
        usage = {task: {**vars(one), "outcomes": dict(one.outcomes)} for task, one in sorted(self.usage.items())}
        return {
            "counts": {**self.counts, "failed": self.failed},
            "values": self.values,
            "refused": self.refused,
            "usage": usage,
            "cost": self.cost,
        }


@dataclass
class _Tally:
    """What is counted on the way."""

    counts: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    usage: dict[str, Usage] = field(default_factory=dict)


@dataclass
class _Reading:
    """A conversation of which some questions are not answered yet."""

    number: int
    conversation: Conversation
    left: int
    answers: list[tuple[Excerpt, Features]] = field(default_factory=list)
    failures: list[tuple[str, Reply]] = field(default_factory=list)


def extract(
    conversations: Conversations,
    asker: Accountant,
    recipe: ExtractionRecipe,
    tables: ExtractionTables,
    *,
    note: Callable[[Question], None] | None = None,
    progress: StageProgress | None = None,
) -> Extraction:
    """Ask what conversations show, and add it to tables.

    Every answer is stored by the engine as it comes, so that the same call goes on where another one ended.

    Parameters
    ----------
    conversations : Conversations
    asker : Engine, Batched or Rehearsal
    recipe : ExtractionRecipe
    tables : ExtractionTables
    note : callable, optional
        Called with each question that is asked, or was asked before.
    progress : callable, optional
        Called with (stage, conversations done, conversations in all).

    Returns
    -------
    Extraction
    """
    return _Extractor(conversations, asker, recipe, tables, note, progress).run()


class _Extractor:
    def __init__(
        self,
        conversations: Conversations,
        asker: Accountant,
        recipe: ExtractionRecipe,
        tables: ExtractionTables,
        note: Callable[[Question], None] | None,
        progress: StageProgress | None,
    ) -> None:
        self._conversations = conversations
        self._asker = asker
        self._recipe = recipe
        self._tables = tables
        self._note = note
        self._progress = progress
        self._tally = _Tally()
        self._accounted: set[int] = set()
        # By the identity of a question that is under way.
        self._asked: dict[int, tuple[_Reading, Asked]] = {}

    def run(self) -> Extraction:
        kept = self._screen() if self._recipe.screen else None
        self._read(kept)
        tally = self._tally
        names = ("screened_out", "extracted", "without_values", "windowed", "windows")
        counts = {**self._conversations.counts, **{name: tally.counts[name] for name in names}}
        values = {name: tally.values[name] for name in ("ai", "ai_explicit", "human")}
        return Extraction(
            counts, dict(sorted(tally.failed.items())), values, dict(sorted(tally.refused.items())), tally.usage
        )

    # -- screening ---------------------------------------------------------------------------------------------

    def _screen(self) -> set[int]:
        """Return the numbers of the conversations that are kept."""
        kept: set[int] = set()
        done = stage_of(self._progress, "screening")
        under_way: dict[int, tuple[_Screened, Question]] = {}

        def questions() -> Iterator[Question]:
            for number, conversation in enumerate(self._conversations):
                asked = list(ask_screening(conversation, self._recipe))
                screened = _Screened(number, conversation, len(asked))
                for question in asked:
                    under_way[id(question)] = screened, question
                    yield question

        finished = 0
        for question, reply in self._asker.ask(questions()):
            self._account(question, reply)
            screened, _ = under_way.pop(id(question))
            screened.take(reply)
            if screened.left:
                continue
            finished += 1
            if done is not None:
                done(finished, len(self._conversations))
            if self._decide(screened):
                kept.add(screened.number)
        return kept

    def _decide(self, screened: _Screened) -> bool:
        """Note whether a conversation is kept, and return it."""
        if screened.failure is not None:
            self._fail(screened.number, screened.conversation, [(SCREENING, screened.failure)])
            return False
        # A rehearsal has no level, and goes on as if all were kept.
        is_kept = screened.level is None or screened.level >= LEVELS.index(self._recipe.keep_from)
        if screened.level is not None:
            level = LEVELS[screened.level]
            self._tables.add_screened(screened.number, screened.conversation, level, kept=is_kept)
        self._tally.counts["screened_out"] += not is_kept
        return is_kept

    # -- reading -----------------------------------------------------------------------------------------------

    def _read(self, kept: set[int] | None) -> None:
        done = stage_of(self._progress, "extracting")
        total = len(self._conversations) if kept is None else len(kept)
        finished = 0
        for question, reply in self._asker.ask(self._questions(kept)):
            self._account(question, reply)
            one, asked = self._asked.pop(id(question))
            one.left -= 1
            if reply.outcome is not Outcome.ANSWERED:
                one.failures.append((question.task, reply))
            elif reply.text:
                one.answers.append((asked.excerpt, question.form.model_validate_json(reply.text)))  # type: ignore[arg-type]
            if one.left:
                continue
            finished += 1
            if done is not None:
                done(finished, total)
            if one.failures:
                self._fail(one.number, one.conversation, one.failures)
            else:
                self._keep(one.number, one.conversation, unite(one.answers))

    def _questions(self, kept: set[int] | None) -> Iterator[Question]:
        for number, conversation in enumerate(self._conversations):
            if kept is not None and number not in kept:
                continue
            asked = list(ask_features(conversation, self._recipe))
            windows = len({id(one.excerpt) for one in asked}) - 1
            if windows:
                self._tally.counts["windowed"] += 1
                self._tally.counts["windows"] += windows
            one = _Reading(number, conversation, len(asked))
            for each in asked:
                self._asked[id(each.question)] = one, each
                yield each.question

    def _keep(self, number: int, conversation: Conversation, found: Extracted) -> None:
        self._tables.add_extracted(number, conversation, found)
        self._tally.counts["extracted"] += 1
        self._tally.counts["without_values"] += not found.mentions
        for mention in found.mentions:
            self._tally.values[mention.side] += 1
            self._tally.values["ai_explicit"] += mention.side == "ai" and mention.explicit
        self._tally.refused.update(one.reason for one in found.refused)

    def _fail(self, number: int, conversation: Conversation, failures: list[tuple[str, Reply]]) -> None:
        """Count a conversation under the first question that has no answer."""
        rows = sorted((task, str(reply.outcome), reply.reason) for task, reply in failures)
        self._tables.add_failures(number, conversation, rows)
        self._tally.failed[rows[0][1]] += 1

    def _account(self, question: Question, reply: Reply) -> None:
        usage = self._tally.usage.setdefault(question.task, Usage())
        usage.outcomes[str(reply.outcome)] += 1
        # Conversations that say the same are asked about once.
        asked = hash(question.digest(""))
        if asked not in self._accounted:
            self._accounted.add(asked)
            if self._note is not None:
                self._note(question)
            self._asker.took(question, usage)


@dataclass
class _Screened:
    """A conversation, the most subjective of its windows so far, and how many are left."""

    number: int
    conversation: Conversation
    left: int
    level: int | None = None
    failure: Reply | None = None

    def take(self, reply: Reply) -> None:
        self.left -= 1
        if reply.outcome is not Outcome.ANSWERED:
            self.failure = min(self.failure or reply, reply, key=lambda one: (str(one.outcome), one.reason))
        elif reply.text:
            found = Screening.model_validate_json(reply.text).subjectivity
            self.level = max(LEVELS.index(found), -1 if self.level is None else self.level)
