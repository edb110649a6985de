"""Questions and their answers: each is asked once, kept at once, and asked again when its answer is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from pydantic import BaseModel

from embeddings.progress import Progress
from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.client import Connection, UnansweredError
from taxonomy.llm.limits import CONCURRENCY

# Answers to one question, the first and those after a refusal.
_ATTEMPTS = 3
# Characters of English a token, roughly, in today's tokenizers.
_TOKEN = 4
# Calls that fail before any is answered, after which the rest is not tried.
HOPELESS = 10


@dataclass(frozen=True)
class Refusal:
    """Why an answer is refused.

    Attributes
    ----------
    reason : str
        Sent to the model.
    remark : str
        Sent after it, followed by `data`.
    data : tuple of str
    """

    reason: str
    remark: str = ""
    data: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What is asked about one thing.

    Attributes
    ----------
    subject : str
        What it is about, for the caller; not sent to the model.
    prompt : str
        The instructions for the model.
    data : mapping
        What the model is shown, as JSON.
    form : type of BaseModel
        What it may answer.
    assumed : BaseModel
        An answer of the usual length, which an estimate goes on with.
    number : int
        Tells votes on the same data apart.
    refused : tuple of (str, Refusal)
        Earlier answers, as JSON, and why they were refused.
    """

    subject: str
    prompt: str
    data: Mapping[str, Any]
    form: type[BaseModel]
    assumed: BaseModel
    number: int = 0
    refused: tuple[tuple[str, Refusal], ...] = ()

    def messages(self) -> list[dict[str, str]]:
        """Return the chat: the prompt, the data, and what was refused."""
        chat = [
            {"role": "system", "content": self.prompt},
            {"role": "user", "content": _block(self.data)},
        ]
        for answer, refusal in self.refused:
            request = f"This answer can't be used: {refusal.reason}. Answer again, in full."
            if refusal.remark:
                request += f" {refusal.remark}\n{_block(refusal.data)}"
            chat += [{"role": "assistant", "content": answer}, {"role": "user", "content": request}]
        return chat


@dataclass
class Usage:
    """Calls to a language model, made or to be made.

    Attributes
    ----------
    calls : int
    stored : int
        Questions whose answers were stored, and took no call.
    input_tokens, output_tokens : int
        Estimates, at four characters a token.
    """

    calls: int = 0
    stored: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def count(self, question: Question) -> None:
        """Count a call."""
        sent = sum(len(message["content"]) for message in question.messages())
        self.calls += 1
        self.input_tokens += (sent + len(_schema(question.form))) // _TOKEN
        self.output_tokens += len(question.assumed.model_dump_json()) // _TOKEN


@dataclass
class Desk:
    """Gets questions answered, from the store or by the model.

    Attributes
    ----------
    connection : Connection or None
        None to rehearse: what is not stored is counted, and answered as assumed.
    model : str
        What the answers are stored under, with the question.
    store : AnswerStore
    concurrency : int
        Calls under way at once.
    usage : Usage
        What was asked so far.
    """

    connection: Connection | None
    model: str
    store: AnswerStore
    concurrency: int = CONCURRENCY
    usage: Usage = field(default_factory=Usage)
    answered: bool = False
    failed: int = 0

    def settle(
        self,
        questions: Sequence[Question],
        refuse: Callable[[Question, Any], Refusal | None],
        progress: Progress | None = None,
        *,
        look_at: Callable[[Sequence[Any]], None] | None = None,
    ) -> list[str | None]:
        """Ask questions until their answers hold, at most `_ATTEMPTS` times each.

        Answers of a round are judged in the order of the questions, whatever the order in which they came, so that the
        same answers give the same result.

        Parameters
        ----------
        questions : sequence of Question
        refuse : callable
            Takes a question and its answer; uses the answer and returns None, or returns why it is refused.
        progress : callable, optional
            Called with (questions answered, questions in all) in each round.
        look_at : callable, optional
            Takes the answers of a round before each is judged, for what is done faster with all of them.

        Returns
        -------
        list of str or None
            For each question why it has no answer, None where it has.
        """
        problems: list[str | None] = [None] * len(questions)
        current = dict(enumerate(questions))
        for _ in range(_ATTEMPTS):
            replies = self._ask(list(current.values()), progress)
            answers = {
                index: question.form.model_validate_json(reply)
                for (index, question), reply in zip(current.items(), replies, strict=True)
                if isinstance(reply, str)
            }
            if look_at is not None:
                look_at(list(answers.values()))
            refused: dict[int, Question] = {}
            for (index, question), reply in zip(current.items(), replies, strict=True):
                if isinstance(reply, UnansweredError):
                    problems[index] = str(reply)
                elif reply is not None:
                    refusal = refuse(question, answers[index])
                    problems[index] = refusal.reason if refusal else None
                    if refusal:
                        refused[index] = replace(question, refused=(*question.refused, (reply, refusal)))
            if not refused:
                break
            current = refused
        return problems

    def _ask(self, questions: Sequence[Question], progress: Progress | None) -> list[str | UnansweredError | None]:
        """Return the answers as JSON, in order; None for those that a rehearsal assumes."""
        replies: list[str | UnansweredError | None] = []
        missing = []
        for index, question in enumerate(questions):
            replies.append(self.store.get(self._digest(question)))
            if replies[-1] is None:
                missing.append(index)
                self.usage.count(question)
        self.usage.stored += len(questions) - len(missing)
        if self.connection is not None and missing:
            for done, (place, reply) in enumerate(self._call([questions[index] for index in missing]), 1):
                replies[missing[place]] = reply
                if progress is not None:
                    progress(len(questions) - len(missing) + done, len(questions))
        return replies

    def _call(self, questions: Sequence[Question]) -> Iterator[tuple[int, str | UnansweredError]]:
        """Yield answers with their places as they come, each stored first."""
        pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="llm")
        try:
            under_way = {pool.submit(self._call_one, question): place for place, question in enumerate(questions)}
            for call in as_completed(under_way):
                yield under_way[call], call.result()
        finally:
            # On an error nothing more is asked; answers under way are awaited, and kept.
            pool.shutdown(cancel_futures=True)

    def _call_one(self, question: Question) -> str | UnansweredError:
        assert self.connection is not None
        if self.failed >= HOPELESS and not self.answered:
            return UnansweredError(f"not asked, since the first {HOPELESS} questions got no answer")
        try:
            reply = self.connection.ask(question.messages(), question.form)
        except UnansweredError as error:
            self.failed += 1
            return error
        self.answered = True
        self.store.put(self._digest(question), reply)
        return reply

    def _digest(self, question: Question) -> str:
        asked = [self.model, _schema(question.form), question.messages(), question.number]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


@cache
def _schema(form: type[BaseModel]) -> str:
    return json.dumps(form.model_json_schema())


def _block(data: Any) -> str:
    """Return data as JSON in a block that nothing in it can close."""
    text = json.dumps(data, ensure_ascii=False, indent=1)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return f"<data>\n{text}\n</data>"
