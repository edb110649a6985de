"""`value-taxonomy conversations`: read the conversations that people have, look at them, and write them in one form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taxonomy.cli.options import PATH, Choice, quiet_option
from taxonomy.errors import plain
from taxonomy.extraction.readers import list_formats

if TYPE_CHECKING:
    from rich.console import Console

    from taxonomy.extraction.conversation import Conversation
    from taxonomy.extraction.conversation_set import Conversations
    from taxonomy.extraction.overview import Overview

_FILES = click.argument("files", nargs=-1, required=True, type=PATH)
_FORMAT = click.option(
    "--format",
    type=Choice(list_formats()),
    help="Format of the files (default: each file's own, as it is detected).",
)
# Languages and models that are shown; the others are counted.
_SHOWN = 8


@click.group("conversations")
def conversations_group() -> None:
    """Read conversations: exports of chats, logs, public data sets.

    \b
    Example:
      value-taxonomy conversations show export.zip
    """


@conversations_group.command("show")
@_FILES
@_FORMAT
@click.option("--id", "conversation_id", metavar="ID", help="The conversation to show (default: the first).")
def show_command(files: tuple[Path, ...], format: str | None, conversation_id: str | None) -> None:
    """Show what was read from FILES, and one conversation.

    FILES are chat exports, logs and data sets (JSON, JSON lines, CSV, Parquet, zip), folders or globs.

    \b
    Example:
      value-taxonomy conversations show export.zip
      value-taxonomy conversations show export.zip --id 8f3a2b1c
    """
    from taxonomy.cli.screen import console, paged, waiting
    from taxonomy.extraction.conversation_set import open_conversations
    from taxonomy.extraction.overview import survey

    screen = console()
    with waiting("reading"), open_conversations(files, format=format) as conversations:
        overview = survey(conversations)
        first = next(iter(conversations), None) if conversation_id is None else conversations.find(conversation_id)
    with paged(screen):
        _print_counts(screen, conversations)
        _print_overview(screen, conversations, overview)
        if first is not None:
            _print_conversation(screen, first)


@conversations_group.command("convert")
@_FILES
@_FORMAT
@click.option("--out", required=True, type=PATH, help="The .parquet file to write, which you alone can read.")
@quiet_option
def convert_command(files: tuple[Path, ...], format: str | None, out: Path, quiet: bool) -> None:
    """Write the conversations in FILES in one form, whatever theirs is.

    The file holds what was said: only its owner can read it (mode 0600).

    \b
    Example:
      value-taxonomy conversations convert export.zip --out conversations.parquet
    """
    from taxonomy.cli.screen import console, print_written, waiting
    from taxonomy.errors import InputError
    from taxonomy.extraction.conversation_set import open_conversations
    from taxonomy.extraction.conversation_table import SUFFIXES, write_conversations
    from taxonomy.mentions.tables import check_table_path

    check_table_path(out, SUFFIXES)
    with waiting("reading", quiet), open_conversations(files, format=format) as conversations:
        if not len(conversations):
            named = ", ".join(map(str, files))
            remedy = "see what was read: value-taxonomy conversations show"
            raise InputError("no conversation is left to write", path=named, remedy=remedy)
        write_conversations(conversations, conversations.contexts, out)
    if not quiet:
        _print_counts(console(), conversations)
        print_written(out)


def _print_counts(screen: Console, conversations: Conversations) -> None:
    from taxonomy.cli.screen import print_fields
    from taxonomy.english.plurals import count_of

    counts = conversations.counts
    fields = {
        "format": ", ".join(f"{name} ({count_of(count, 'file')})" for name, count in conversations.formats.items()),
        "left aside": _some(conversations.left_aside),
        "not understood": ", ".join(f"{name} ({count:,})" for name, count in conversations.ignored.items()),
        "read": count_of(counts["read"], "conversation"),
        "kept": f"{counts['kept']:,}",
        "nothing to read": f"{counts['nothing']:,}",
        "duplicates": f"{counts['duplicates']:,}",
        "unreadable": f"{counts['unreadable']:,}",
    }
    print_fields(screen, fields)
    for reason, (count, first) in conversations.rejected.items():
        screen.print(plain(f"  {count:,}: {reason} (first: {first})"), markup=False, soft_wrap=True)


def _print_overview(screen: Console, conversations: Conversations, overview: Overview) -> None:
    from taxonomy.cli.screen import print_fields
    from taxonomy.extraction.transcript import say_left_out

    period = f"{overview.first:%Y-%m-%d} to {overview.last:%Y-%m-%d}" if overview.first and overview.last else ""
    screen.print()
    print_fields(
        screen,
        {
            "turns": ", ".join(f"{count:,} {side}" for side, count in overview.turns.items()),
            "languages": _listed(overview.languages),
            "models": _listed(overview.models),
            "period": period,
            "users": f"{conversations.users:,}" if conversations.users else "",
            "system text": f"in {overview.with_system:,}" if overview.with_system else "",
            "contexts": ", ".join(conversations.contexts),
            "left out": say_left_out(overview.left_out),
        },
    )


def _print_conversation(screen: Console, one: Conversation) -> None:
    from rich.text import Text

    from taxonomy.cli.screen import print_fields
    from taxonomy.extraction.transcript import write_transcript

    screen.print()
    fields = {
        "conversation": one.conversation_id,
        "model": one.model or "",
        "user": one.user_id or "",
        "language": one.language or "",
        "time": f"{one.timestamp:%Y-%m-%d %H:%M} UTC" if one.timestamp else "",
        **one.contexts,
    }
    print_fields(screen, fields)
    for heading, text in write_transcript(one):
        screen.print()
        screen.print(Text(heading, style="bold"), soft_wrap=True)
        for line in text.split("\n"):
            screen.print(plain(line), markup=False, soft_wrap=not screen.is_terminal)


def _listed(counts: Mapping[str, int]) -> str:
    shown = [f"{name} {count:,}" for name, count in list(counts.items())[:_SHOWN]]
    rest = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - 3
    return ", ".join(names[:3]) + (f" and {more} more" if more > 0 else "")
