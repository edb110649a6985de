"""`value-taxonomy llm`: what is stored of language models' answers, how to delete it, and how to cancel batches."""

from __future__ import annotations

from datetime import datetime

import click

from taxonomy.cli.record_options import DAY
from taxonomy.english.plurals import count_of


@click.group("llm")
def llm_group() -> None:
    """Look at the stored answers of language models, delete them, or cancel batches.

    \b
    Example:
      value-taxonomy llm status
    """


@llm_group.command("status")
def status_command() -> None:
    """Show what is stored of each model, and what its calls took.

    Tokens are as the servers counted them; prices are those of the package genai-prices today.

    \b
    Example:
      value-taxonomy llm status
    """
    from embeddings import cache_folder
    from taxonomy.cli.screen import console, plain, table
    from taxonomy.llm.answer_store import AnswerStore
    from taxonomy.llm.entry import needing_the_extra
    from taxonomy.llm.spending import cost_of_stored

    with AnswerStore(cache_folder()) as store:
        stored, batches = store.stored(), store.batches()
        size = store.size()
    click.echo(plain(f"{store.path}: {size / 1e3:,.0f} kB, for its owner only"))
    if not stored and not batches:
        click.echo("Nothing is stored")
        return
    screen = console()
    drawn = table("model", "task", "answers", "others", "calls", "tokens in", "cached", "out", "cost", left=(0, 1))
    for one in stored:
        with needing_the_extra():
            cost = cost_of_stored(one)
        answers = one.replies.get("answered", 0)
        others = [f"{count:,} {outcome}" for outcome, count in one.replies.items() if outcome != "answered"]
        figures = (f"{figure:,}" for figure in (one.calls, one.tokens.input, one.tokens.cached, one.tokens.output))
        price = "unknown" if cost is None else f"${cost:,.4f}"
        drawn.add_row(plain(one.model), plain(one.task), f"{answers:,}", ", ".join(others) or "0", *figures, price)
    screen.print(drawn)
    for batch in batches:
        submitted = datetime.fromtimestamp(batch.at).strftime("%Y-%m-%d %H:%M")
        name = batch.name or "name not known yet"
        what = f"a batch of {count_of(batch.requests, 'question')} for {batch.model}"
        click.echo(plain(f"Under way: {what}, {name}, submitted {submitted}"))


@llm_group.command("cancel")
def cancel_command() -> None:
    """Cancel the batches that are under way.

    What was answered by then is fetched, and to be paid, when the command that asked is run again.

    A batch that can't be cancelled, or whose name is not known, is listed, and the exit status is 1.

    \b
    Example:
      value-taxonomy llm cancel
    """
    from taxonomy.cli.screen import plain
    from taxonomy.llm.entry import cancel_batches

    cancelled = cancel_batches()
    for problem in cancelled.problems:
        click.echo(plain(f"Not cancelled: {problem}"), err=True)
    click.echo(f"{count_of(cancelled.count, 'batch')} cancelled")
    if cancelled.problems:
        raise SystemExit(1)


@llm_group.command("purge")
@click.option("--model", metavar="PROVIDER/NAME", help="Only what this model answered.")
@click.option("--before", type=DAY, help="Only what was stored before this day.")
@click.option("--unanswered", is_flag=True, help="Only refusals and the like, so that they are asked again.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge_command(model: str | None, before: datetime | None, unanswered: bool, yes: bool) -> None:
    """Delete stored answers for good.

    What they quote of conversations is overwritten.

    What is deleted is asked, and paid for, again when it is needed.

    \b
    Example:
      value-taxonomy llm purge --before 2026-01-01
    """
    from embeddings import cache_folder
    from taxonomy.llm.answer_store import AnswerStore

    with AnswerStore(cache_folder()) as store:
        moment = None if before is None else before.timestamp()
        number, calls = store.count(model, moment, unanswered=unanswered)
        if (number or calls) and not yes:
            noted = f", and what is noted of {count_of(calls, 'call')}" if calls else ""
            click.confirm(f"Delete {count_of(number, 'stored answer')}{noted}?", abort=True)
        store.purge(model, moment, unanswered=unanswered)
    click.echo(f"{count_of(number, 'stored answer')} deleted")
