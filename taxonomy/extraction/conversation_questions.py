"""The questions about a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from taxonomy.extraction.answer_forms import Expressed, Features, Screening, Stated, form_of
from taxonomy.extraction.conversation import Conversation
from taxonomy.extraction.excerpts import Excerpt, cut_windows, join_ends
from taxonomy.extraction.extraction_recipe import ExtractionRecipe
from taxonomy.extraction.prompt_files import read_prompt
from taxonomy.llm.question import Question

SCREENING = "screening"
# What is asked of each window of a long conversation; the rest is asked of its ends.
_OF_WINDOWS = frozenset(("ai_values", "human_values"))
# Answers of a usual length, for estimates.
_QUOTE = "what matters here is that you can rely on it"
_USUAL: dict[str, Any] = {
    "ai_values": [Expressed(value="intellectual honesty", explicit=False, turn=2, quote=_QUOTE)] * 4,
    "human_values": [Stated(value="mutual respect", turn=1, quote=_QUOTE)] * 2,
    "response_type": "mild support",
    "task": "planning a journey",
}


@dataclass(frozen=True)
class Asked:
    """A question about an excerpt, and the parts of `Features` that it asks for."""

    question: Question
    excerpt: Excerpt
    parts: tuple[str, ...]


def ask_screening(conversation: Conversation, recipe: ExtractionRecipe) -> Iterator[Question]:
    """Yield how subjective a conversation is, asked of each of its windows."""
    prompt = read_prompt(SCREENING).fill(recipe.language)
    usual = Screening(subjectivity="mostly subjective")
    for window in cut_windows(conversation, recipe.window):
        yield Question(conversation.conversation_id, SCREENING, prompt, window.data(), Screening, usual)


def ask_features(conversation: Conversation, recipe: ExtractionRecipe) -> Iterator[Asked]:
    """Yield the questions for the features of a conversation, those about one excerpt after each other."""
    windows = cut_windows(conversation, recipe.window)
    if len(windows) == 1:
        yield from _ask(conversation, windows[0], recipe.groups, recipe)
        return
    groups = [tuple(part for part in group if part in _OF_WINDOWS) for group in recipe.groups]
    for window in windows:
        yield from _ask(conversation, window, groups, recipe)
    groups = [tuple(part for part in group if part not in _OF_WINDOWS) for group in recipe.groups]
    yield from _ask(conversation, join_ends(windows), groups, recipe)


def _ask(
    conversation: Conversation, excerpt: Excerpt, groups: Iterable[tuple[str, ...]], recipe: ExtractionRecipe
) -> Iterator[Asked]:
    for parts in filter(None, groups):
        usual = Features(**{part: _USUAL[part] if part in parts else None for part in _USUAL})
        question = Question(
            conversation.conversation_id,
            "+".join(parts),
            read_prompt("reader").fill(recipe.language),
            {"fill": list(parts)},
            form_of(parts),
            usual,
            context=excerpt.context,
            request="\n\n".join(read_prompt(part).fill(recipe.language) for part in parts),
        )
        yield Asked(question, excerpt, parts)
