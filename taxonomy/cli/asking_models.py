"""What commands say while they ask a language model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from taxonomy.llm.settling import Asker
    from taxonomy.llm.spending import Usage


class Asking:
    """How asking goes, for the line beside a bar.

    Parameters
    ----------
    planned : Usage
        The estimate for all that is to be asked.
    asker : Asker
    """

    def __init__(self, planned: Usage, asker: Asker) -> None:
        self._planned = planned
        self._asker = asker
        self._begun = time.monotonic()

    def note(self) -> str:
        """Return the rate, what is spent and will be, and failures by name."""
        from taxonomy.llm.spending import forecast

        done = self._asker.usage
        rate = done.calls / max(time.monotonic() - self._begun, 1e-9)
        whole = forecast(self._planned, self._asker.expected, done)
        parts = [f"{rate:.1f} calls/s", f"{_spent(done)} of about {_spent(whole)}"]
        return ", ".join(parts + [f"{count:,} {outcome}" for outcome, count in done.failed.items()])


def _spent(usage: Usage) -> str:
    if usage.cost is None:
        return f"{usage.input_tokens + usage.output_tokens:,} tokens"
    return f"${usage.cost:,.4f}"


@contextmanager
def saying_how_to_go_on() -> Iterator[None]:
    """Say on Ctrl-C that answers are stored, and exit as programs do that it ends."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\nInterrupted: the answers so far are stored; run the same command again to go on", err=True)
        raise SystemExit(130) from None
