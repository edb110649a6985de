"""`extract audit`: what is found among the strings that may leave, what is shown of it, and how it is mended."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")
pytest.importorskip("ijson", reason="the extra extract is not installed")

import pyarrow.parquet as pq

import taxonomy.extraction.audit.audit_fixes as audit_fixes
from taxonomy.errors import InputError
from taxonomy.extraction.audit.audit_fixes import fix_extraction
from taxonomy.extraction.audit.privacy_audit import audit_extraction
from taxonomy.formats.readers import read
from taxonomy.labels.language_model import LanguageModel
from taxonomy.mentions.disclosure import INTERNAL, Disclosure
from tests.conftest import Run
from tests.extraction.audited import CONVERSATIONS, EMAIL, KEY, NAME, TASK, leaked, write_audited
from tests.extraction.conversing import rows
from tests.kills import kill_at_each
from tests.llm.conftest import answers as answers
from tests.llm.conftest import server as server
from tests.llm_server import Server
from tests.llm_server.answers import data_of
from tests.trees import FOUR_VALUES

WITHOUT_THRESHOLDS = ("--min-conversations", 1, "--min-users", 1)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audited(tmp_path_factory.mktemp("audited"))


@pytest.fixture
def out(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "out"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A taxonomy in which private strings are planted in each of its parts."""
    whole = json.loads(FOUR_VALUES.to_json())
    leaves = [node for node in whole["nodes"] if node["level"] == 0]
    inner = next(node for node in whole["nodes"] if node["level"] == 1)
    leaves[0]["label"] = NAME
    leaves[1]["aliases"] = [EMAIL]
    inner["definition"] = "As Lucinda Ollenshaft holds it dear."
    del whole["digest"]
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "extraction.json").read_text(encoding="utf-8"))
    return found


# -- an audit --------------------------------------------------------------------------------------------------


def test_findings_say_what_where_and_what_to_do(out: Path) -> None:
    audit = audit_extraction(out, disclosure=INTERNAL)
    assert audit.strings == {"value": 6, "task": 2, "model": 1, "language": 1}
    rows_of = audit.findings.set_index("code")
    assert set(audit.findings["kind"]) == {"pattern", "name"}
    assert Counter(audit.findings["code"]) == {"e-mail address": 1, "key or password": 1, "name": 2}
    assert rows_of.loc["e-mail address", "shown"] == "write to [e-mail address]"
    assert rows_of.loc["e-mail address", "place"] == "mentions.parquet, value"
    assert rows_of.loc["e-mail address", "remedy"] == "extract audit OUT --fix"
    assert rows_of.loc["e-mail address", "conversations"] == 1
    assert set(rows_of.loc["name", "shown"]) == {"loyalty to [name]", "praising [name]"}
    assert set(rows_of.loc["name", "place"]) == {"mentions.parquet, value", "conversations.parquet, task"}
    assert not audit.passed


def test_few_conversations_and_few_users_are_findings(out: Path) -> None:
    audit = audit_extraction(out)
    few = audit.findings[audit.findings["kind"] == "threshold"]
    assert Counter(few["place"]) == {"mentions.parquet, value": 3, "conversations.parquet, task": 1}
    assert set(few["code"]) == {"fewer than 15 conversations"}
    assert set(few["shown"]) == {"[value]", "[task]"}
    strict = audit_extraction(out, disclosure=Disclosure(min_conversations=CONVERSATIONS, min_users=8))
    assert "fewer than 8 users" in set(strict.findings["code"])
    assert (
        audit_extraction(out, disclosure=Disclosure(CONVERSATIONS + 1, 1)).findings["kind"].eq("threshold").sum() == 8
    )


def test_users_count_where_they_are_known(out: Path) -> None:
    table = pq.read_table(out / "conversations.parquet")
    place = table.column_names.index("user_id")
    import pyarrow as pa

    unknown = pa.array([None] * len(table), pa.string())
    pq.write_table(table.set_column(place, table.schema.field("user_id"), unknown), out / "conversations.parquet")
    audit = audit_extraction(out, disclosure=Disclosure(min_conversations=2, min_users=1_000))
    assert set(audit.findings.loc[audit.findings["kind"] == "threshold", "code"]) == {"fewer than 2 conversations"}


