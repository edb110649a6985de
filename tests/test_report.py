"""The report: everything that can be asked, as a page that runs nothing, with no id and nothing rare in it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from taxonomy.cli import main
from taxonomy.model import Taxonomy
from taxonomy.report.parts import Chart, Row
from taxonomy.report.rendering import draw
from taxonomy.report.sections import QUESTIONS
from tests.trees import make_tree

SCRIPT = "<script>alert('x')</script>"
VALUES = ["honesty", "candour", "care", "thrift", SCRIPT, "rare one", "dominance", "patience"]
TASKS = ["code", "advice | [x](javascript:1)", "essay"]
TYPES = ["strong support", "mild support", "reframing", "strong resistance", "no values"]


def save_tree(path: Path) -> Path:
    tree = make_tree(
        VALUES, [0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 1, 1], names=[["A", "B", "C", "D"], ["Epistemic", "Practical"]]
    )
    fields = {"id": tree.id, "title": f"Tree {SCRIPT}", "weight_unit": tree.weight_unit}
    Taxonomy.from_nodes(tree.nodes, **fields).write(path)
    return path


def save_records(folder: Path, n: int = 1200, **columns: object) -> Path:
    """Invent records in which every question has an answer."""
    folder.mkdir()
    mentions, rows = [], []
    for i in range(n):
        name = f"conv-{i:05}"
        task, model = TASKS[i % 3], ["one", "two"][i // 3 % 2]
        said = {VALUES[i % 4], VALUES[(i // 4) % 4], *([SCRIPT] if i % 3 == 1 else ["patience"])}
        if i % 150 == 7:
            said.add("rare one")
        if model == "two" and i % 5 == 0:
            said.add("dominance")
        for value in sorted(said):
            mentions.append({"conversation_id": name, "side": "ai", "value": value, "explicit": i % 4 == 0})
        if i % 2 == 0:
            mentions.append({"conversation_id": name, "side": "human", "value": VALUES[i // 2 % 4], "explicit": True})
        rows.append(
            {
                "conversation_id": name,
                "response_type": TYPES[i % 5],
                "task": task,
                "model": model,
                "user_id": f"user-{i % 90:02}",
                "timestamp": f"2025-01-{1 + i * 28 // n:02}T08:00:00",
                **columns,
            }
        )
    pd.DataFrame(mentions).to_parquet(folder / "m.parquet")
    pd.DataFrame(rows).to_parquet(folder / "c.parquet")
    return folder


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    records = save_records(folder / "records", **{"../../odd column": "x"})
    (folder / "records" / "more.csv").write_text(
        "conversation_id,side,value,explicit\nconv-00000,robot,honesty,true\nconv-00001,ai,honesty,true\n"
    )
    done = invoke(
        *(records, "--taxonomy", save_tree(folder / "tree.json"), "--out", folder / "report.html"),
        *("--markdown", "--watch", "dominance"),
    )
    assert done.exit_code == 0, done.output
    (folder / "said.txt").write_text(done.output)
    return folder


class Page(HTMLParser):
    """What a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def page(made: Path) -> Page:
    return Page((made / "report.html").read_text(encoding="utf-8"))


def test_every_question_is_answered(made: Path, page: Page) -> None:
    assert page.tags.count("section") == len(QUESTIONS) + 1
    text = " ".join(page.words)
    markdown = (made / "report.md").read_text(encoding="utf-8")
    for title in QUESTIONS:
        assert title in text
        assert f"## {title}" in markdown
    assert "Left out" not in (made / "said.txt").read_text()
    assert f"{len(QUESTIONS)} questions answered" in (made / "said.txt").read_text()


