"""The life of a taxonomy on the fixture: built, edited, built again, compared, migrated, asked about new strings."""

from __future__ import annotations

import csv
import json
import random
from datetime import date
from pathlib import Path

import pytest
import rdflib
from click.testing import CliRunner
from rdflib.namespace import DCTERMS, SKOS

import taxonomy
from taxonomy.cli import main
from taxonomy.formats.markdown import escape_markdown
from taxonomy.formats.readers import READ
from taxonomy.model import Taxonomy
from taxonomy.model.draft import Draft
from taxonomy.publishing import WRITTEN
from taxonomy.values import read_values
from taxonomy.versions.diff import Diff
from taxonomy.versions.edits_file import read_edits
from taxonomy.versions.replay import replay_edits
from tests.conftest import FIXTURE
from tests.pages import Parts
from tests.skos_checks import check_graph


def command(*arguments: object, status: int = 0) -> str:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == status, done.output
    return done.stdout


def table(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader([line for line in lines if not line.startswith("#")], delimiter=delimiter))


class Sheet:
    """A table of `export --sheet`, as a person changes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open(encoding="utf-8-sig", newline="") as stream:
            self.rows = list(csv.DictReader(stream))

    def change(self, id: str, **cells: str) -> None:
        next(row for row in self.rows if row["id"] == id).update(cells)

    def add(self, **cells: str) -> None:
        self.rows.append(dict.fromkeys(self.rows[0], "") | cells)

    def save(self, delimiter: str = ",") -> None:
        with self.path.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.DictWriter(stream, list(self.rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(self.rows)


def sheet_of(tree: Path, path: Path) -> Sheet:
    command("export", tree, "--sheet", "--out", path)
    return Sheet(path)


def ever(tree: Taxonomy) -> set[str]:
    """Every id that is or was."""
    present, retired = {node.id for node in tree.nodes}, {gone.id for gone in tree.retired}
    assert not present & retired
    return present | retired


def outline(tree: Taxonomy) -> set[tuple[object, ...]]:
    """What every format that is read again keeps of a node."""
    return {(node.id, node.level, node.label, node.definition, node.parent) for node in tree.nodes}


def test_the_life_of_a_taxonomy(cache: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    header, *rows = FIXTURE.read_text(encoding="utf-8").splitlines(keepends=True)
    # A third of them, which is enough for four levels.
    rows = rows[::3]
    random.Random(5).shuffle(rows)
    new, withdrawn = rows[: len(rows) // 20], rows[len(rows) // 20 :][: len(rows) // 50]
    first_list, second_list = tmp_path / "v1.csv", tmp_path / "v2.csv"
    first_list.write_text("".join([header, *rows[len(new) :]]), encoding="utf-8")
    second_list.write_text("".join([header, *new, *rows[len(new) + len(withdrawn) :]]), encoding="utf-8")
    one, edited, two = tmp_path / "one" / "taxonomy.json", tmp_path / "edited.json", tmp_path / "two" / "taxonomy.json"

    # Build 1.0.0.
    command("build", first_list, "--id", "example-values", "--title", "Example values", "--out", one.parent)
    first = taxonomy.load(one)
    assert (first.version, first.retired) == ("1.0.0", ())

    # A spreadsheet comes back changed: a group made by hand, a value moved, a node named, defined and reviewed.
    by_hand, hand_edits = sheet_of(one, tmp_path / "sheet.csv"), tmp_path / "edits.toml"
    practical = first.node("Practical", level=3)
    large = next(group for group in first.children(practical) if len(first.children(group)) > 3)
    pair = first.children(large)[:2]
    social = max(first.children("Social"), key=lambda node: node.weight)
    lent = next(value for value in first.values(social) if len(first.children(value.parent)) > 2)
    taker = next(node for node in first.children(social) if node.id != lent.parent)
    by_hand.change(pair[0].id, parent="Care by hand", note="one idea")
    by_hand.change(pair[1].id, parent="Care by hand")
    by_hand.add(level="group", label="Care by hand", parent="Practical", note="belongs together")
    by_hand.change(lent.id, parent=taker.label)
    by_hand.change(social.id, definition="What holds people together.", reviewed="yes", note="read with kim")
    by_hand.save(delimiter=";")
    preview = command("edit", one, "--from-sheet", by_hand.path)
    assert "new Care by hand under Practical of " in preview
    assert f"define {social.label} to What holds people together. (read with kim)" in preview
    assert preview.endswith("4 edits, all can be applied; write them with --edits FILE\n")
    assert not hand_edits.exists()
    command("edit", one, "--from-sheet", by_hand.path, "--edits", hand_edits)
    assert f"# {social.label}\n" in hand_edits.read_text(encoding="utf-8")

    # Edit.
    group = max(first.children("Epistemic"), key=lambda node: len(first.values(node)))
    small, other = sorted(first.children("Practical"), key=lambda node: len(first.values(node)))[:2]
    edits = tmp_path / "edits.toml"
    moved = first.values(group)[0]
    elsewhere = first.children(other)[0]
    for arguments in (
        ("rename", group.id, "Truthfulness", "--author", "kim", "--note", "one word says it"),
        ("define", group.id, "Saying what is so, and nothing else."),
        ("move", moved.id, elsewhere.id),
        ("merge", small.id, other.id),
        ("alias", "kindness", "kindliness"),
        ("reject", "deception"),
        ("pin", "patience"),
    ):
        command("edit", one, *arguments, "--edits", edits)
    decisions = read_edits(edits)
    command("apply-edits", one, "--edits", edits, "--out", edited, "--strict")
    second = taxonomy.load(edited)
    assert second.version == "2.0.0"
    care = second.node("Care by hand", level=2)
    assert [node.id for node in second.children(care)] == [node.id for node in sorted(pair, key=lambda n: n.label)]
    assert second.node(lent.id).parent == taker.id
    assert second.node(social.id).reviewed
    assert all(node.reviewed for node in second.values(social) if not node.history)
    assert ever(first) <= ever(second)
    assert second.retired_node(small.id).replaced_by == (other.id,)

    # Build again with 5% new and 2% withdrawn strings.
    said = command(
        "build", second_list, "--previous", edited, "--edits", edits, "--out", two.parent, "--absent", "retire"
    )
    assert "does not apply" not in said
    third = taxonomy.load(two)
    assert (third.version, third.id, third.title) == ("3.0.0", "example-values", "Example values")
    assert ever(second) <= ever(third)
    assert {outcome.status for outcome in replay_edits(Draft(third.nodes), decisions, third.retired).outcomes} == {
        "in place"
    }
    assert third.node(group.id).label == "Truthfulness"
    assert third.node("kindliness").label == "kindness"
    assert third.node(moved.id).parent == elsewhere.id
    given = read_values(second_list)
    strings = {spelling for value in given.values for spelling in (value.label, *value.aliases)}
    held = {spelling for node in third.leaves for spelling in (node.label, *node.aliases)}
    assert strings - held == {"deception"}
    assert "deception" in {row["value"] for row in table(two.parent / "rejected.csv")}
    gone = {node.id for node in second.leaves} - {node.id for node in third.leaves}
    assert gone <= {node.id for node in second.leaves if node.label not in strings}

    # What changed.
    diff = Diff.between(second, third)
    assert diff.apply(second) == third
    assert command("diff", edited, two, "--fail-on", "major", status=1).startswith("2.0.0 -> 3.0.0: ")

    # Export to each format, and back where it can be read.
    for suffix in WRITTEN:
        command("export", two, "--out", tmp_path / f"out{suffix}")
        assert (tmp_path / f"out{suffix}").stat().st_size > 0
    for suffix in READ:
        command("import", tmp_path / f"out{suffix}", "--out", tmp_path / f"back{suffix}.json")
        back = taxonomy.load(tmp_path / f"back{suffix}.json")
        assert outline(back) == outline(third)
        if suffix != ".csv":
            assert (back.version, back.id, ever(back)) == (third.version, third.id, ever(third))
            assert {(n.id, n.aliases, n.weight) for n in back.nodes} == {
                (n.id, n.aliases, n.weight) for n in third.nodes
            }
        if suffix == ".json":
            assert back == third

    # Move a downstream table of ids over.
    command("migrate", one, two, "--out", tmp_path / "map.tsv")
    migrated = {row["subject_id"]: row["object_id"] for row in table(tmp_path / "map.tsv", "\t")}
    present = {node.id for node in third.nodes}
    assert set(migrated) == {node.id for node in first.nodes}
    assert set(migrated.values()) <= present | {"sssom:NoTermFound"}
    assert migrated[small.id] == other.id
    assert {id for id, now in migrated.items() if now == "sssom:NoTermFound"} <= {
        node.id for node in first.leaves if node.label not in held
    }

    # The trail: in JSON, SKOS, the page, the change log, and what is still to be reviewed.
    renamed = third.node(group.id).history[0]
    assert (renamed.action, renamed.to, renamed.note) == ("rename", "Truthfulness", "one word says it")
    assert (renamed.author, renamed.date, renamed.version) == ("kim", "2026-01-31", "2.0.0")
    assert [decision.action for decision in third.retired_node(small.id).history] == ["merge"]
    assert [decision.action for decision in third.node(other.id).history] == ["merge"]
    assert [decision.note for decision in third.node(pair[0].id).history] == ["belongs together; one idea"]
    assert third.to_json().count("2026-01-31") == sum(len(entry.history) for entry in (*third.nodes, *third.retired))
    graph = rdflib.Graph().parse(tmp_path / "out.ttl")
    concept = next(graph.subjects(SKOS.notation, rdflib.Literal(group.id)))
    assert set(map(str, graph.objects(concept, SKOS.editorialNote))) == {"one word says it (kim, 2026-01-31)"}
    assert "2.0.0: renamed to Truthfulness (kim, 2026-01-31)" in set(map(str, graph.objects(concept, SKOS.changeNote)))
    assert graph.value(concept, DCTERMS.modified) == rdflib.Literal(date(2026, 1, 31))
    # A part of it: checking takes time with the square of what there is.
    third.subtree(group.id).write(tmp_path / "part.ttl")
    check_graph(rdflib.Graph().parse(tmp_path / "part.ttl"), caplog)
    command("explore", two, "--no-vectors", "--out", tmp_path / "page.html")
    columns = Parts((tmp_path / "page.html").read_text(encoding="utf-8")).data["nodes"]
    shown = columns["history"][str(columns["id"].index(group.id))]
    assert ["2.0.0", "renamed to Truthfulness", "one word says it", "kim, 2026-01-31"] in shown
    diff, log = Diff.between(first, third), command("diff", one, two, "--changelog")
    lines = [line for line in log.splitlines() if line.startswith("- ")]
    assert len(lines) == len({(change.kind, change.id) for change in diff.listed})
    assert all(line.endswith("]") and " [by " in line.replace(" [not reviewed]", "") for line in lines)
    (line,) = [line for line in lines if line.startswith("- Renamed: ") and group.id in line]
    assert line.endswith(f"[not reviewed] [by edit: {escape_markdown('one word says it (kim, 2026-01-31)')}]")
    left = {(change.kind, change.id) for change in diff.listed if diff.lacks_review(change)}
    assert log.count(" [not reviewed] [by ") == len(left) > 0
    (tmp_path / "ignored.toml").write_text(
        '[[ignore]]\ncode = "not-reviewed"\nnode = "' + care.id + '"\nreason = "next week"\n', encoding="utf-8"
    )
    ignoring = ("--no-vectors", "--ignore", tmp_path / "ignored.toml", "--json")
    found = json.loads(command("lint", two, *ignoring))
    assert found["ignored"] == 1
    unread = {finding["node"] for finding in found["findings"] if finding["code"] == "not-reviewed"}
    assert group.id in unread
    assert not unread & {care.id, social.id}
    weights = [finding["weight"] for finding in found["findings"]]
    assert weights == sorted(weights, reverse=True)

    # Ask about fresh strings, and take them in.
    (tmp_path / "fresh.txt").write_text("truthful speech\nkindliness\npatience\n", encoding="utf-8")
    command(
        "assign",
        tmp_path / "fresh.txt",
        "--taxonomy",
        two,
        "--out",
        tmp_path / "placed.csv",
        "--update",
        tmp_path / "4.json",
    )
    placed = {row["value"]: row for row in table(tmp_path / "placed.csv")}
    assert [placed[text]["status"] for text in placed] == ["placed", "alias", "value"]
    fourth = taxonomy.load(tmp_path / "4.json")
    assert fourth.version == "3.1.0"
    assert ever(third) < ever(fourth)
    assert fourth.node("truthful speech").parent == placed["truthful speech"]["id"]