def test_the_strings_in_full_are_private(out: Path) -> None:
    audit = audit_extraction(out)
    path = out / "private" / "audit.parquet"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = rows(out / "private", "audit")
    assert {row["text"] for row in kept} == {EMAIL, KEY, NAME, TASK}
    assert [row["finding"] for row in kept] == list(audit.findings.index)
    assert leaked(repr(audit) + audit.to_json() + audit.findings.to_string()) == []


def test_the_command_says_where_and_exits_with_1(out: Path, run: Run) -> None:
    done = run("extract", "audit", out)
    assert done.returncode == 1, done.stderr
    assert "Looked at 6 values, 2 tasks, 1 model, 1 language" in done.stdout
    assert "write to [e-mail address]" in done.stdout
    assert "mentions.parquet, value: 3 of fewer than 15 conversations; extract audit OUT --fix" in done.stdout
    assert "8 findings, in full in" in done.stdout
    quiet = run("extract", "audit", out, "--quiet")
    assert (quiet.returncode, quiet.stdout) == (1, "")


def test_nothing_found_is_exit_status_0(out: Path, run: Run) -> None:
    assert run("extract", "audit", out, "--fix").returncode == 0
    done = run("extract", "audit", out)
    assert (done.returncode, "Nothing was found" in done.stdout) == (0, True)


def test_a_taxonomy_is_looked_at_and_left_as_it_is(out: Path, tree: Path, run: Run) -> None:
    before = tree.read_bytes()
    done = run("extract", "audit", out, "--taxonomy", tree, "--fix", "--json", *WITHOUT_THRESHOLDS)
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    assert {"label", "definition", "alias"} <= set(said["strings"])
    of_nodes = {row["code"]: row for row in said["findings"] if row["place"].startswith("node ")}
    remedies = {row["remedy"].rsplit(" ", 1)[0] for row in said["findings"] if row["place"].startswith("node ")}
    assert {"edit reject", "edit define", "build anew without it, or edit reject"} <= remedies
    assert of_nodes["e-mail address"]["shown"] == "write to [e-mail address]"
    assert tree.read_bytes() == before
    # What is left is in the taxonomy.
    again = json.loads(run("extract", "audit", out, "--taxonomy", tree, "--json", *WITHOUT_THRESHOLDS).stdout)
    assert {row["place"][:5] for row in again["findings"]} == {"node "}


def test_a_taxonomy_alone_cant_vouch_for_itself(out: Path, tree: Path) -> None:
    audit = audit_extraction(out, taxonomy=read(tree), disclosure=INTERNAL)
    of_nodes = audit.findings[audit.findings["place"].str.startswith("node ")]
    assert {"loyalty to [name]", "As [name] holds it dear."} <= set(of_nodes["shown"])


# -- fixing ----------------------------------------------------------------------------------------------------


def check_counts(out: Path, was: dict[str, Any]) -> None:
    said = summary(out)
    mentions, conversations = rows(out, "mentions"), rows(out, "conversations")
    assert said["values"] == {
        "ai": sum(row["side"] == "ai" for row in mentions),
        "ai_explicit": sum(row["side"] == "ai" and row["explicit"] for row in mentions),
        "human": sum(row["side"] == "human" for row in mentions),
    }
    refused = rows(out / "private", "refused")
    assert said["refused"] == Counter(row["reason"] for row in refused)
    named = was["values"]["ai"] + was["values"]["human"] + sum(was["refused"].values())
    assert len(mentions) + len(refused) == named
    assert said["counts"]["extracted"] == len(conversations)
    without = {row["conversation_id"] for row in conversations} - {row["conversation_id"] for row in mentions}
    assert said["counts"]["without_values"] == len(without)
    key = ("conversation_id", "side", "value")
    evidence = {tuple(row[name] for name in key) for row in rows(out / "private", "evidence")}
    assert evidence == {tuple(row[name] for name in key) for row in mentions}


