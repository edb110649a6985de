"""`extract purge`: what it deletes of an extraction, for good, and what it leaves."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")
pytest.importorskip("ijson", reason="the extra extract is not installed")

import taxonomy.extraction.audit.extraction_purge as extraction_purge
from embeddings import cache_folder
from taxonomy.errors import InputError, OutputError
from taxonomy.extraction.audit.extraction_purge import purge_extraction
from taxonomy.extraction.audit.privacy_audit import audit_extraction
from taxonomy.extraction.extraction_files import read_private
from taxonomy.labels.language_model import LanguageModel
from taxonomy.llm.answer_store import AnswerStore
from taxonomy.llm.reply import Outcome, Reply
from tests.conftest import Run
from tests.extraction.conftest import Extract
from tests.extraction.conversing import numbered, rows, said, write_conversations
from tests.kills import kill_at_each
from tests.llm_server import Server
from tests.llm_server.answers import data_of

# The word is in each conversation, and so in evidence and answers.
WORD, USER = "advise", "canary-user"


@pytest.fixture
def out(extract: Extract, server: Server, tmp_path: Path) -> Path:
    """An extraction one of whose conversations failed, and that has all private files."""
    server.fault = lambda number, request: "refusal" if "matter 4." in said(request) else None
    chats = write_conversations(tmp_path / "chats.jsonl", dict(numbered(9)), user_id=USER)
    done = extract(chats, options=("--max-failures", 1))
    assert done.returncode == 0, done.stderr
    server.fault = lambda number, request: None
    folder = tmp_path / "out"
    (folder / "private" / "sources.json").write_text(json.dumps({"paths": [str(chats)], "format": None}))
    assert not audit_extraction(folder).passed
    return folder


def stored() -> list[str]:
    with AnswerStore(cache_folder()) as store:
        return [digest for (digest,) in store._read("SELECT digest FROM replies")]


def private(out: Path) -> set[str]:
    return {path.name for path in (out / "private").iterdir()}


def content(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_what_quotes_conversations_goes(out: Path, run: Run, answers: Path) -> None:
    before = {name: (out / name).read_bytes() for name in ("mentions.parquet", "conversations.parquet")}
    ids = rows(out / "private", "ids")
    assert b"I hold fairness" in content(answers)
    done = run("extract", "purge", out, "--yes")
    assert done.returncode == 0, done.stderr
    # Screening of nine, and four questions of each of the six that are kept but for those that failed.
    assert "stored answers" in done.stdout.splitlines()[0]
    for what in ("evidence", "reasons of failures", "strings that an audit found", "paths of the conversations' files"):
        assert what in done.stdout.splitlines()[0]
    assert "mentions.parquet: the table of values" in done.stdout
    assert "private/ids.parquet: the ids of conversations and users" in done.stdout
    assert stored() == []
    # Neither in the file nor in the one beside it.
    assert b"I hold fairness" not in content(answers)
    assert private(out) == {"key", "ids.parquet", "refused.parquet", "failures.parquet", "screened.parquet"}
    assert {name: (out / name).read_bytes() for name in before} == before
    assert rows(out / "private", "ids") == ids
    failures = rows(out / "private", "failures")
    assert failures
    assert {row["reason"] for row in failures} == {""}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (out / "private").iterdir())
    again = run("extract", "purge", out)
    assert (again.returncode, "Deleted: 0 stored answers\n" in again.stdout) == (0, True)


def test_answers_of_others_stay(out: Path, run: Run, extract: Extract, tmp_path: Path) -> None:
    other = write_conversations(tmp_path / "other.jsonl", {"other": ["I hold thrift.", "I show calm."]})
    mine = set(stored())
    assert extract(other, out="other").returncode == 0
    theirs = set(stored()) - mine
    assert theirs
    assert run("extract", "purge", out, "--yes").returncode == 0
    assert set(stored()) == theirs


def test_answers_of_earlier_runs_and_of_an_audit_go_too(
    out: Path, run: Run, extract: Extract, server: Server, tmp_path: Path
) -> None:
    chats = tmp_path / "chats.jsonl"
    fewer = tmp_path / "fewer.jsonl"
    fewer.write_text(chats.read_text(encoding="utf-8").splitlines()[0], encoding="utf-8")
    assert extract(fewer).returncode == 0
    server.answer = lambda request: {"justification": f"It says {data_of(request)['text']}.", "score": 5}
    audit_extraction(out, llm=LanguageModel("openai/third", base_url=server.url))
    assert run("extract", "purge", out, "--yes").returncode == 0
    assert stored() == []


def test_it_asks_before(out: Path, run: Run) -> None:
    before = content(out)
    done = run("extract", "purge", out, input="n\n")
    assert done.returncode == 1
    assert "Delete " in done.stdout
    assert content(out) == before
    assert stored()
    assert run("extract", "purge", out, input="y\n").returncode == 0
    assert stored() == []


def test_what_needs_evidence_afterwards_says_that_it_was_purged(out: Path, run: Run) -> None:
    assert run("extract", "purge", out, "--yes").returncode == 0
    with pytest.raises(InputError, match="the evidence of this extraction was purged; extract the values again"):
        read_private(out, "evidence", ("quote",))
    # What needs none goes on.
    done = run("extract", "audit", out, "--fix", "--min-conversations", 100)
    assert done.returncode == 0, done.stderr
    assert rows(out, "mentions") == []
    assert {row["turn"] for row in rows(out / "private", "refused") if row["reason"].startswith("privacy")} == {0}


def test_an_extraction_from_before_says_how_to_delete_by_model(out: Path, run: Run) -> None:
    (out / "private" / "answers.parquet").unlink()
    done = run("extract", "purge", out, "--yes")
    assert done.returncode == 0, done.stderr
    assert "can't be told from others" in done.stdout
    assert "value-taxonomy llm purge --model openai/fake" in done.stdout
    assert stored()
    # An audit notes none, which would pass for all.
    assert "can't be told from others" in run("extract", "purge", out, "--yes").stdout


def test_digests_are_deleted_with_their_calls(answers: Path) -> None:
    digests = [f"{number:064x}" for number in range(1_200)]
    with AnswerStore(cache_folder()) as store:
        for digest in digests:
            store.put(digest, "openai/fake", "task", Reply(Outcome.ANSWERED, text='"the heron"'))
        store.note_call(digests[0], "openai/fake", "task", 10, Reply(Outcome.ANSWERED))
        assert store.count_of(digests) == 1_200
        store.purge_digests(digests[:-1])
        assert (store.count(), store.get(digests[-1]) is not None) == ((1, 0), True)


def test_a_full_disk_is_one_error_and_the_same_again_goes_on(
    out: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise OutputError("the folder cannot be written: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(extraction_purge, "replace_files", full)
        done = run("extract", "purge", out, "--yes")
        assert (done.returncode, "No space left" in done.stderr) == (2, True)
    assert "evidence.parquet" in private(out)
    assert run("extract", "purge", out, "--yes").returncode == 0
    assert "evidence.parquet" not in private(out)


def test_killed_at_any_change_of_files_the_same_again_goes_on(out: Path, answers: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(out, tmp_path / "killed"))
    for _ in kill_at_each(lambda: purge_extraction(folder), folder):
        assert purge_extraction(folder).answers is not None
        assert "evidence.parquet" not in private(folder)
        assert json.loads((folder / "extraction.json").read_text(encoding="utf-8"))["purged"] == {"answers": True}
        shutil.rmtree(folder)
        shutil.copytree(out, folder)


def test_no_output_tells_a_secret(out: Path, run: Run) -> None:
    done = run("extract", "purge", out, "--yes", "--debug")
    assert done.returncode == 0, done.stderr
    told = done.stdout + done.stderr
    key = (out / "private" / "key").read_text(encoding="utf-8").strip()
    assert [secret for secret in (WORD, USER, key, "I hold", "matter 4") if secret in told.casefold()] == []


@pytest.mark.parametrize("name", ["answers.parquet", "failures.parquet"])
def test_a_damaged_table_is_one_line(out: Path, run: Run, name: str) -> None:
    (out / "private" / name).write_bytes(b"PAR1 and no more")
    done = run("extract", "purge", out, "--yes")
    assert (done.returncode, "the file is not Parquet" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr
    assert "evidence.parquet" in private(out)


def test_another_folder_is_one_line(run: Run, tmp_path: Path) -> None:
    done = run("extract", "purge", tmp_path, "--yes")
    assert (done.returncode, "this is no folder of an extraction" in done.stderr) == (2, True)