def test_the_page_loads_and_runs_nothing(made: Path, page: Page) -> None:
    text = (made / "report.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not {"script", "img", "iframe", "object", "form", "link"} & set(page.tags)
    assert not {name for name in page.attributes if name.startswith("on") or name == "style"}
    assert all(re.match(r"#|\./report-tables/[\w%.-]+\.csv$", link) for link in page.links), page.links


def test_what_came_from_a_file_is_escaped(made: Path, page: Page) -> None:
    html, markdown = ((made / f"report.{end}").read_text(encoding="utf-8") for end in ("html", "md"))
    assert SCRIPT not in html
    assert SCRIPT in " ".join(page.words)
    assert SCRIPT not in markdown
    assert "[x](javascript" not in markdown
    # A bar in a label would make another column.
    for block in re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block


def test_no_file_has_ids_or_rare_values(made: Path) -> None:
    files = [made / "report.html", made / "report.md", *(made / "report-tables").glob("*.csv")]
    assert len(files) > 10
    for file in files:
        text = file.read_text(encoding="utf-8")
        for secret in ("conv-0", "user-", "rare one"):
            assert secret not in text, (file, secret)
    for file in (made / "report-tables").glob("*.parquet"):
        table = pd.read_parquet(file)
        assert not {"conversation_id", "user_id"} & set(table.columns)
        if "conversations" in table and file.stem not in ("mirroring",):
            assert (table["conversations"] >= 15).all(), file


def test_tables_stand_beside_it_in_two_formats_and_nowhere_else(made: Path) -> None:
    stems = {path.stem for path in (made / "report-tables").glob("*.csv")}
    assert stems == {path.stem for path in (made / "report-tables").glob("*.parquet")}
    assert {"frequency-ai", "frequency-human", "context-task", "context-odd-column", "drift", "anomalies"} <= stems
    assert {path.name for path in made.iterdir()} == {
        "records", "tree.json", "report.html", "report.md", "report-tables", "report-tables.private.parquet",
        "rejected.parquet", "said.txt",
    }  # fmt: skip


def test_rejected_rows_are_counted(made: Path, page: Page) -> None:
    assert "1 of mentions: side is neither ai nor human" in " ".join(" ".join(page.words).split())


def test_the_same_records_give_the_same_bytes_also_with_the_taxonomy_as_an_argument(made: Path, tmp_path: Path) -> None:
    arguments = (made / "records", made / "tree.json", "--out", tmp_path / "report.html", "--watch", "dominance")
    done = invoke(*arguments, "--quiet")
    assert done.exit_code == 0, done.output
    deprecated = "Deprecated: report RECORDS TAXONOMY; write report RECORDS --taxonomy TAXONOMY"
    assert done.stderr.splitlines()[0] == deprecated
    assert (tmp_path / "report.html").read_bytes() == (made / "report.html").read_bytes()
    for file in (made / "report-tables").glob("*.csv"):
        assert (tmp_path / "report-tables" / file.name).read_bytes() == file.read_bytes()


def test_what_cannot_be_asked_is_left_out_with_its_reason(tmp_path: Path) -> None:
    rows = [{"conversation_id": f"c{i}", "side": "ai", "value": VALUES[i % 4]} for i in range(200)]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = invoke(tmp_path / "m.jsonl", "--taxonomy", save_tree(tmp_path / "tree.json"), "--out", tmp_path / "r.html")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Questions that these records do not allow" in text
    assert "no times are known" in text
    assert "Users are not known" in text
    assert "Left out, “What changed”: column 'timestamp': no times are known" in done.output


def test_a_report_needs_a_taxonomy(made: Path, tmp_path: Path) -> None:
    done = invoke(made / "records", "--out", tmp_path / "r.html")
    assert (done.exit_code, "Missing option '--taxonomy'" in done.output) == (2, True)


def test_internal_says_so(tmp_path: Path) -> None:
    records = save_records(tmp_path / "records", 300)
    done = invoke(records, "--taxonomy", save_tree(tmp_path / "tree.json"), "--out", tmp_path / "r.html", "--internal")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Internal use only." in text
    assert "rare one" in text
    assert pd.read_parquet(tmp_path / "r-tables" / "frequency-ai.parquet")["internal"].all()
    assert "conv-0" not in text


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--out", "report.pdf"], "end the name in .html"),
        (["--out", "no/such/report.html"], "there is no folder no/such"),
        (["--out", "r.html", "--watch", "nothing"], "no node 'nothing'"),
        (["--out", "r.html", "--split-at", "soon"], "'soon' does not match"),
        (["--out", "r.html", "--principles", "no.toml"], "no.toml"),
        ([], "Missing option '--out'"),
    ],
)
def test_wrong_use_is_one_line(made: Path, arguments: list[str], problem: str) -> None:
    done = invoke(made / "records", "--taxonomy", made / "tree.json", *arguments)
    assert done.exit_code == 2
    assert problem in done.output.rstrip("\n").splitlines()[-1]


def test_a_file_in_the_place_of_the_tables_is_said_first(made: Path, tmp_path: Path) -> None:
    (tmp_path / "r-tables").write_text("a file")
    done = invoke(made / "records", "--taxonomy", made / "tree.json", "--out", tmp_path / "r.html")
    assert (done.exit_code, "r-tables: the tables need a folder of this name; choose" in done.output) == (2, True)
    assert not (tmp_path / "r.html").exists()


def test_a_folder_that_cannot_be_made(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without a question there is nothing to wait for.
    monkeypatch.setattr("taxonomy.report.answering.QUESTIONS", {})
    (tmp_path / "r-tables").symlink_to("nowhere")
    done = invoke(made / "records", "--taxonomy", made / "tree.json", "--out", tmp_path / "r.html")
    assert (done.exit_code, "cannot make the folder" in done.output) == (2, True)
    assert not (tmp_path / "r.html").exists()


def test_a_drawing_stays_within_its_width() -> None:
    rows = [Row("a", 0.2, 0.1, 0.35, mark=0.4), Row("b", 0.0, 0.0, 0.0), Row("c", 0.1, float("nan"), float("nan"))]
    for kind in ("share", "difference"):
        for one in draw(Chart("t", "of", "unit", rows, kind)):  # type: ignore[arg-type]
            for end in (one.zero, one.start, one.start + one.width, one.low, one.high, one.mark):
                assert end is None or 0 <= end <= 1000
    assert draw(Chart("t", "of", "unit", rows, "difference"))[0].figure == "+20.00"
    assert draw(Chart("t", "of", "unit", [])) == []
