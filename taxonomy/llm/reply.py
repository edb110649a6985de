"""What became of a question: outcomes by name, and the tokens that it took."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a question."""

    # In the form asked for.
    ANSWERED = "answered"
    # By the model, which declined.
    REFUSED = "refused"
    # By a filter of the server, before or after the model.
    FILTERED = "filtered"
    # The answer was cut off, with more room too.
    TRUNCATED = "truncated"
    # The question was longer than the model takes.
    TOO_LONG = "too long"
    # Not in the form asked for.
    MALFORMED = "malformed"
    TIMED_OUT = "timed out"
    # Whatever else: no connection, an error of the server.
    FAILED = "failed"


# Asking again in the same way would give the same.
LASTING = frozenset((Outcome.ANSWERED, Outcome.REFUSED, Outcome.FILTERED, Outcome.TOO_LONG))


# No call takes more; a server that says so is not believed.
_MOST_TOKENS = 100_000_000


def token_count(said: object) -> int:
    """Return a count that a server reports, within bounds; 0 for what is none."""
    is_count = isinstance(said, int | float) and said > 0
    return int(min(said, _MOST_TOKENS)) if is_count else 0  # type: ignore[call-overload]


@dataclass(frozen=True)
class Tokens:
    """Tokens of a call, or of several.

    Attributes
    ----------
    input : int
        All that went in; of these `cached` were read from the server's cache and `written` to it.
    output : int
    """

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        """Return the sum."""
        return Tokens(
            self.input + other.input,
            self.cached + other.cached,
            self.written + other.written,
            self.output + other.output,
        )


@dataclass(frozen=True)
class Reply:
    """What a server said to a question, or did instead.

    Attributes
    ----------
    outcome : Outcome
    text : str
        The answer as JSON, where it is answered; else empty.
    reason : str
        Why it is not; fit to print.
    tokens : Tokens or None
        As the server counts them; None where it did not say.
    busy : bool
        The server asked for fewer calls: the call was no failure of the question.
    again : bool
        Another call may end otherwise.
    wait : float
        Seconds after which the server wants to be asked again.
    cramped : bool
        The server takes less room for an answer, or for this question and its answer together.
    fatal : bool
        Every other question would end in the same way: a wrong key, model or address.
    """

    outcome: Outcome
    text: str = ""
    reason: str = ""
    tokens: Tokens | None = None
    busy: bool = False
    again: bool = False
    wait: float = 0.0
    cramped: bool = False
    fatal: bool = False

    @property
    def problem(self) -> str | None:
        """The outcome and its reason in one line, None for an answer."""
        if self.outcome is Outcome.ANSWERED:
            return None
        return f"{self.outcome}: {self.reason}" if self.reason else str(self.outcome)
