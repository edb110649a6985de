"""`value-taxonomy compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from taxonomy.quality.agreement import Agreement, Scores


@click.command()
@click.argument("taxonomy", type=click.Path(path_type=Path))
@click.argument("reference", type=click.Path(path_type=Path))
@click.option("--exclude", type=click.Path(path_type=Path), help="A taxonomy whose values are not scored.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare(taxonomy: Path, reference: Path, exclude: Path | None, as_json: bool) -> None:
    """Score TAXONOMY against REFERENCE, each in any format that import reads.

    \b
    Example:
      value-taxonomy compare build/taxonomy.json reference.csv
    """
    from taxonomy.cli.reading import read_tree
    from taxonomy.cli.screen import console
    from taxonomy.quality.agreement import compare as score

    excluded = read_tree(exclude) if exclude is not None else None
    agreement = score(read_tree(taxonomy), read_tree(reference), exclude=excluded)
    if as_json:
        click.echo(json.dumps(agreement.to_dict(), indent=1))
        return
    screen = console()
    screen.print(f"{agreement.scored:,} values scored, {agreement.coverage:.2%} of the reference's\n")
    for table in (_levels(agreement), _cuts(agreement.scores), _overall(agreement), _domains(agreement)):
        screen.print(table)
        screen.print()


def _levels(agreement: Agreement) -> Table:
    table = _table("level", "nodes", "reference", "AMI", "random", "ARI", "random")
    for found, chance in zip(agreement.scores.levels, agreement.random.levels, strict=True):
        nodes = str(found.built_nodes or "none")
        figures = (_figure(one) for one in (found.ami, chance.ami, found.ari, chance.ari))
        table.add_row(str(found.level), nodes, str(found.nodes), *figures)
    return table


def _cuts(scores: Scores) -> Table:
    best = {column: level.best_ami for column, level in enumerate(scores.levels)}
    table = _table("AMI", *(f"reference level {level.level}" for level in scores.levels))
    for number, row in enumerate(scores.cuts, 1):
        marked = (f"{_figure(ami)}{'*' if ami == best[column] else ' '}" for column, ami in enumerate(row))
        table.add_row(f"level {number}", *marked)
    table.caption = "* the best cut for a reference level"
    table.caption_justify = "left"
    return table


def _overall(agreement: Agreement) -> Table:
    table = _table("", "", "random")
    found, chance = agreement.scores, agreement.random
    for name, one, other in (
        ("domain accuracy", found.domain_accuracy, chance.domain_accuracy),
        ("hierarchical precision", found.precision, chance.precision),
        ("hierarchical recall", found.recall, chance.recall),
        ("hierarchical F", found.f, chance.f),
        ("triplets", found.triplets, chance.triplets),
    ):
        table.add_row(name, _figure(one), _figure(other))
    table.add_row("  95% interval", _interval(found), _interval(chance))
    return table


def _domains(agreement: Agreement) -> Table:
    from rich.text import Text

    from taxonomy.cli.screen import plain

    table = _table("domain", "share", "reference", "values", "reference")
    for domain in agreement.domains:
        shares = ("none" if share is None else f"{share:.1%}" for share in (domain.share, domain.reference_share))
        table.add_row(Text(plain(domain.name)), *shares, f"{domain.values:,}", f"{domain.reference_values:,}")
    return table


def _table(first: str, *others: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    return table


def _figure(figure: float | None) -> str:
    return "none" if figure is None else f"{figure:.3f}"


def _interval(scores: Scores) -> str:
    return "none" if scores.triplets_interval is None else "{:.3f} to {:.3f}".format(*scores.triplets_interval)
