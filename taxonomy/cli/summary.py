"""What is said at the end of a build: what the tree is like, what to look at, where it is, what became of edits."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import click
from rich.text import Text

from taxonomy.building.built import Built
from taxonomy.cli.screen import console, level_sizes, plain, print_fields, top_table, unknown_words
from taxonomy.english.plurals import count_of
from taxonomy.model import Taxonomy
from taxonomy.values import ValueSet
from taxonomy.versions.replay import Outcome

# Doubtful values, and spellings that were merged, that are named.
NAMED = 3


def print_summary(built: Built, out: Path, files: Collection[str]) -> None:
    """Print the top with bars, then a line each of sizes, input, rejections, doubt, files and what to do next."""
    tree, value_set = built.tree, built.values
    screen = console()
    screen.print(Text(f"{plain(tree.title or tree.id)} {tree.version}", style="bold"))
    screen.print(top_table(tree, screen.width))
    screen.print()
    path = shlex.quote(str(out / "taxonomy.json"))
    print_fields(
        screen,
        {
            "sizes": level_sizes(tree),
            "read": _input(value_set),
            "merged": _merged(value_set),
            "rejected": _rejected(value_set),
            "dormant": _dormant(tree),
            "doubtful": _doubtful(tree),
            "unknown": _unknown(tree),
            "written": f"{out}: {', '.join(files)}",
        },
    )
    if "taxonomy.html" in files:
        screen.print(Text.assemble(("next      ", "dim"), plain(f"open {out / 'taxonomy.html'} in a browser")))
    # Never broken, so that it can be copied.
    for command in (f"show {path} --depth 2", f"lint {path}"):
        screen.print(Text.assemble(("next      ", "dim"), plain(f"value-taxonomy {command}")), soft_wrap=True)


def print_outcomes(outcomes: Sequence[Outcome], tree: Taxonomy, levels: Sequence[int] | None = None) -> None:
    """Print how many edits were applied, those to look at, and where edits change a size that was asked for."""
    counts = Counter(outcome.status for outcome in outcomes)
    listed = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items())) or "nothing to do"
    click.echo(f"{count_of(len(outcomes), 'edit')}: {listed}")
    for outcome in outcomes:
        if outcome.reason:
            click.echo(plain(f"line {outcome.edit.line}: {outcome.edit}: {outcome.status}: {outcome.reason}"))
    for level, asked in zip(tree.levels[1:], levels or (), strict=False):
        if level.size != asked:
            click.echo(f"level {level.level} has {count_of(level.size, 'node')} by edits, {asked:,} without them")


def fail_if_left(outcomes: Sequence[Outcome]) -> None:
    """Exit with 1 if an edit does not apply, and name such edits on stderr."""
    left = [outcome for outcome in outcomes if outcome.status == "does not apply"]
    if left:
        lines = ", ".join(str(outcome.edit.line) for outcome in left)
        click.echo(f"Error: {count_of(len(left), 'edit')} did not apply: see line {lines} of the edits file", err=True)
        raise SystemExit(1)


def _input(value_set: ValueSet) -> str:
    aliases = sum(len(value.aliases) for value in value_set.values)
    parts = (
        count_of(len(value_set), "value"),
        count_of(aliases, "other spelling"),
        count_of(value_set.repeats, "repeat"),
        f"{len(value_set.rejected):,} rejected",
    )
    split = f", {value_set.split:,} split into {count_of(value_set.listed, 'string')}" if value_set.split else ""
    return f"{count_of(value_set.rows, 'row')}{split}: {', '.join(parts)}"


def _merged(value_set: ValueSet) -> str:
    if not value_set.twins:
        return ""
    named = ", ".join(f"{twin.kept} and {twin.other}" for twin in value_set.twins[:NAMED])
    return f"{count_of(len(value_set.twins), 'spelling')}, such as {named}: see report.json"


def _rejected(value_set: ValueSet) -> str:
    reasons = Counter(rejection.reason for rejection in value_set.rejected)
    listed = ", ".join(
        f"{count:,} {reason}" for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    )
    return f"{listed}: see rejected.csv" if listed else ""


def _dormant(tree: Taxonomy) -> str:
    dormant = [value for value in tree.leaves if value.is_dormant]
    if not dormant:
        return ""
    verb = "is" if len(dormant) == 1 else "are"
    return f"{count_of(len(dormant), 'value')} of earlier versions {verb} not in the input"


def _unknown(tree: Taxonomy) -> str:
    count = sum(value.has_unknown_words for value in tree.leaves)
    return f"{unknown_words(count, len(tree.leaves))}; see lint" if count else ""


def _doubtful(tree: Taxonomy) -> str:
    nodes = [node for node in tree.leaves if "doubtful" in node.flags and node.placement]
    if not nodes:
        return ""
    heaviest = sorted(nodes, key=lambda node: (-node.weight, node.label))[:NAMED]
    named = ", ".join(node.label for node in heaviest)
    lie = "lies" if len(nodes) == 1 else "lie"
    values = count_of(tree.levels[0].size, "value")
    return f"{len(nodes):,} of {values} {lie} nearer to another parent, the heaviest: {named}"
