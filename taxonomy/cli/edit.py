"""`value-taxonomy edit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from taxonomy.model import Taxonomy

ACTIONS = ("rename", "define", "move", "merge", "split", "pin", "alias", "reject", "new")


@click.command()
@click.argument("taxonomy", type=click.Path(path_type=Path))
@click.argument("action", type=click.Choice(ACTIONS))
@click.argument("node")
@click.argument("to", required=False)
@click.option("--edits", required=True, type=click.Path(path_type=Path), help="The edits file to append to.")
@click.option("--part", "parts", multiple=True, metavar="LABEL=CHILD,...", help="A part that split makes; repeat it.")
@click.option("--member", "members", multiple=True, metavar="NODE", help="A child of a new node; repeat it.")
@click.option("--level", type=int, help="Look for NODE on this level only.")
@click.option("--note", default="", help="Why.")
@click.option("--author", default="", help="Who.")
@click.option("--date", default="", help="When.")
def edit(
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
    """Append one decision on NODE of TAXONOMY to an edits file, if it can be followed.

    NODE is an id, a label or an alias; of new, the parent. TO is the label (rename, new), the definition (define), the
    other spelling (alias), the parent (move), or the node that goes on (merge).

    \b
    Example:
      value-taxonomy edit build/taxonomy.json rename "Honesty and truthfulness" "Honesty" --edits edits.toml
      value-taxonomy edit build/taxonomy.json move "truth" "Open-mindedness" --edits edits.toml --note "not a habit"
    """
    from pydantic import ValidationError

    from taxonomy.cli.reading import read_tree
    from taxonomy.cli.screen import plain
    from taxonomy.errors import EditsError
    from taxonomy.model.draft import Draft
    from taxonomy.versions.edits import Edit, append_edit, read_edits
    from taxonomy.versions.replay import replay_edits

    tree = read_tree(taxonomy)
    fields: dict[str, Any] = {"action": action, "node": tree.node(node, level=level).id, "to": to, **record}
    fields["into"] = [_part(tree, fields["node"], text) for text in parts]
    fields["members"] = [_member(tree, fields["node"], name) for name in members]
    if to is not None or action == "pin":
        fields["to"] = _target(tree, action, fields["node"], to)
    before = read_edits(edits) if edits.exists() else ()
    try:
        decision = Edit.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise EditsError(problem, remedy="see value-taxonomy edit --help") from error
    outcome = replay_edits(Draft(tree.nodes), [*before, decision], tree.retired).outcomes[-1]
    if outcome.status == "does not apply":
        raise EditsError(f"{decision}: {outcome.reason}", remedy="nothing was written")
    append_edit(edits, decision)
    click.echo(f"{plain(str(decision))}: written to {edits}")
    click.echo(f"Next: value-taxonomy apply-edits {taxonomy} --edits {edits} --out {taxonomy}")


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
