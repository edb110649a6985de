"""What extracting the values of 1,000 invented conversations costs: live, with caching, in batches.

Prints a table by the prices of genai-prices; nothing is asked. See docs/extraction.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace

from taxonomy.extraction.conversation import Conversation, Turn
from taxonomy.extraction.conversation_questions import ask_features, ask_screening
from taxonomy.extraction.extraction_recipe import ExtractionRecipe
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.question import Question
from taxonomy.llm.reply import Tokens
from taxonomy.llm.spending import BYTES_PER_TOKEN, cost_of
from tests.conftest import ROOT

# The modules of fixtures/ import each other as scripts do.
sys.path.append(str(ROOT / "fixtures"))

from make_conversations import invent

CONVERSATIONS = 1000
# How often each turn's text is taken: the invented ones are short.
LENGTHS = (1, 50)
# The part of the conversations that the published study kept after its screening.
KEPT = 0.44
# By class, with the shortest prefix that the provider says that it keeps, in tokens.
MODELS = {
    "anthropic/claude-haiku-4-5": 4096,
    "anthropic/claude-sonnet-4-5": 1024,
    "anthropic/claude-opus-4-5": 4096,
    "openai/gpt-5-nano": 1024,
    "openai/gpt-5-mini": 1024,
    "openai/gpt-5": 1024,
}


def conversations(times: int) -> list[Conversation]:
    """Return the invented conversations, the text of each turn so many times over."""
    found = []
    for invented, _ in invent(CONVERSATIONS, seed=1):
        texts = ["".join(piece.text for piece in turn.pieces if piece.kind == "text") for turn in invented.turns]
        turns = (Turn(turn.side, " ".join([text] * times)) for turn, text in zip(invented.turns, texts, strict=True))
        found.append(Conversation(invented.conversation_id, tuple(turns)))
    return found


def tokens_of(question: Question) -> tuple[int, Tokens]:
    """Return the tokens of what a server may keep of a question, and those of the call, by their bytes."""
    kept = len((question.prompt + question.kept()).encode()) / BYTES_PER_TOKEN if question.context else 0.0
    answer = len(question.assumed.model_dump_json().encode()) / BYTES_PER_TOKEN
    return round(kept), Tokens(round(question.bytes_in() / BYTES_PER_TOKEN), output=round(answer))


def calls(questions: Iterable[Question], shortest: int, *, writes: bool) -> Iterator[Tokens]:
    """Yield what questions take, one after the other; `writes` if the provider counts what it caches."""
    before = ""
    for question in questions:
        kept, tokens = tokens_of(question)
        if kept < shortest:
            yield tokens
        elif question.kept() == before:
            yield replace(tokens, cached=kept)
        else:
            yield replace(tokens, written=kept if writes else 0)
        before = question.kept()


def price(model: str, every: list[Conversation], recipe: ExtractionRecipe, *, cached: bool, batched: bool) -> str:
    """Return the price of 1,000 conversations that are screened, of which a part is asked about."""
    endpoint = Endpoint(model)
    shortest = MODELS[model] if cached else sys.maxsize
    total = 0.0
    for share, asked in ((1.0, _screening), (KEPT, _features)):
        questions = (question for one in every for question in asked(one, recipe))
        took = calls(questions, shortest, writes=endpoint.provider == "anthropic")
        # Each call alone: prices may depend on its length.
        total += share * sum(cost_of(endpoint, tokens, batched=batched) or 0.0 for tokens in took)
    return f"${total:.2f}"


def _screening(one: Conversation, recipe: ExtractionRecipe) -> Iterator[Question]:
    yield from ask_screening(one, recipe)


def _features(one: Conversation, recipe: ExtractionRecipe) -> Iterator[Question]:
    yield from (asked.question for asked in ask_features(one, recipe))


def main() -> None:
    """Print the table."""
    print("| model | mean tokens of a conversation | live | cached | combined | in batches | combined, in batches |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    four, combined = ExtractionRecipe(), ExtractionRecipe(combined=True)
    by_length = {times: conversations(times) for times in LENGTHS}
    for model in MODELS:
        for every in by_length.values():
            mean = sum(len(turn.text.encode()) for one in every for turn in one.turns) / len(every) / BYTES_PER_TOKEN
            figures = [
                price(model, every, four, cached=False, batched=False),
                price(model, every, four, cached=True, batched=False),
                price(model, every, combined, cached=False, batched=False),
            ]
            has_batches = model.startswith("anthropic/")
            figures += [
                price(model, every, recipe, cached=False, batched=True) if has_batches else "-"
                for recipe in (four, combined)
            ]
            print(f"| {model} | {mean:,.0f} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
