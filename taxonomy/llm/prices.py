"""What calls to a language model cost."""

from __future__ import annotations

from taxonomy.llm.client import Wire
from taxonomy.llm.engine import Usage


def estimate_cost(wire: Wire, usage: Usage) -> float | None:
    """Return US dollars by the prices that `genai-prices` ships; None for a server of one's own or an unknown model."""
    import genai_prices

    if wire.base_url is not None:
        return None
    tokens = genai_prices.Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
    try:
        return float(genai_prices.calc_price(tokens, wire.name, provider_id=wire.provider).total_price)
    except LookupError:
        return None