def test_fixing_moves_values_and_empties_tasks(out: Path, run: Run) -> None:
    was = summary(out)
    metadata = {path: pq.read_schema(path).metadata for path in out.rglob("*.parquet")}
    done = run("extract", "audit", out, "--fix", *WITHOUT_THRESHOLDS)
    assert done.returncode == 0, done.stderr
    assert "Refused: 1 mention (privacy: e-mail address)" in done.stdout
    assert "Emptied: 1 task" in done.stdout
    refused = {row["value"]: row for row in rows(out / "private", "refused")}
    assert {value: row["reason"] for value, row in refused.items()} == {
        EMAIL: "privacy: e-mail address",
        KEY: "privacy: key or password",
        NAME: "privacy: name",
    }
    assert {row["turn"] for row in refused.values()} == {2}
    assert Counter(row["task"] for row in rows(out, "conversations")) == {"giving advice": CONVERSATIONS - 1, None: 1}
    assert summary(out)["emptied"] == {"task": 1}
    check_counts(out, was)
    for path, known in metadata.items():
        assert pq.read_schema(path).metadata == known
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert audit_extraction(out, disclosure=INTERNAL).passed
    again = run("mentions", "count", out, "--side", "both", "--internal", "--out", out / "counts.csv")
    assert again.returncode == 0, again.stderr


def test_a_second_audit_with_thresholds_finds_nothing(out: Path) -> None:
    was = summary(out)
    fixed = fix_extraction(out, audit_extraction(out))
    assert sum(fixed.refused.values()) == 3
    check_counts(out, was)
    audit = audit_extraction(out)
    assert audit.passed
    unchanged = (out / "mentions.parquet").read_bytes()
    assert fix_extraction(out, audit).refused == {}
    assert (out / "mentions.parquet").read_bytes() == unchanged


