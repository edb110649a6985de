"""Questions that are being asked, each once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from queue import SimpleQueue

from taxonomy.llm.question import Question
from taxonomy.llm.reply import Reply


class UnderWay:
    """Questions that are being asked, by their digests."""

    def __init__(self) -> None:
        self._done: SimpleQueue[str] = SimpleQueue()
        self._asked: dict[str, tuple[list[Question], Future[Reply | None]]] = {}

    def __len__(self) -> int:
        return len(self._asked)

    def has(self, digest: str) -> bool:
        """Say whether a question is under way."""
        return digest in self._asked

    def any_done(self) -> bool:
        """Say whether `next_done` would not wait."""
        return not self._done.empty()

    def add(self, digest: str, question: Question, future: Future[Reply | None]) -> None:
        """Keep a question until its reply is there."""
        self._asked[digest] = [question], future
        future.add_done_callback(lambda _: self._done.put(digest))

    def join(self, digest: str, question: Question) -> None:
        """Let a question have the reply of the same one that is under way."""
        self._asked[digest][0].append(question)

    def next_done(self) -> Iterator[tuple[Question, Reply]]:
        """Wait for a reply, and yield it with all the questions that it is of; nothing for one that was not asked."""
        questions, future = self._asked.pop(self._done.get())
        reply = future.result()
        if reply is not None:
            yield from ((question, reply) for question in questions)

    def cancel(self) -> None:
        """Give up all that is under way."""
        for _, future in self._asked.values():
            future.cancel()
