"""Commands between one version and the next: diff, migrate, edit, apply-edits, assign."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.options import (
    PATH,
    Choice,
    column_options,
    deprecated,
    model_option,
    out_option,
    quiet_option,
    taxonomy_argument,
    taxonomy_option,
)

if TYPE_CHECKING:
    from taxonomy.model import Taxonomy

# As `versions.edits.Action`, the import of which takes longer than the answer to --help may.
ACTIONS = ("rename", "define", "move", "merge", "split", "pin", "alias", "reject", "new")
# As `versions.number.Bump`, the least first; for the same reason.
BUMPS = ("patch", "minor", "major")


@click.command("diff")
@click.argument("old", type=PATH)
@click.argument("new", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Print every change as JSON.")
@click.option("--changelog", is_flag=True, help="Print Markdown for a change log.")
@click.option("--fail-on", type=Choice(BUMPS), help="Exit with 1 if the change is of this weight or more.")
def diff_command(old: Path, new: Path, as_json: bool, changelog: bool, fail_on: str | None) -> None:
    """Say what changed from one version to another.

    OLD and NEW are in any format that import reads.

    \b
    Example:
      value-taxonomy diff old/taxonomy.json build/taxonomy.json --fail-on major
    """
    from taxonomy.cli.screen import plain
    from taxonomy.formats.readers import read
    from taxonomy.versions.changelog import as_markdown, as_text
    from taxonomy.versions.diff import Diff

    if as_json and changelog:
        raise click.UsageError("--json and --changelog exclude each other")
    difference = Diff.between(read(old), read(new))
    if as_json:
        click.echo(json.dumps(difference.to_dict(), indent=1, ensure_ascii=False))
    else:
        for line in (as_markdown if changelog else as_text)(difference).splitlines():
            click.echo(plain(line))
    if fail_on and difference.bump and BUMPS.index(difference.bump) >= BUMPS.index(fail_on):
        raise SystemExit(1)


@click.command("migrate")
@click.argument("old", type=PATH)
@click.argument("new", type=PATH)
@out_option("The .tsv file to write.")
def migrate_command(old: Path, new: Path, out: Path) -> None:
    """Write which ids of the new version the ids of the old one are, as an SSSOM mapping set.

    \b
    Example:
      value-taxonomy migrate old/taxonomy.json build/taxonomy.json --out map.tsv
    """
    from collections import Counter

    from taxonomy.cli.screen import print_written
    from taxonomy.files import replace_file
    from taxonomy.formats.readers import read
    from taxonomy.versions.mapping import NO_MATCH, mappings, sssom_tsv

    old_tree, new_tree = read(old), read(new)
    replace_file(out, sssom_tsv(old_tree, new_tree).encode())
    counts = Counter(mapping.predicate if mapping.new else NO_MATCH for mapping in mappings(old_tree, new_tree))
    click.echo(", ".join(f"{count:,} {predicate}" for predicate, count in sorted(counts.items())))
    print_written(out)


@click.command("edit")
@taxonomy_argument
@click.argument("action", type=Choice(ACTIONS))
@click.argument("node")
@click.argument("to", required=False)
@click.option("--edits", required=True, type=PATH, help="The edits file to append to.")
@click.option("--part", "parts", multiple=True, metavar="LABEL=CHILD,...", help="A part that split makes; repeat it.")
@click.option("--member", "members", multiple=True, metavar="NODE", help="A child of a new node; repeat it.")
@click.option("--level", type=int, help="Look for NODE on this level only.")
@click.option("--note", default="", help="Why.")
@click.option("--author", default="", help="Who.")
@click.option("--date", default="", help="When.")
def edit_command(
    taxonomy: Path,
    action: str,
    node: str,
    to: str | None,
    edits: Path,
    parts: tuple[str, ...],
    members: tuple[str, ...],
    level: int | None,
    **record: str,
) -> None:
    """Append one decision on a node to an edits file, if it can be followed.

    NODE is an id, a label or an alias; of new, the parent. TO is the label (rename, new), the definition (define), the
    other spelling (alias), the parent (move), or the node that goes on (merge).

    \b
    Example:
      value-taxonomy edit build/taxonomy.json rename "Honesty and truthfulness" "Honesty" --edits edits.toml
      value-taxonomy edit build/taxonomy.json move "truth" "Open-mindedness" --edits edits.toml --note "not a habit"
    """
    from pydantic import ValidationError

    from taxonomy.cli.screen import plain
    from taxonomy.errors import EditsError
    from taxonomy.formats.readers import read
    from taxonomy.model.draft import Draft
    from taxonomy.versions.edits import Edit, append_edit
    from taxonomy.versions.replay import replay_edits

    tree = read(taxonomy)
    fields: dict[str, Any] = {"action": action, "node": tree.node(node, level=level).id, "to": to, **record}
    fields["into"] = [_part(tree, fields["node"], text) for text in parts]
    fields["members"] = [_member(tree, fields["node"], name) for name in members]
    if to is not None or action == "pin":
        fields["to"] = _target(tree, action, fields["node"], to)
    try:
        decision = Edit.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise EditsError(problem, remedy="see value-taxonomy edit --help") from error

    def follow(before: Sequence[Edit]) -> None:
        outcome = replay_edits(Draft(tree.nodes), [*before, decision], tree.retired).outcomes[-1]
        if outcome.status == "does not apply":
            raise EditsError(f"{decision}: {outcome.reason}", remedy="nothing was written")
        if outcome.reason:
            click.echo(plain(f"{decision}: {outcome.reason}"))

    append_edit(edits, decision, check=follow)
    click.echo(plain(f"{decision}: written to {edits}"))
    following = shlex.join(["apply-edits", str(taxonomy), "--edits", str(edits), "--out", str(taxonomy)])
    click.echo(plain(f"Next: value-taxonomy {following}"))


def _target(tree: Taxonomy, action: str, id: str, to: str | None) -> str | None:
    """Return the id of the node that an action leads to, or the text that it takes."""
    node = tree.node(id)
    if action == "merge" and to is not None:
        return tree.node(to, level=node.level).id
    if action in ("move", "pin") and to is not None:
        return tree.node(to, level=node.level + 1).id
    # Pinned without a place, a node stays where it is today.
    return node.parent if action == "pin" else to


def _part(tree: Taxonomy, id: str, text: str) -> dict[str, Any]:
    label, equals, names = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not LABEL=CHILD,CHILD", param_hint="--part")
    children = {child.label: child.id for child in tree.children(id)}
    return {
        "label": label.strip(),
        "members": [children.get(name.strip(), name.strip()) for name in names.split(",") if name.strip()],
    }


def _member(tree: Taxonomy, parent: str, name: str) -> str:
    return tree.node(name, level=tree.node(parent).level - 2).id


@click.command("apply-edits")
@taxonomy_argument
@click.option("--edits", required=True, type=PATH, help="The edits file.")
@out_option("The taxonomy.json to write.")
@click.option("--strict", is_flag=True, help="Exit with 1 if an edit does not apply.")
def apply_edits_command(taxonomy: Path, edits: Path, out: Path, strict: bool) -> None:
    """Apply an edits file to a taxonomy, as its next version.

    TAXONOMY is in any format that import reads.

    \b
    Example:
      value-taxonomy apply-edits build/taxonomy.json --edits edits.toml --out build/taxonomy.json
    """
    from taxonomy.cli.screen import plain
    from taxonomy.cli.summary import print_outcomes
    from taxonomy.files import updating
    from taxonomy.formats.readers import read
    from taxonomy.publishing import check_ending
    from taxonomy.versions.edits import read_edits
    from taxonomy.versions.replay import apply_edits

    check_ending(out)
    with updating(taxonomy, out) as check:
        tree, outcomes = apply_edits(read(taxonomy), read_edits(edits))
        check()
        tree.write(out)
    print_outcomes(outcomes, tree)
    click.echo(plain(f"Version {tree.version} written to {out}"))
    if strict and any(outcome.status == "does not apply" for outcome in outcomes):
        raise SystemExit(1)


@click.command("assign")
@click.argument("values")
@click.argument("old_values", required=False, metavar="")
@taxonomy_option
@out_option("The .csv file to write.")
@click.option("--min-confidence", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Else unplaced.")
@click.option("--update", type=PATH, help="Write a new version with the placed values in it here.")
@model_option("Model")
@column_options
@quiet_option
def assign_command(
    values: str,
    old_values: str | None,
    taxonomy: Path | None,
    out: Path,
    min_confidence: float,
    update: Path | None,
    model: str | None,
    value_column: str | None,
    weight_column: str | None,
    quiet: bool,
) -> None:
    """Say where new values belong in a taxonomy, without building it again.

    VALUES is a .txt, .csv, .tsv, .jsonl, .json or .parquet file, or - for standard input.

    \b
    Example:
      value-taxonomy assign new.csv --taxonomy build/taxonomy.json --out placed.csv --min-confidence 0.55
    """
    from taxonomy.cli.screen import plain, print_written, progress_bars
    from taxonomy.files import updating
    from taxonomy.formats.readers import read
    from taxonomy.placement import assign
    from taxonomy.progress import stage_of
    from taxonomy.publishing import check_ending

    if old_values is not None and taxonomy is None:
        deprecated("assign TAXONOMY VALUES", "assign VALUES --taxonomy TAXONOMY")
        taxonomy, values, old_values = Path(values), old_values, None
    if taxonomy is None:
        raise click.UsageError("name the taxonomy with --taxonomy")
    if old_values is not None:
        raise click.UsageError(f"assign takes one file of values: what is {old_values}?")
    if update is not None:
        check_ending(update)
    with updating(taxonomy, update) as check:
        with progress_bars(quiet) as progress:
            assigned = assign(
                values,
                read(taxonomy),
                model=model,
                min_confidence=min_confidence,
                value_column=value_column,
                weight_column=weight_column,
                progress=stage_of(progress, "embedding"),
            )
        check()
        assigned.write(out)
        if update is not None:
            assigned.tree.write(update)
    if quiet:
        return
    counts = assigned.counts
    click.echo(
        f"{counts['value'] + counts['alias']:,} known, {counts['placed']:,} placed, {counts['unplaced']:,} unplaced, "
        f"{counts['rejected']:,} rejected"
    )
    print_written(out)
    if update is not None:
        grown, unit = assigned.tree, assigned.values.weight_unit
        click.echo(plain(f"Version {grown.version} written to {update}"))
        if unit != grown.weight_unit and grown.weight_unit != "mentions":
            click.echo(f"New values weigh nothing: they count {unit}, not {grown.weight_unit}")
