"""Open what asks language models, with the store of answers; here, since the packages for it are an extra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from embeddings import cache_folder
from taxonomy.errors import LanguageModelError
from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.limits import Limits

if TYPE_CHECKING:
    from embeddings.progress import Progress
    from taxonomy.llm.cancelling import Cancelled
    from taxonomy.llm.settling import Asker


@dataclass(frozen=True)
class Connection:
    """How questions get answered: by which models, within which limits, live or in batches.

    Attributes
    ----------
    endpoint : Endpoint
    limits : Limits
    batch : bool
        Ask in batches, where the provider has them.
    batch_rest : bool
        Ask live what a batch leaves without an answer.
    others : mapping of str to Endpoint
        Models for the questions of some tasks.

    Raises
    ------
    LanguageModelError
        If `batch_rest` is given without `batch`.
    """

    endpoint: Endpoint
    limits: Limits = field(default_factory=Limits)
    batch: bool = False
    batch_rest: bool = False
    others: Mapping[str, Endpoint] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.batch_rest and not self.batch:
            raise LanguageModelError("`batch_rest` is about what a batch leaves", remedy="give `batch` too")

    @contextmanager
    def open(self, report: Progress | None = None) -> Iterator[Asker]:
        """Open what asks, with the store in the cache folder; `report` is told how batches get on.

        Raises
        ------
        LanguageModelError
            If the extra is missing, or a key, or the store can't be used.
        """
        with needing_the_extra():
            from taxonomy.llm import batches, engine

            for one in (self.endpoint, *self.others.values()):
                import_module(one.protocol)
        with (
            AnswerStore(cache_folder()) as store,
            engine.Engine(self.endpoint, store, self.limits, others=self.others) as opened,
        ):
            yield batches.Batched(opened, ask_rest=self.batch_rest, report=report) if self.batch else opened

    @contextmanager
    def rehearse(self) -> Iterator[Asker]:
        """Open what counts the same questions, and asks none."""
        with needing_the_extra():
            from taxonomy.llm import rehearsal
        with AnswerStore(cache_folder()) as store:
            yield rehearsal.Rehearsal(self.endpoint, store, others=self.others, batched=self.batch)


def cancel_batches() -> Cancelled:
    """Let all batches end early that the store in the cache folder notes; see `cancelling.cancel_batches`.

    Raises
    ------
    LanguageModelError
        If the extra is missing, or the store can't be used.
    """
    with needing_the_extra(), AnswerStore(cache_folder()) as store:
        from taxonomy.llm import cancelling

        return cancelling.cancel_batches(store)


@contextmanager
def needing_the_extra() -> Iterator[None]:
    """Say what to install where a package of the extra is missing."""
    try:
        import_module("genai_prices")
        yield
    except ModuleNotFoundError as error:
        problem = f"asking a language model needs {error.name}, which is not installed"
        raise LanguageModelError(problem, remedy="run: pip install 'value-taxonomy[llm]'") from error
