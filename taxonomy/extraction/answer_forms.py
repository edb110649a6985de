"""What a model may answer about a conversation: closed forms."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model, model_validator

from taxonomy.extraction.extraction_defaults import Subjectivity
from taxonomy.extraction.value_form import task_problem
from taxonomy.mentions.columns import ResponseType

# The fields of `Features`, which are what is asked of a conversation.
PARTS = ("ai_values", "human_values", "response_type", "task")
# More than any side expresses in a window. What is only too long is refused alone, and not the whole answer.
_MOST_VALUES = 200
_LONGEST_VALUE, _LONGEST_QUOTE = 1_000, 4_000


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Screening(_Form):
    """How subjective a conversation is."""

    subjectivity: Subjectivity


class Stated(_Form):
    """A value, and where it is expressed."""

    value: str = Field(max_length=_LONGEST_VALUE)
    turn: int
    quote: str = Field(max_length=_LONGEST_QUOTE)


class Expressed(_Form):
    """A value of the AI's, which it states or shows."""

    value: str = Field(max_length=_LONGEST_VALUE)
    explicit: bool
    turn: int
    quote: str = Field(max_length=_LONGEST_QUOTE)


def _checked_task(task: str) -> str:
    if (problem := task_problem(task)) is not None:
        raise ValueError(f"the task {problem}")
    return task


class Features(_Form):
    """What is asked of a conversation.

    All questions have this one form: servers that keep a conversation for the next question do so by the form, too.
    """

    ai_values: Annotated[list[Expressed], Field(max_length=_MOST_VALUES)] | None
    human_values: Annotated[list[Stated], Field(max_length=_MOST_VALUES)] | None
    response_type: ResponseType | None
    task: Annotated[str, Field(max_length=100), AfterValidator(_checked_task)] | None


@cache
def form_of(parts: Collection[str]) -> type[Features]:
    """Return the form, in which some parts must be filled in; what is said of others is dropped.

    Parameters
    ----------
    parts : tuple of str
        Of `PARTS`.
    """

    def take_parts(answer: Features) -> Features:
        missing = [part for part in parts if getattr(answer, part) is None]
        if missing:
            raise ValueError(f"{', '.join(missing)} must be filled in")
        for part in PARTS:
            if part not in parts:
                setattr(answer, part, None)
        return answer

    checks: dict[str, Any] = {"take_parts": model_validator(mode="after")(take_parts)}
    return create_model(Features.__name__, __base__=Features, __validators__=checks, __doc__=Features.__doc__)
