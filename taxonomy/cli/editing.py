"""Commands by which a person changes a taxonomy: edit, apply-edits."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.options import PATH, Choice, out_option, taxonomy_argument

if TYPE_CHECKING:
    from taxonomy.model import Taxonomy
    from taxonomy.versions.edits import Edit

# As `versions.edits.Action`, the import of which takes longer than the answer to --help may.
ACTIONS = ("rename", "define", "move", "merge", "split", "pin", "alias", "reject", "new", "review", "unreview")
# Edits of a sheet that a preview lists.
_LISTED = 60


@click.command("edit")
@taxonomy_argument
@click.argument("action", type=Choice(ACTIONS), required=False)
@click.argument("node", required=False)
@click.argument("to", required=False)
@click.option("--edits", type=PATH, help="The edits file to append to.")
@click.option("--from-sheet", "sheet", type=PATH, help="Take the edits from a changed table of export --sheet.")
@click.option("--part", "parts", multiple=True, metavar="LABEL=CHILD,...", help="A part that split makes; repeat it.")
@click.option("--member", "members", multiple=True, metavar="NODE", help="A child of a new node; repeat it.")
@click.option("--level", type=int, help="Look for NODE on this level only.")
@click.option("--note", default="", help="Why.")
@click.option("--author", help="Who (default: git's user.name).")
@click.option("--date", help="The day, as 2026-01-31 (default: today).")
def edit_command(
    taxonomy: Path,
    action: str | None,
    node: str | None,
    to: str | None,
    edits: Path | None,
    sheet: Path | None,
    author: str | None,
    date: str | None,
    **options: Any,
) -> None:
    """Append a decision on a node to an edits file, if it can be followed.

    NODE is an id, a label or an alias; of new, the parent. TO is the label (rename, new), the definition (define), the
    other spelling (alias), the parent (move), or the node that goes on (merge). A review is one of a node and of all
    below it.

    A table that export --sheet wrote, and a person changed, may stand in place of action and node: its changes are
    listed, and written where --edits names a file.

    \b
    Example:
      value-taxonomy edit build/taxonomy.json rename "Honesty and truthfulness" "Honesty" --edits edits.toml
      value-taxonomy edit build/taxonomy.json move "truth" "Open-mindedness" --edits edits.toml --note "not a habit"
      value-taxonomy edit build/taxonomy.json --from-sheet sheet.csv --edits edits.toml
    """
    from taxonomy.cli.signature import find_author, today
    from taxonomy.formats.readers import read

    record = {"author": find_author() if author is None else author, "date": today() if date is None else date}
    if sheet is None:
        _one_edit(read(taxonomy), taxonomy, edits, action, node, to, options | record)
        return
    if action is not None or any(options.values()):
        raise click.UsageError("--from-sheet takes no action, and the sheet has a column for notes")
    _sheet_edits(read(taxonomy), taxonomy, edits, sheet, record)


def _one_edit(
    tree: Taxonomy,
    source: Path,
    edits: Path | None,
    action: str | None,
    name: str | None,
    to: str | None,
    options: dict[str, Any],
) -> None:
    from taxonomy.versions.edits import make_edit

    if action is None or name is None:
        raise click.UsageError("give an action and a node, or a table with --from-sheet")
    if edits is None:
        raise click.UsageError("name the edits file with --edits")
    node = tree.node(name, level=options.pop("level"))
    parts, members = options.pop("parts"), options.pop("members")
    fields: dict[str, Any] = {"action": action, "node": node.id, "to": to, **options}
    fields["into"] = [_part(tree, node.id, text) for text in parts]
    fields["members"] = [_member(tree, node.id, name) for name in members]
    if to is not None or action in ("pin", "review", "unreview"):
        fields["to"] = _target(tree, action, node.id, to)
    _append(tree, source, edits, [make_edit(fields)])


def _sheet_edits(tree: Taxonomy, source: Path, edits: Path | None, sheet: Path, record: dict[str, str]) -> None:
    from taxonomy.cli.screen import plain
    from taxonomy.english.plurals import count_of
    from taxonomy.versions.sheet import read_sheet

    found = read_sheet(sheet, tree, **record)
    names = _labels(tree)
    for decision in found.edits[:_LISTED]:
        click.echo(plain(f"line {decision.line}: {_say(decision, names)}"))
    if len(found.edits) > _LISTED:
        click.echo(f"+{len(found.edits) - _LISTED:,} more")
    if found.without_row:
        click.echo(f"{count_of(found.without_row, 'node')} without a row: left as they are")
    if found.idle_notes:
        click.echo(f"a note without a change goes nowhere: line {', '.join(map(str, found.idle_notes))}")
    if not found.edits:
        click.echo("The sheet changes nothing")
    elif edits is not None:
        _append(tree, source, edits, found.edits)
    else:
        _follow(tree, (), found.edits)
        click.echo(f"{count_of(len(found.edits), 'edit')}, all can be applied; write them with --edits FILE")


def _append(tree: Taxonomy, source: Path, edits: Path, decisions: Sequence[Edit]) -> None:
    """Append decisions that can be followed, and say so."""
    from taxonomy.cli.screen import plain
    from taxonomy.english.plurals import count_of
    from taxonomy.versions.edits_file import append_edits

    append_edits(edits, decisions, labels=_labels(tree), check=lambda before: _follow(tree, before, decisions))
    one = decisions[0]
    what = str(one) if len(decisions) == 1 else count_of(len(decisions), "edit")
    signature = ", ".join(filter(None, (one.author, one.date)))
    click.echo(plain(f"{what}: written to {edits}" + (f" ({signature})" if signature else "")))
    following = shlex.join(["apply-edits", str(source), "--edits", str(edits), "--out", str(source)])
    click.echo(plain(f"Next: value-taxonomy {following}"))


def _follow(tree: Taxonomy, before: Sequence[Edit], decisions: Sequence[Edit]) -> None:
    """See that decisions can be followed after those that stand in a file; say what they do beyond their words."""
    from taxonomy.cli.screen import plain
    from taxonomy.errors import EditsError
    from taxonomy.model.draft import Draft
    from taxonomy.versions.replay import replay_edits

    outcomes = replay_edits(Draft(tree.nodes), [*before, *decisions], tree.retired).outcomes
    for outcome in outcomes[len(before) :]:
        if outcome.status == "does not apply":
            line = f"line {outcome.edit.line} of the sheet: " if outcome.edit.line else ""
            raise EditsError(f"{line}{outcome.edit}: {outcome.reason}", remedy="nothing was written")
        if outcome.reason:
            click.echo(plain(f"{outcome.edit}: {outcome.reason}"))


def _labels(tree: Taxonomy) -> dict[str, str]:
    return {node.id: node.label for node in tree.nodes}


def _say(decision: Edit, labels: dict[str, str]) -> str:
    """Return a decision with labels in place of ids."""
    to = str(decision.to) if decision.to is not None else ""
    goal = f" to {labels.get(to, to)}" if to and decision.action not in ("review", "unreview") else ""
    members = f" of {', '.join(labels.get(id, id) for id in decision.members)}" if decision.members else ""
    note = f" ({decision.note})" if decision.note else ""
    name = labels.get(str(decision.node), str(decision.node))
    if decision.action == "new":
        return f"new {to} under {name}{members}{note}"
    return f"{decision.action} {name}{goal}{note}"


def _target(tree: Taxonomy, action: str, id: str, to: str | None) -> str | None:
    """Return the id of the node that an action leads to, or the text that it takes."""
    node = tree.node(id)
    if action == "merge" and to is not None:
        return tree.node(to, level=node.level).id
    if action in ("move", "pin") and to is not None:
        return tree.node(to, level=node.level + 1).id
    if action in ("review", "unreview"):
        return to or tree.version
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
    from taxonomy.cli.summary import fail_if_left, print_outcomes
    from taxonomy.files import updating
    from taxonomy.formats.readers import read
    from taxonomy.publishing import check_ending
    from taxonomy.versions.edits_file import read_edits
    from taxonomy.versions.replay import apply_edits

    check_ending(out)
    with updating(taxonomy, out) as check:
        tree, outcomes = apply_edits(read(taxonomy), read_edits(edits))
        check()
        tree.write(out)
    print_outcomes(outcomes, tree)
    click.echo(plain(f"Version {tree.version} written to {out}"))
    if strict:
        fail_if_left(outcomes)
