"""The command line: what it writes, what it says, and that bad input costs nothing."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import taxonomy
from taxonomy.cli import main
from tests.conftest import FIXTURE, ROOT, Run, link_cache
from tests.trees import FOUR_VALUES

GOOD = '{"format": "value-taxonomy", "title": "the last good one"}'
FILES = ["frequencies.csv", "rejected.csv", "report.json", "taxonomy.csv", "taxonomy.json"]


@pytest.fixture(scope="module")
def built(example_build: Path) -> Path:
    return example_build


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# -- what a build writes ---------------------------------------------------------------------------------------


def test_a_build_folder_holds_its_files(built: Path) -> None:
    assert sorted(path.name for path in built.iterdir()) == FILES
    tree = taxonomy.load(built / "taxonomy.json")
    assert (tree.id, tree.title) == ("example-values", "Example values")


def test_taxonomy_csv_has_the_columns_of_the_published_release(built: Path) -> None:
    tree = taxonomy.load(built / "taxonomy.json")
    found = rows(built / "taxonomy.csv")
    columns = ["cluster_id", "description", "name", "level", "parent_cluster_id", "pct_total_occurrences"]
    assert list(found[0]) == columns
    assert [row["cluster_id"] for row in found] == [node.id for node in tree.nodes]
    for row, node in zip(found, tree.nodes, strict=True):
        assert (row["parent_cluster_id"], int(row["level"])) == (node.parent or "", node.level)
        assert float(row["pct_total_occurrences"]) == pytest.approx(100 * node.share)


def test_frequencies_have_the_unit_of_the_input(built: Path, run: Run, tmp_path: Path) -> None:
    tree = taxonomy.load(built / "taxonomy.json")
    found = rows(built / "frequencies.csv")
    assert list(found[0]) == ["value", "share"]
    assert {row["value"]: float(row["share"]) for row in found} == {
        node.label: node.share for node in tree.nodes if node.level == 0
    }
    (tmp_path / "v.csv").write_text("value,pct_convos\nhonesty,1.25\nkindness,0.5\n")
    assert run("build", tmp_path / "v.csv", "--out", tmp_path / "b").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "v.csv"]
    assert (tmp_path / "b" / "frequencies.csv").read_text() == "value,pct_convos\nhonesty,1.25\nkindness,0.5\n"


def test_what_is_no_value_is_in_rejected_csv(built: Path) -> None:
    source, rejected = rows(FIXTURE), rows(built / "rejected.csv")
    assert len(rejected) == 31
    for row in rejected:
        assert source[int(row["row"]) - 1]["value"] == row["value"].removeprefix("'")
        assert row["reason"]
    report = json.loads((built / "report.json").read_text())["input"]
    assert report["rows"] == len(source)
    assert report["rows"] == report["values"] + report["aliases"] + report["repeats"] + report["rejected"]


def test_a_cell_that_a_spreadsheet_would_run_is_text(run: Run, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("=cmd('calc')|x\n+honesty of purpose\nkindness\n")
    assert run("build", tmp_path / "v.txt", "--out", tmp_path / "b").returncode == 0
    for name in ("taxonomy.csv", "frequencies.csv"):
        for row in rows(tmp_path / "b" / name):
            assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


def test_standard_input(run: Run, tmp_path: Path) -> None:
    done = run("build", "-", "--out", tmp_path / "b", input="honesty\nkindness\n- Honesty\n")
    assert done.returncode == 0, done.stderr
    assert "3 rows: 2 values, 1 other spelling, 0 repeats, 0 rejected" in done.stdout
    assert taxonomy.load(tmp_path / "b" / "taxonomy.json").node("honesty").aliases == ("honesty",)


def test_quiet_says_nothing(run: Run, tmp_path: Path) -> None:
    done = run("build", "-", "--out", tmp_path / "b", "--quiet", input="honesty\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- the same bytes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environment",
    [
        {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"},
        pytest.param(
            {"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "1", "OPENBLAS_NUM_THREADS": "2"}, marks=pytest.mark.slow
        ),
    ],
    ids=["one thread", "two threads"],
)
def test_order_threads_and_hash_seed_change_no_byte(
    built: Path, run_process: Run, tmp_path: Path, environment: dict[str, str]
) -> None:
    # `built` is of as many threads as there are CPUs, and of a random hash seed.
    header, *lines = FIXTURE.read_text(encoding="utf-8").splitlines(keepends=True)
    random.Random(0).shuffle(lines)
    (tmp_path / "shuffled.csv").write_text("".join([header, *lines]), encoding="utf-8")
    options = ("--id", "example-values", "--title", "Example values", "--out", tmp_path / "build")
    assert run_process("build", tmp_path / "shuffled.csv", *options, env=environment).returncode == 0
    assert (tmp_path / "build" / "taxonomy.json").read_bytes() == (built / "taxonomy.json").read_bytes()


def test_a_cold_cache_changes_no_byte(run: Run, cache: Path, tmp_path: Path) -> None:
    cold_cache = link_cache(cache, tmp_path / "cache")
    lines = FIXTURE.read_text(encoding="utf-8").splitlines(keepends=True)[:120]
    (tmp_path / "v.csv").write_text("".join(lines), encoding="utf-8")
    for name, env in (("warm", {}), ("cold", {"VALUE_TAXONOMY_CACHE": str(cold_cache)})):
        # Without the domains there are not their many examples to embed.
        assert run("build", tmp_path / "v.csv", "--domains", "none", "--out", tmp_path / name, env=env).returncode == 0
    assert (tmp_path / "cache" / "vectors").is_dir()
    warm, cold = (tmp_path / name / "taxonomy.json" for name in ("warm", "cold"))
    assert warm.read_bytes() == cold.read_bytes()


# -- bad input -------------------------------------------------------------------------------------------------


BAD = {
    "no such file": (None, [], r"v\.csv: there is no such file"),
    "empty": (b"", [], r"v\.csv: the file is empty"),
    "header only": (b"value,count\n", [], r"v\.csv: there are no rows"),
    "no value column": (b"name,count\nhonesty,1\n", [], r"line 1, column 'value': there is no such column"),
    "not a number": (b"value,count\nhonesty,1\nkindness,lots\n", [], r"line 3, column 'count': .*'lots' is not a"),
    "negative": (b"value,count\nhonesty,-1\n", [], r"line 2, column 'count': .*negative"),
    "nan": (b"value,count\nhonesty,nan\n", [], r"line 2, column 'count': .*not a number"),
    "infinite": (b"value,count\nhonesty,inf\n", [], r"line 2, column 'count': .*infinite"),
    "undecodable": (b"value\nhonest\xff\n", [], r"line 2: byte 7 .* not UTF-8"),
    "nul": (b"value\nhon\0esty\n", [], r"line 2: byte 4 .* NUL"),
    "ragged": (b"value,count\nhonesty,1,2\n", [], r"line 2: the row has 3 cells"),
    "all rejected": (b"value\nnone\nn/a\n", [], r"no row holds a value \(2 placeholder\)"),
    "no model": (b"value\nhonesty\n", ["--model", "no/such-model"], r"'no/such-model' is not on this machine"),
    "no model name": (b"value\nhonesty\n", ["--model", "/no/such"], r"'/no/such' is neither a folder nor a model"),
    "growing levels": (b"value\nhonesty\nkindness\n", ["--levels", "6,9"], r"--levels 6,9: "),
    "too many clusters": (b"value\nhonesty\nkindness\n", ["--levels", "9,6"], r"9 clusters of 2 values"),
    "no list": (b"value\nhonesty\n", ["--levels", "many"], r"'many' is not a list of sizes"),
    "no domains": (b"value\nhonesty\n", ["--domains", "no.toml"], r"no\.toml: cannot be read"),
    "top and domains": (b"value\nhonesty\n", ["--top", "3"], r"--top .*; leave it out"),
    "unknown option": (b"value\nhonesty\n", ["--colour"], r"No such option"),
}


@pytest.mark.parametrize(("content", "options", "problem"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line_and_leaves_the_last_build(
    run: Run, tmp_path: Path, content: bytes | None, options: list[str], problem: str
) -> None:
    source, out = tmp_path / "v.csv", tmp_path / "build"
    if content is not None:
        source.write_bytes(content)
    out.mkdir()
    (out / "taxonomy.json").write_text(GOOD)
    done = run("build", source, "--out", out, *options)
    assert done.returncode == 2
    assert done.stdout == ""
    error = done.stderr.rstrip("\n").splitlines()[-1]
    assert re.match(r"Error: ", error)
    assert re.search(problem, error), error
    assert "Traceback" not in done.stderr
    if "Usage" not in done.stderr:
        assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in out.iterdir()] == ["taxonomy.json"]
    assert (out / "taxonomy.json").read_text() == GOOD


def test_json_lines_name_the_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "v.jsonl").write_text('{"value": "honesty"}\n' * 6 + '{"value": \n')
    done = run("build", tmp_path / "v.jsonl", "--out", tmp_path / "b")
    assert done.returncode == 2
    assert re.search(r"v\.jsonl, line 7: the line is not JSON", done.stderr)


def test_a_folder_as_input(run: Run, tmp_path: Path) -> None:
    done = run("build", tmp_path, "--out", tmp_path / "b")
    assert (done.returncode, "this is a folder" in done.stderr) == (2, True)


def test_an_output_folder_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("honesty\n")
    done = run("build", tmp_path / "v.txt", "--out", tmp_path / "v.txt")
    assert (done.returncode, "the folder cannot be written" in done.stderr) == (2, True)
    done = run("build", tmp_path / "v.txt", "--out", tmp_path / "v.txt" / "below")
    assert (done.returncode, "the folder cannot be written" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", [["show"], ["lint"]])
def test_a_taxonomy_that_is_none(run: Run, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "t.json").write_text('{"format": "something else"}')
    for path, problem in ((tmp_path / "t.json", "not a taxonomy"), (tmp_path / "no.json", "cannot be read")):
        done = run(*command, path)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(rf"Error: .*{problem}.*\n", done.stderr)


# -- faults in the middle --------------------------------------------------------------------------------------


def test_a_full_disk_leaves_the_last_build(small_values: Path, small_build: Path, tmp_path: Path) -> None:
    out = tmp_path / "build"
    script = """
        import resource, sys
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        from taxonomy.cli import main
        main(["build", sys.argv[1], "--levels", "30", "--out", sys.argv[2]])
    """
    out.mkdir()
    before = (small_build / "taxonomy.json").read_bytes()
    (out / "taxonomy.json").write_bytes(before)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(small_values), str(out)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "File too large" in done.stderr
    assert (out / "taxonomy.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["build"]
    assert [path.name for path in out.iterdir()] == ["taxonomy.json"]


def test_a_build_killed_while_embedding_leaves_the_last_one_and_can_be_run_again(
    run: Run, cache: Path, small_values: Path, tmp_path: Path
) -> None:
    # What is known of the model is kept, so that the first strings are asked for at once.
    out, own = tmp_path / "build", link_cache(cache, tmp_path / "cache")
    out.mkdir()
    (out / "taxonomy.json").write_text(GOOD)
    environment = {**os.environ, "VALUE_TAXONOMY_CACHE": str(own)}
    command = [sys.executable, "-m", "taxonomy.cli", "build", str(small_values), "--out", str(out)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    while not (own / "vectors").is_dir() and process.poll() is None:
        time.sleep(0.02)
    # With the process that embeds, which would go on loading its model.
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (out / "taxonomy.json").read_text() == GOOD
    done = run(
        "build", small_values, "--domains", "none", "--top", "3", "--out", out, env={"VALUE_TAXONOMY_CACHE": str(own)}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert taxonomy.load(out / "taxonomy.json").levels[-1].size == 3


# -- show and lint ---------------------------------------------------------------------------------------------


def test_show_draws_the_tree(built: Path, run: Run) -> None:
    done = run("show", built / "taxonomy.json", "--depth", 2)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "Example values 1.0.0"
    assert re.search(r"── Practical  \d+ values  \d+\.\d\d%", done.stdout)
    tree = taxonomy.load(built / "taxonomy.json")
    assert len(done.stdout.splitlines()) == 1 + sum(level.size for level in tree.levels[2:])


def test_show_a_node(built: Path, run: Run) -> None:
    done = run("show", built / "taxonomy.json", "--node", "Well Being")
    assert done.returncode == 0, done.stderr
    for part in ("well-being", "path", "Personal > ", "vt:", "aliases", "siblings", "confidence"):
        assert part in done.stdout
    done = run("show", built / "taxonomy.json", "--node", "no such value")
    assert (done.returncode, "no node 'no such value'" in done.stderr) == (2, True)


def test_what_could_steer_a_terminal_is_shown_as_text(run: Run, tmp_path: Path) -> None:
    tree = taxonomy.build(["honesty", "kindness"]).tree
    nodes = [
        node.model_copy(update={"label": "\x1b[31mred[bold]\u202e"}) if node.label == "honesty" else node
        for node in tree.nodes
    ]
    taxonomy.Taxonomy.from_nodes(nodes, id="x", weight_unit="strings").write(tmp_path / "t.json")
    done = run("show", tmp_path / "t.json", "--depth", 2)
    assert "\\x1b[31mred[bold]\\u202e" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_level_is_called_what_its_name_says(built: Path, run: Run, tmp_path: Path) -> None:
    tree = taxonomy.load(built / "taxonomy.json")
    fields = {name: getattr(tree, name) for name in ("id", "weight_unit", "provenance")}
    names = ["value", "[/]\x1b[31m", *(level.name for level in tree.levels[2:])]
    taxonomy.Taxonomy.from_nodes(tree.nodes, level_names=names, **fields).write(tmp_path / "t.json")
    done = run("show", tmp_path / "t.json", "--quality")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\n[/]\\x1b[31m " in done.stdout


def test_lint_and_its_gate(built: Path, run: Run) -> None:
    done = run("lint", built / "taxonomy.json")
    assert done.returncode == 0
    summary, _, rest = done.stdout.partition("\n\n")
    assert len(summary.splitlines()) <= 10
    counted = {line.split()[1]: int(line.split()[0]) for line in summary.splitlines()[1:]}
    assert counted["doubtful-parent"] > 100
    assert counted == Counter(line.split()[0] for line in rest.splitlines())
    assert run("lint", built / "taxonomy.json", "--fail-on", "doubtful-parent").returncode == 1
    assert run("lint", built / "taxonomy.json", "--fail-on", "weights,digest").returncode == 0
    unknown = run("lint", built / "taxonomy.json", "--fail-on", "nonsense")
    assert (unknown.returncode, "no code 'nonsense'" in unknown.stderr) == (2, True)


def test_stability_is_measured_and_written_on_the_nodes(built: Path, run: Run, tmp_path: Path) -> None:
    done = run("stability", built / "taxonomy.json", "--runs", 2, "--out", tmp_path / "t.json")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^cluster +1\.000 +0\.\d{3} +\d\d\.\d% +\d+ of \d+$", done.stdout, re.MULTILINE)
    before, after = taxonomy.load(built / "taxonomy.json"), taxonomy.load(tmp_path / "t.json")
    assert [node.id for node in after.nodes] == [node.id for node in before.nodes]
    assert {node.stability for node in after.nodes} - {None} == {0.5, 1.0}
    unstable = {node.id for node in after.nodes if node.level and node.stability == 0.5}
    found = run("lint", tmp_path / "t.json", "--no-vectors").stdout
    assert {line.split()[1] for line in found.splitlines() if line.startswith("unstable ")} == unstable


def test_stability_of_a_tree_that_does_not_say_how_it_was_built(run: Run, tmp_path: Path) -> None:
    tree = taxonomy.build(["honesty", "kindness"]).tree
    tree.model_copy(update={"provenance": type(tree.provenance)()}).write(tmp_path / "t.json")
    done = run("stability", tmp_path / "t.json")
    assert (done.returncode, "does not say how it was built" in done.stderr) == (2, True)


# -- help and documentation ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", main.list_commands(click.Context(main)))
def test_each_command_has_help_with_an_example(name: str) -> None:
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0
    assert re.search(rf"^  Example:\n    value-taxonomy {name} ", done.output, re.MULTILINE)
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert all(option.help for option in command.params if isinstance(option, click.Option) and option.name != "method")


ALONE = [
    "lint TREE --no-vectors",
    "compare TREE TREE",
    "explore TREE --out t.html --no-vectors",
    "import TREE --out new.json",
    "diff TREE TREE",
    "migrate TREE TREE --out map.tsv",
    "edit TREE pin honesty --edits new.toml",
    "apply-edits TREE --edits edits.toml --out new.json",
]


@pytest.mark.parametrize("command", ALONE, ids=lambda command: command.split()[0])
def test_a_command_needs_nothing_that_another_imported(run_process: Run, tmp_path: Path, command: str) -> None:
    FOUR_VALUES.write(tmp_path / "t.json")
    (tmp_path / "edits.toml").write_text('[[edit]]\naction = "pin"\npath = ["Social", "A", "honesty"]\n')
    done = run_process(*command.replace("TREE", "t.json").split(), cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert (done.returncode, done.stderr) == (0, "")


def test_help_imports_nothing_heavy() -> None:
    script = "import sys; from taxonomy.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    heavy = {"numpy", "torch", "pandas", "scipy", "sklearn", "pydantic", "rich", "networkx", "umap"}
    assert not heavy & set(done.stdout.splitlines()[-1].split())
