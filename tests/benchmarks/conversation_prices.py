"""What four questions about each of 1,000 invented conversations cost: live, with caching, in batches.

Prints a table by the prices of genai-prices; nothing is asked. See docs/language-models.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.reply import Tokens
from taxonomy.llm.spending import BYTES_PER_TOKEN, cost_of
from tests.conftest import ROOT

# The modules of fixtures/ import each other as scripts do.
sys.path.append(str(ROOT / "fixtures"))

from make_conversations import invent

CONVERSATIONS = 1000
QUESTIONS = 4
# How often each conversation is taken: the invented ones are short.
LENGTHS = (1, 50)
# Tokens: of what all questions share, of what each has alone, of an answer.
SHARED, ALONE, ANSWER = 1000, 100, 100
# The shortest prefix that each provider says that it keeps, in tokens.
MODELS = {"anthropic/claude-haiku-4-5": 4096, "anthropic/claude-sonnet-4-5": 1024, "openai/gpt-5-mini": 1024}


def lengths() -> list[int]:
    """Return the tokens of each conversation."""
    conversations = (conversation for conversation, _ in invent(CONVERSATIONS, seed=1))
    texts = ("".join(piece.text for turn in one.turns for piece in turn.pieces) for one in conversations)
    return [round(len(text.encode()) / BYTES_PER_TOKEN) for text in texts]


def calls(conversation: int, shortest: int, *, cached: bool, writes: bool) -> Iterator[Tokens]:
    """Yield what the questions about a conversation take; `writes` if the provider counts what it caches."""
    kept = SHARED + conversation
    whole = kept + ALONE
    if not cached or kept < shortest:
        kept = 0
    yield Tokens(whole, written=kept if writes else 0, output=ANSWER)
    for _ in range(QUESTIONS - 1):
        yield Tokens(whole, cached=kept, output=ANSWER)


def price(model: str, conversations: list[int], *, cached: bool, batched: bool) -> str:
    """Return the price of all questions about all conversations."""
    endpoint = Endpoint(model)
    took = (
        tokens
        for one in conversations
        for tokens in calls(one, MODELS[model], cached=cached, writes=endpoint.provider == "anthropic")
    )
    # Each call alone: prices may depend on its length.
    return f"${sum(cost_of(endpoint, tokens, batched=batched) or 0.0 for tokens in took):.2f}"


def main() -> None:
    """Print the table."""
    print("| model | mean tokens of a conversation | live | live, cached | in batches | in batches, cached |")
    print("| --- | --- | --- | --- | --- | --- |")
    invented = lengths()
    for model in MODELS:
        has_batches = model.startswith("anthropic/")
        for times in LENGTHS:
            conversations = [times * one for one in invented]
            figures = [
                price(model, conversations, cached=cached, batched=batched) if has_batches or not batched else "-"
                for batched in (False, True)
                for cached in (False, True)
            ]
            print(f"| {model} | {sum(conversations) / len(conversations):,.0f} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
