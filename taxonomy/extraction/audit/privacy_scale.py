"""A model's judgement of how far strings tell of somebody, from 1 (it identifies someone) to 5 (nothing about anyone).

The scale is that of Clio (arXiv 2412.13678), whose summaries pass from 3 on. The model justifies its score first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from embeddings.progress import Progress
from taxonomy.extraction.prompt_files import read_prompt
from taxonomy.llm.question import Question
from taxonomy.llm.reply import Outcome
from taxonomy.llm.settling import Asker

PRIVACY = "privacy"
PASSES = 3
# The name of the prompt.
SCALE = "privacy_scale"


class PrivacyScore(BaseModel):
    """Why a text tells of somebody or does not, and how far."""

    model_config = ConfigDict(extra="forbid")

    justification: Annotated[str, Field(min_length=1, max_length=2_000)]
    score: Literal[1, 2, 3, 4, 5]


_USUAL = PrivacyScore(justification="It names a quality, and nothing in it points to a person or a place.", score=5)


@dataclass
class Judged:
    """What a model said of strings.

    Attributes
    ----------
    scores : dict of str to PrivacyScore
    unanswered : dict of str to int
        Strings without an answer, by what became of their question.
    """

    scores: dict[str, PrivacyScore] = field(default_factory=dict)
    unanswered: Counter[str] = field(default_factory=Counter)


def privacy_questions(texts: Collection[str]) -> Iterator[Question]:
    """Yield a question for each string."""
    prompt = read_prompt(SCALE).text
    for text in texts:
        yield Question(text, PRIVACY, prompt, {"text": text}, PrivacyScore, _USUAL)


def judge_privacy(texts: Collection[str], asker: Asker, progress: Progress | None = None) -> Judged:
    """Ask a model about each string.

    Parameters
    ----------
    texts : collection of str
        Each once.
    asker : Engine, Batched or Rehearsal
    progress : callable, optional
        Called with (strings done, strings in all).
    """
    judged = Judged()
    for done, (question, reply) in enumerate(asker.ask(privacy_questions(texts)), 1):
        if reply.outcome is not Outcome.ANSWERED:
            judged.unanswered[str(reply.outcome)] += 1
        elif reply.text:
            judged.scores[question.subject] = PrivacyScore.model_validate_json(reply.text)
        if progress is not None:
            progress(done, len(texts))
    return judged
