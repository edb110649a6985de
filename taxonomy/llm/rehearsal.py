"""What asking would take, without asking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.question import Question
from taxonomy.llm.reply import Outcome, Reply
from taxonomy.llm.spending import Tokenizer, Usage, cost_of


class Rehearsal:
    """Counts what an `Engine`, or a `Batched`, would ask beyond what is stored, and asks nothing.

    Attributes
    ----------
    usage, expected : Usage
        Estimates, the same.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        store: AnswerStore,
        *,
        others: Mapping[str, Endpoint] | None = None,
        batched: bool = False,
    ) -> None:
        self.usage = self.expected = Usage()
        self._batched = batched
        self._store = store
        self._endpoint = endpoint
        self._others = dict(others or {})
        self._tokenizers: dict[str, Tokenizer] = {}

    def ask(self, questions: Iterable[Question]) -> Iterator[tuple[Question, Reply]]:
        """Yield questions with the replies that are stored, and with what is assumed of the others."""
        for question in questions:
            endpoint = self._others.get(question.task, self._endpoint)
            name = endpoint.asked_at
            stored = self._store.get(question.digest(name))
            if stored is not None:
                self.usage.stored += 1
                yield question, stored
                continue
            tokenizer = self._tokenizers.setdefault(name, Tokenizer(self._store, name))
            tokens = tokenizer.expect(question)
            self.usage.add(tokens, cost_of(endpoint, tokens, batched=self._batched))
            yield question, Reply(Outcome.ANSWERED)

    def took(self, question: Question, usage: Usage) -> None:
        """Do nothing: no call is made."""
