"""Open what asks language models, with the store of answers; here, since the packages for it are an extra."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from embeddings import cache_folder
from taxonomy.errors import LanguageModelError
from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.limits import Limits

if TYPE_CHECKING:
    from taxonomy.llm.batches import Batched
    from taxonomy.llm.cancelling import Cancelled
    from taxonomy.llm.engine import Engine, Rehearsal


@contextmanager
def open_engine(
    endpoint: Endpoint, limits: Limits | None = None, *, others: Mapping[str, Endpoint] | None = None
) -> Iterator[Engine]:
    """Open an engine with the store in the cache folder; see `Engine`.

    Raises
    ------
    LanguageModelError
        If the extra is missing, or a key, or the store can't be used.
    """
    with needing_the_extra():
        from taxonomy.llm import engine

        for one in (endpoint, *(others or {}).values()):
            import_module(one.protocol)
    with AnswerStore(cache_folder()) as store, engine.Engine(endpoint, store, limits, others=others) as opened:
        yield opened


@contextmanager
def open_batched(
    endpoint: Endpoint,
    limits: Limits | None = None,
    *,
    others: Mapping[str, Endpoint] | None = None,
    ask_rest: bool = False,
    report: Callable[[int, int], None] | None = None,
) -> Iterator[Batched]:
    """Open what asks in batches, as `open_engine` does an engine; see `Batched`."""
    with open_engine(endpoint, limits, others=others) as engine:
        from taxonomy.llm.batches import Batched

        yield Batched(engine, ask_rest=ask_rest, report=report)


@contextmanager
def open_rehearsal(
    endpoint: Endpoint, *, others: Mapping[str, Endpoint] | None = None, batched: bool = False
) -> Iterator[Rehearsal]:
    """Open a rehearsal with the store in the cache folder, as `open_engine` does an engine."""
    with needing_the_extra():
        from taxonomy.llm import engine
    with AnswerStore(cache_folder()) as store:
        yield engine.Rehearsal(endpoint, store, others=others, batched=batched)


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