@pytest.mark.parametrize("writes", [0, 1])
def test_a_full_disk_leaves_it_whole_and_the_same_again_goes_on(
    out: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """Cut short before the first of both parts of the folder, and between them."""
    was = summary(out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    replace = audit_fixes.replace_files
    left = writes

    def full(*arguments: Any, **options: Any) -> None:
        nonlocal left
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left -= 1
        replace(*arguments, **options)

    audit = audit_extraction(out)
    with monkeypatch.context() as patch:
        patch.setattr(audit_fixes, "replace_files", full)
        with pytest.raises(OSError, match="No space"):
            fix_extraction(out, audit)
    for name in ("mentions.parquet", "conversations.parquet", "extraction.json"):
        assert (out / name).read_bytes() == before[out / name]
    fix_extraction(out, audit_extraction(out))
    check_counts(out, was)
    assert audit_extraction(out).passed


def test_killed_at_any_change_of_files_the_same_again_goes_on(out: Path, tmp_path: Path) -> None:
    was = summary(out)
    folder = Path(shutil.copytree(out, tmp_path / "killed"))
    audit = audit_extraction(folder)
    for _ in kill_at_each(lambda: fix_extraction(folder, audit), folder):
        fix_extraction(folder, audit_extraction(folder))
        check_counts(folder, was)
        assert sum(summary(folder)["refused"].values()) == sum(was["refused"].values()) + 3
        shutil.rmtree(folder)
        shutil.copytree(out, folder)


# -- a model ---------------------------------------------------------------------------------------------------


@pytest.fixture
def ask(run: Run, server: Server, answers: Path, out: Path) -> Callable[..., Any]:
    """Audit with a model that scores what has "fair" in it 2, and all else 5."""

    def score(request: dict[str, Any]) -> dict[str, Any]:
        text = data_of(request)["text"]
        return {"justification": f"It says {text}.", "score": 2 if "fair" in text else 5}

    server.answer = score

    def asked(*options: object) -> Any:
        where = ("--llm", "openai/fake", "--llm-base-url", server.url, "--retries", 0)
        return run("extract", "audit", out, *where, *options)

    return asked


def test_a_model_scores_each_string_once(ask: Callable[..., Any], out: Path, server: Server) -> None:
    done = ask("--json", *WITHOUT_THRESHOLDS)
    assert done.returncode == 1, done.stderr
    texts = [data_of(request)["text"] for request in server.requests]
    # What has a pattern goes nowhere.
    assert sorted(texts) == sorted(
        {"care", "fairness", "honesty", NAME, TASK, "giving advice", "gpt-4o-20241120", "en"}
    )
    said = json.loads(done.stdout)
    assert said["asked"] == len(texts)
    (low,) = [row for row in said["findings"] if row["kind"] == "model"]
    assert (low["code"], low["shown"]) == ("score 2", "[value]")
    kept = {row["text"]: row["justification"] for row in rows(out / "private", "audit") if row["kind"] == "model"}
    assert kept == {"fairness": "It says fairness."}
    # The justification comes first.
    form = json.dumps(server.requests[0])
    assert form.index("justification") < form.index('"score"')
    before = len(server.requests)
    assert ask(*WITHOUT_THRESHOLDS).returncode == 1
    assert len(server.requests) == before


def test_a_dry_run_asks_nothing(ask: Callable[..., Any], out: Path, server: Server) -> None:
    done = ask("--dry-run")
    assert (done.returncode, server.requests) == (0, [])
    assert "8 calls to make" in done.stdout
    assert not (out / "private" / "audit.parquet").exists()


def test_a_string_without_an_answer_never_passes(ask: Callable[..., Any], out: Path, server: Server) -> None:
    server.fault = lambda number, request: "refusal" if data_of(request)["text"] == "care" else None
    options = (*WITHOUT_THRESHOLDS, "--fix")
    done = ask(*options)
    assert done.returncode == 1
    assert "1 failure, more than --max-failures 0" in done.stderr
    assert "it is not known whether they pass: 1 refused" in done.stdout
    done = ask(*options, "--max-failures", 1)
    assert done.returncode == 0, done.stderr
    audit = audit_extraction(out, llm=LanguageModel("openai/fake", base_url=server.url), disclosure=INTERNAL)
    assert (len(audit.findings), audit.unanswered, audit.passed) == (0, {"refused": 1}, False)


def test_an_answer_out_of_form_is_no_answer(ask: Callable[..., Any], server: Server) -> None:
    server.answer = lambda request: {"justification": "", "score": 9}
    done = ask("--json", "--max-failures", "100%", *WITHOUT_THRESHOLDS)
    assert json.loads(done.stdout)["unanswered"] == {"malformed": 8}


def test_options_of_a_model_go_with_one(run: Run, out: Path) -> None:
    done = run("extract", "audit", out, "--dry-run")
    assert (done.returncode, "--dry-run goes with --llm" in done.stderr) == (2, True)


# -- secrets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("--json",), WITHOUT_THRESHOLDS, ("--fix",), ("--debug",)])
def test_no_output_tells_a_secret(
    ask: Callable[..., Any],
    run: Run,
    out: Path,
    tree: Path,
    caplog: pytest.LogCaptureFixture,
    options: tuple[object, ...],
) -> None:
    caplog.set_level(logging.DEBUG, logger="")
    for done in (run("extract", "audit", out, "--taxonomy", tree, *options), ask("--taxonomy", tree, *options)):
        assert leaked(done.stdout + done.stderr) == []
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("taxonomy")]
    assert leaked("".join(ours)) == []


def test_no_error_tells_a_secret(ask: Callable[..., Any], server: Server) -> None:
    server.fault = lambda number, request: "401"
    done = ask("--debug")
    assert (done.returncode, "Traceback" in done.stderr) == (2, True)
    assert leaked(done.stdout + done.stderr) == []


# -- bad input -------------------------------------------------------------------------------------------------


def damage(out: Path) -> None:
    (out / "mentions.parquet").write_bytes(b"PAR1 and no more")


@pytest.mark.parametrize(
    ("spoil", "options", "problem"),
    [
        (shutil.rmtree, (), "this is no folder of an extraction"),
        (damage, (), "the file is not Parquet"),
        (lambda out: (out / "conversations.parquet").unlink(), (), "there is no such file"),
        (lambda out: None, ("--taxonomy", "none.json"), "none.json"),
        (lambda out: None, ("--min-users", "0"), "--min-users"),
    ],
)
def test_bad_input_is_one_line(
    run: Run, out: Path, spoil: Callable[[Path], None], options: tuple[str, ...], problem: str
) -> None:
    spoil(out)
    done = run("extract", "audit", out, *options)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert leaked(done.stdout + done.stderr) == []


def test_another_folder_is_an_error_in_python(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder of an extraction"):
        audit_extraction(tmp_path)
