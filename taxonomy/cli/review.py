"""Commands that look at a taxonomy: show, explore, compare, stability."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taxonomy.building.defaults import RUNS
from taxonomy.cli.options import PATH, model_option, out_option, quiet_option, taxonomy_argument
from taxonomy.cli.vectors_option import check_vectors, embed_or_say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from taxonomy.model import Node, Taxonomy
    from taxonomy.quality.agreement import Agreement, Scores


@click.command("show")
@taxonomy_argument
@click.option("--depth", default=1, show_default=True, type=click.IntRange(1), help="Levels to draw from the top.")
@click.option("--node", "key", help="Show one node: an id, a label or an alias.")
@click.option("--level", type=int, help="Look for --node on this level only.")
@click.option("--quality", is_flag=True, help="Show how well each level holds together, measured now.")
@model_option("Model for --quality")
def show_command(
    taxonomy: Path, depth: int, key: str | None, level: int | None, quality: bool, model: str | None
) -> None:
    """Draw a taxonomy as a tree, or show one node of it.

    TAXONOMY is in any format that import reads.

    \b
    Example:
      value-taxonomy show build/taxonomy.json --depth 2
      value-taxonomy show build/taxonomy.json --node "intellectual honesty"
      value-taxonomy show build/taxonomy.json --quality
    """
    from taxonomy.cli.screen import console, draw_tree, paged
    from taxonomy.formats.readers import read

    if model is not None and not quality:
        raise click.UsageError("--model goes with --quality")
    if quality and key is not None:
        raise click.UsageError("--quality is of the whole taxonomy: leave --node out")
    tree = read(taxonomy)
    screen = console()
    if quality:
        screen.print(_quality(tree, model))
        return
    node = None if key is None else tree.node(key, level=level)
    with paged(screen):
        if node is not None:
            _show_node(screen, tree, node)
        if node is None or node.level:
            screen.print(draw_tree(tree, depth, node))


def _quality(tree: Taxonomy, model: str | None) -> Table:
    from rich.text import Text

    from taxonomy.cli.screen import plain, progress_bars, table
    from taxonomy.progress import stage_of
    from taxonomy.quality.cohesion import measure_cohesion
    from taxonomy.quality.vectors import embed_tree

    with progress_bars(False) as progress:
        vectors = embed_tree(tree, model=model, labels=False, progress=stage_of(progress, "embedding")).values
    drawn = table("level", "nodes", "silhouette", "random", "intruders found", "random")
    for level in measure_cohesion(tree, vectors):
        drawn.add_row(
            Text(plain(tree.levels[level.level].name)),
            f"{level.nodes:,}",
            *(_figure(figure) for figure in (level.silhouette, level.random_silhouette)),
            *(_figure(figure, ".1%") for figure in (level.intruder, level.random_intruder)),
        )
    return drawn


def _show_node(screen: Console, tree: Taxonomy, node: Node) -> None:
    from rich.text import Text

    from taxonomy.cli.screen import plain, print_fields

    parent = tree.parent(node)
    siblings = [other.label for other in (tree.children(parent) if parent else tree.top) if other.id != node.id]
    fields = {
        "path": " > ".join(step.label for step in tree.path(node)),
        "definition": node.definition,
        "id": node.id,
        "weight": f"{node.weight:g} {tree.weight_unit} ({node.share:.2%})",
        "aliases": ", ".join(node.aliases),
        "confidence": _confidence(tree, node),
        "flags": ", ".join(node.flags),
        "polarity": ", ".join(node.polarity_mark),
        "reviewed": "yes" if node.reviewed else "",
        "decisions": "; ".join(_decisions(tree, node)),
        "siblings": ", ".join(siblings) or "none",
    }
    screen.print(Text(plain(node.label), style="bold"))
    print_fields(screen, fields)


def _decisions(tree: Taxonomy, node: Node) -> Iterator[str]:
    from taxonomy.model.history import describe_decision, names_by_id, sign_decision

    name = names_by_id(tree.nodes, tree.retired)
    for decision in node.history:
        said = describe_decision(decision, node.id, name)
        why = ", ".join(part for part in (decision.note, sign_decision(decision)) if part)
        yield f"{said} ({why})" if why else said


def _confidence(tree: Taxonomy, node: Node) -> str:
    if node.placement is None:
        return ""
    second = node.placement.second_parent
    return f"{node.placement.confidence:.2f}" + (f", runner-up {tree.node(second).label}" if second else "")


@click.command("explore")
@taxonomy_argument
@out_option("The page to write, ending in .html.")
@click.option("--diff", "old", metavar="OLD", type=PATH, help="Colour what changed since OLD.")
@model_option("Model of the vectors")
@click.option(
    "--no-vectors", is_flag=True, help="Leave out what needs a model: nearest nodes, map, findings by likeness."
)
@quiet_option
def explore_command(
    taxonomy: Path, out: Path, old: Path | None, model: str | None, no_vectors: bool, quiet: bool
) -> None:
    """Write a taxonomy as a page to look at: one file that opens in a browser without a network.

    TAXONOMY is in any format that import reads.

    \b
    Example:
      value-taxonomy explore build/taxonomy.json --out taxonomy.html
      value-taxonomy explore build/taxonomy.json --diff old/taxonomy.json --out changes.html
    """
    from taxonomy.cli.screen import print_written, progress_bars
    from taxonomy.files import replace_file
    from taxonomy.formats.readers import read
    from taxonomy.progress import stage_of
    from taxonomy.views.layout import lay_out
    from taxonomy.views.map import NAME, read_map
    from taxonomy.views.page import check_size, taxonomy_page

    check_vectors(model, no_vectors)
    if out.suffix.lower() not in (".html", ".htm"):
        raise click.BadParameter(f"{out} does not end in .html", param_hint="--out")
    tree = read(taxonomy)
    before = None if old is None else read(old)
    check_size(tree.levels[0].size)
    points = read_map(taxonomy.with_name(NAME), tree)
    with progress_bars(quiet) as progress:
        vectors = None if no_vectors else embed_or_say(tree, model, progress)
        if vectors is not None and points is None:
            points = lay_out(vectors.values, progress=stage_of(progress, "laying out the map"))
    replace_file(out, taxonomy_page(tree, vectors=vectors, points=points, old=before).encode())
    if not quiet:
        print_written(out, "open it in a browser")


@click.command("compare")
@taxonomy_argument
@click.argument("reference", type=PATH)
@click.option("--exclude", type=PATH, help="A taxonomy whose values are not scored.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare_command(taxonomy: Path, reference: Path, exclude: Path | None, as_json: bool) -> None:
    """Score a taxonomy against a reference.

    Both are in any format that import reads.

    \b
    Example:
      value-taxonomy compare build/taxonomy.json reference.csv
    """
    from taxonomy.cli.screen import console
    from taxonomy.formats.readers import read
    from taxonomy.quality.agreement import compare

    excluded = read(exclude) if exclude is not None else None
    agreement = compare(read(taxonomy), read(reference), exclude=excluded)
    if as_json:
        click.echo(json.dumps(agreement.to_dict(), indent=1))
        return
    screen = console()
    screen.print(f"{agreement.scored:,} values scored, {agreement.coverage:.2%} of the reference's\n")
    for drawn in (_levels(agreement), _cuts(agreement.scores), _overall(agreement), _domains(agreement)):
        screen.print(drawn)
        screen.print()


def _levels(agreement: Agreement) -> Table:
    from taxonomy.cli.screen import table

    drawn = table("level", "nodes", "reference", "AMI", "random", "ARI", "random")
    for level, random in zip(agreement.scores.levels, agreement.random.levels, strict=True):
        nodes = str(level.built_nodes or "none")
        figures = (_figure(score) for score in (level.ami, random.ami, level.ari, random.ari))
        drawn.add_row(str(level.level), nodes, str(level.nodes), *figures)
    return drawn


def _cuts(scores: Scores) -> Table:
    from taxonomy.cli.screen import table

    best = {column: level.best_ami for column, level in enumerate(scores.levels)}
    drawn = table("AMI", *(f"reference level {level.level}" for level in scores.levels))
    for number, row in enumerate(scores.cuts, 1):
        marked = (f"{_figure(ami)}{'*' if ami == best[column] else ' '}" for column, ami in enumerate(row))
        drawn.add_row(f"level {number}", *marked)
    drawn.caption = "* the best cut for a reference level"
    drawn.caption_justify = "left"
    return drawn


def _overall(agreement: Agreement) -> Table:
    from taxonomy.cli.screen import table

    drawn = table("", "", "random")
    scores, random = agreement.scores, agreement.random
    for name, score, by_chance in (
        ("domain accuracy", scores.domain_accuracy, random.domain_accuracy),
        ("hierarchical precision", scores.precision, random.precision),
        ("hierarchical recall", scores.recall, random.recall),
        ("hierarchical F", scores.f, random.f),
        ("triplets", scores.triplets, random.triplets),
    ):
        drawn.add_row(name, _figure(score), _figure(by_chance))
    drawn.add_row("  95% interval", _interval(scores), _interval(random))
    return drawn


def _domains(agreement: Agreement) -> Table:
    from rich.text import Text

    from taxonomy.cli.screen import plain, table

    drawn = table("domain", "share", "reference", "values", "reference")
    for domain in agreement.domains:
        shares = (_figure(share, ".1%") for share in (domain.share, domain.reference_share))
        drawn.add_row(Text(plain(domain.name)), *shares, f"{domain.values:,}", f"{domain.reference_values:,}")
    return drawn


def _interval(scores: Scores) -> str:
    return "none" if scores.triplets_interval is None else "{:.3f} to {:.3f}".format(*scores.triplets_interval)


def _figure(figure: float | None, form: str = ".3f") -> str:
    return "none" if figure is None else f"{figure:{form}}"


@click.command("stability")
@taxonomy_argument
@click.option("--runs", default=RUNS, show_default=True, type=click.IntRange(2), help="How often to build it again.")
@click.option("--out", type=PATH, help="Where to write TAXONOMY with each node's stability.")
@model_option("Model of the vectors")
@quiet_option
def stability_command(taxonomy: Path, runs: int, out: Path | None, model: str | None, quiet: bool) -> None:
    """Build a taxonomy again and again, and see which nodes come back.

    It is built from the strings and parameters that it holds. Every run has a seed of its own; every other one has a
    random 90% of the values.

    \b
    Example:
      value-taxonomy stability build/taxonomy.json --runs 10 --out build/taxonomy.json
    """
    from rich.text import Text

    from taxonomy.building.stability import measure_stability
    from taxonomy.cli.screen import console, plain, progress_bars, table
    from taxonomy.files import updating
    from taxonomy.model import load
    from taxonomy.progress import stage_of
    from taxonomy.publishing import check_ending
    from taxonomy.quality.findings import UNSTABLE

    if out is not None:
        check_ending(out)
    with updating(taxonomy, out) as check:
        tree = load(taxonomy)
        with progress_bars(quiet) as progress:
            stability = measure_stability(tree, runs=runs, model=model, progress=stage_of(progress, "building again"))
        if out is not None:
            check()
            stability.add_to(tree).write(out)
    if quiet:
        return
    drawn = table("level", "AMI, other seeds", "AMI, 90% of values", "came back", "unstable")
    for level in stability.levels:
        nodes = [node.id for node in tree.nodes if node.level == level.level and node.id in stability.nodes]
        figures = [stability.nodes[id] for id in nodes]
        drawn.add_row(
            Text(plain(tree.levels[level.level].name)),
            _figure(level.seeds),
            _figure(level.subsamples),
            f"{sum(figures) / len(figures):.1%}",
            f"{sum(figure < UNSTABLE for figure in figures):,} of {len(figures):,}",
        )
    console().print(drawn)
