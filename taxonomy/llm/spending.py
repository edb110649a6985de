"""What calls to language models take and cost: counted, and estimated before they are made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from taxonomy.llm.answer_store import AnswerStore, Stored
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.question import Question
from taxonomy.llm.reply import Outcome, Tokens

# Bytes of UTF-8 a token, roughly, in today's tokenizers: of English, of Japanese, of JSON.
BYTES_PER_TOKEN = 4.0
# Answers after which a model's own figures are taken.
ENOUGH = 50


@dataclass
class Usage:
    """Calls to language models, made or to be made.

    Attributes
    ----------
    calls : int
    stored : int
        Questions whose answers were stored, and took no call.
    input_tokens, output_tokens : int
        Of calls that were made as the servers count them, those of other outcomes and further tries included; else
        estimates by the length in bytes.
    cached_tokens, written_tokens : int
        Of the tokens that went in, those that the server read from its cache, and those that it wrote to it.
    cost : float or None
        US dollars; None where a price is not known.
    uncounted : int
        Calls of which the server did not say what they took; they are estimated.
    outcomes : Counter of str
        Questions by what became of them.
    """

    calls: int = 0
    stored: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    written_tokens: int = 0
    cost: float | None = 0.0
    uncounted: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, tokens: Tokens, cost: float | None) -> None:
        """Count a call."""
        self.calls += 1
        self.input_tokens += tokens.input
        self.output_tokens += tokens.output
        self.cached_tokens += tokens.cached
        self.written_tokens += tokens.written
        self.cost = None if cost is None or self.cost is None else self.cost + cost

    @property
    def failed(self) -> dict[str, int]:
        """Questions without an answer, by what became of them."""
        return {name: count for name, count in sorted(self.outcomes.items()) if name != Outcome.ANSWERED}


def cost_of(endpoint: Endpoint, tokens: Tokens, *, batched: bool = False) -> float | None:
    """Return US dollars by the prices that `genai-prices` ships; None for a server of one's own or an unknown model."""
    import genai_prices

    if not endpoint.is_own:
        return None
    usage = genai_prices.Usage(
        input_tokens=tokens.input,
        cache_read_tokens=tokens.cached,
        cache_write_tokens=tokens.written,
        output_tokens=tokens.output,
    )
    try:
        price = genai_prices.calc_price(
            usage,
            endpoint.name,
            provider_id=endpoint.provider,
            price_context={"processing": "batch"} if batched else None,
        )
    except LookupError:
        return None
    return float(price.total_price)


def cost_of_stored(stored: Stored) -> float | None:
    """Return US dollars for the calls that are stored of a model, by today's prices; None where they are not known."""
    endpoint = Endpoint.parse(stored.model)
    live, batched = cost_of(endpoint, stored.live), cost_of(endpoint, stored.batched, batched=True)
    return None if live is None or batched is None else live + batched


class Tokenizer:
    """How many tokens questions and answers of a model have: by their bytes, or as its server counted those before."""

    def __init__(self, store: AnswerStore, model: str) -> None:
        self._store = store
        self._model = model
        self._known: dict[str, tuple[float, float | None]] = {}

    def expect(self, question: Question) -> Tokens:
        """Return the tokens that a call is expected to take."""
        ratio, out = self._figures(question.task)
        usual = len(question.assumed.model_dump_json().encode()) / BYTES_PER_TOKEN
        return Tokens(input=round(question.bytes_in() * ratio), output=round(usual if out is None else out))

    def measured(self, task: str) -> bool:
        """Say whether the server's own figures are known."""
        return self._figures(task)[1] is not None

    def _figures(self, task: str) -> tuple[float, float | None]:
        """Return tokens a byte that goes in, and the mean tokens of an answer, None where they are not known."""
        if task not in self._known:
            calls, bytes_in, tokens_in, tokens_out = self._store.measured(self._model, task)
            known = (tokens_in / bytes_in, tokens_out / calls) if calls >= ENOUGH else (1 / BYTES_PER_TOKEN, None)
            self._known[task] = known
        return self._known[task]


def forecast(planned: Usage, expected: Usage, done: Usage) -> Usage:
    """Return what a run will have taken at its end: the plan, corrected from `ENOUGH` answers on by what they took.

    Parameters
    ----------
    planned : Usage
        The estimate for the whole run.
    expected : Usage
        The estimate for the questions that were asked so far.
    done : Usage
        What these took.
    """
    if expected.calls < ENOUGH:
        return planned

    def scaled(name: str) -> float | None:
        whole, part, real = [getattr(usage, name) for usage in (planned, expected, done)]
        if whole is None or real is None:
            return None
        return float(whole * real / part if part else whole)

    return Usage(
        calls=round(scaled("calls") or 0),
        stored=planned.stored,
        input_tokens=round(scaled("input_tokens") or 0),
        output_tokens=round(scaled("output_tokens") or 0),
        cost=scaled("cost"),
    )
