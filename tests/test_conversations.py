"""Conversations as they are read: one form whatever the format, and counts that add up."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import taxonomy
from taxonomy.extraction.conversation import Conversation, Turn
from taxonomy.extraction.conversation_set import open_conversations
from taxonomy.extraction.conversation_table import write_conversations
from taxonomy.extraction.detection import all_readers
from taxonomy.extraction.languages import detect_language
from taxonomy.extraction.messages import Message, assemble
from taxonomy.extraction.spool import Spool
from tests.conftest import ROOT, Run, examples

LETTER = "Could you help me to write a letter to my landlord?"


def asked(text: str = LETTER, answer: str = "Of course.", **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
    return {"messages": messages, **fields}


def write_lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


# -- turns -----------------------------------------------------------------------------------------------------------


def test_messages_of_one_side_are_one_turn() -> None:
    turns, system = assemble(
        [
            Message("system", "Be kind."),
            Message("human", "One."),
            Message("human", "Two.", {"images": 1}),
            Message("ai", "", {"tool calls": 1}),
            Message("other", "", {"tool results": 1}),
            Message("ai", "Three."),
            Message("system", "Be brief."),
        ]
    )
    assert turns == (
        Turn("human", "One.\n\nTwo.", {"images": 1}),
        Turn("ai", "Three.", {"tool calls": 1, "tool results": 1}),
    )
    assert system == "Be kind.\n\nBe brief."


def test_what_a_tool_returned_is_not_the_humans() -> None:
    result, both = {"tool results": 1}, {"images": 1, "tool results": 1}
    turns, _ = assemble(
        [
            Message("human", "Look it up."),
            Message("ai", "", {"tool calls": 1}),
            Message("human", "", result),
            Message("ai", "It has 6 km."),
            Message("human", "And this?", both),
        ]
    )
    assert turns == (
        Turn("human", "Look it up."),
        Turn("ai", "It has 6 km.", {"tool calls": 1, "tool results": 2}),
        Turn("human", "And this?", {"images": 1}),
    )


def test_an_empty_message_is_a_turn_and_keeps_the_others_apart() -> None:
    turns, _ = assemble([Message("human", "One."), Message("ai", "  "), Message("human", "Two.")])
    assert turns == (Turn("human", "One."), Turn("ai", ""), Turn("human", "Two."))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>Hm.\n\nWell.</think>\n\nYes.", "Yes."),
        ("\n<think>Hm.</think>Yes. <think>is a tag</think>", "Yes. <think>is a tag</think>"),
        ("<think>It was cut", ""),
    ],
)
def test_what_a_model_thinks_in_its_text_is_left_out(text: str, left: str) -> None:
    turns, _ = assemble([Message("ai", text), Message("human", text)])
    assert turns == (Turn("ai", left, {"thinking": 1}), Turn("human", text))


SIDES = st.sampled_from(["human", "ai", "other", "system"])
COUNTS = st.dictionaries(st.sampled_from(["images", "tool calls", "tool results", "thinking"]), st.integers(1, 3))


@examples(60)
@given(st.lists(st.builds(Message, SIDES, st.text("ab ", max_size=3), COUNTS)))
def test_turns_alternate_and_nothing_is_lost(messages: list[Message]) -> None:
    turns, system = assemble(messages)
    told = [message.text for message in messages if message.role == "system"]
    assert all(one.side != other.side for one, other in pairwise(turns))
    said = [message.text for message in messages if message.role in ("human", "ai")]
    assert "".join(turn.text for turn in turns).replace("\n", "").replace(" ", "") == "".join(said).replace(" ", "")
    assert system.split() == [word for text in dict.fromkeys(told) for word in text.split()]
    if turns:
        for kind in ("images", "tool results"):
            counted = [m for m in messages if m.role in ("human", "ai") or (m.role == "other")]
            assert sum(turn.left_out.get(kind, 0) for turn in turns) == sum(m.left_out.get(kind, 0) for m in counted)
    assert all("tool results" not in turn.left_out for turn in turns[:-1] if turn.side == "human")


# -- one conversation, and one only ----------------------------------------------------------------------------------


def test_counts_add_up_and_are_printed(tmp_path: Path, run: Run) -> None:
    same = asked(id="same")
    path = write_lines(
        tmp_path / "a.jsonl",
        asked(id="kept", model="model-a"),
        same,
        same,
        asked("One.", id="differs"),
        asked("Two.", id="differs"),
        asked("", "", id="nothing"),
        {"messages": 7},
    )
    with open_conversations(path) as conversations:
        assert conversations.counts == {"read": 7, "unreadable": 3, "duplicates": 1, "nothing": 1, "kept": 2}
        assert [one.conversation_id for one in conversations] == ["kept", "same"]
        assert len(conversations) == 2
    shown = run("conversations", "show", path).stdout
    for line in (
        "read             7",
        "unreadable       3",
        "duplicates       1",
        "nothing to read  1",
        "kept             2",
    ):
        assert line in shown
    assert "2: the id stands for conversations that differ (first: id differs)" in shown


def test_no_text_passes_for_two(tmp_path: Path) -> None:
    one = {"id": "a", "messages": [{"role": "user", "content": "aaib"}]}
    path = write_lines(tmp_path / "a.jsonl", one, asked("a", "b", id="a"))
    with open_conversations(path) as conversations:
        assert (conversations.counts["duplicates"], conversations.counts["unreadable"]) == (0, 2)


def test_without_an_id_the_source_and_the_text_make_one(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", asked(), asked(), asked("Another one."))
    (tmp_path / "moved").mkdir()
    moved = write_lines(tmp_path / "moved" / "a.jsonl", asked())
    other = write_lines(tmp_path / "b.jsonl", asked())
    with open_conversations(path) as conversations:
        first, second = (one.conversation_id for one in conversations)
        assert conversations.counts["duplicates"] == 1
    assert first != second
    for file, is_same in ((moved, True), (other, False)):
        with open_conversations(file) as conversations:
            assert ([one.conversation_id for one in conversations] == [first]) is is_same


def test_a_file_is_read_once_whatever_leads_to_it(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", asked())
    (tmp_path / "link.jsonl").symlink_to(path)
    with open_conversations([path, tmp_path, str(tmp_path / "*.jsonl")]) as conversations:
        assert conversations.counts["read"] == 1


def test_the_same_conversation_of_two_files_is_one(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write_lines(tmp_path / name, asked(id="one"))
    with open_conversations(tmp_path) as conversations:
        assert conversations.counts == {"read": 2, "unreadable": 0, "duplicates": 1, "nothing": 0, "kept": 1}


def test_an_archive_is_searched_and_the_rest_of_it_left_aside(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "export.zip"
    tree = {"q": {"parent": None, "message": {"author": {"role": "user"}, "content": {"parts": [LETTER]}}}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("user.json", json.dumps({"name": "kim"}))
        for number in range(2):
            export = [{"id": f"c{number}", "mapping": tree, "current_node": "q"}]
            archive.writestr(f"inner/conversations-{number}.json", json.dumps(export))
        archive.writestr("chat.html", "<p>")
    shown = run("conversations", "show", path, "--id", "c1")
    assert "chatgpt (2 files)" in shown.stdout
    assert f"left aside       {path}: user.json" in shown.stdout
    assert "conversation  c1" in shown.stdout
    assert f"1 Human\n{LETTER}" in shown.stdout


def test_a_format_can_be_named(tmp_path: Path, run: Run) -> None:
    path = write_lines(tmp_path / "a.jsonl", asked())
    with open_conversations(path, format="anthropic") as conversations:
        assert conversations.formats == {"anthropic": 1}
    refused = run("conversations", "show", path, "--format", "chatgp")
    assert refused.returncode == 2
    assert "did you mean chatgpt?" in refused.stderr
    with pytest.raises(taxonomy.InputError, match="`format` is 'chatgp'"):
        open_conversations(path, format="chatgp")


def test_readers_are_found_by_their_modules() -> None:
    folder = ROOT / "taxonomy" / "extraction" / "readers"
    assert set(all_readers()) == {path.stem for path in folder.glob("*.py")} - {"__init__"}
    golden = ROOT / "tests" / "data" / "conversations"
    plain = {"csv", "tsv", "jsonl", "parquet"}
    names = {"plain" if path.name in plain else path.name for path in golden.iterdir() if path.is_dir()}
    # What is converted is compared with what it was converted from.
    assert names | {"converted"} == set(all_readers())


def test_the_first_record_need_not_tell_the_format(tmp_path: Path) -> None:
    blocks = [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]
    told = {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": blocks}]}
    path = write_lines(tmp_path / "a.jsonl", asked(), told, told | {"id": "b"})
    with open_conversations(path) as conversations:
        assert conversations.formats == {"anthropic": 1}
        assert conversations.counts["kept"] == 3


# -- what is said of them --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Could you help me to write a letter to my landlord?", "en"),
        ("Ich möchte wissen, wie man ein gutes Brot backt.", "de"),
        ("¿Puedes ayudarme a escribir una carta a mi casero?", "es"),
        ("手紙を書くのを手伝ってください。", "ja"),
        ("मुझे अपने मकान मालिक को पत्र लिखने में मदद चाहिए", "hi"),
        ("ok", None),
        ("12 + 30 = ?", None),
        ("", None),
    ],
)
def test_the_language_is_told_or_not_known(text: str, language: str | None) -> None:
    assert detect_language(text) == language


def test_the_language_is_the_humans(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", asked(answer="Natürlich, ich helfe dir sehr gerne bei deinem Brief."))
    with open_conversations(path) as conversations:
        assert [one.language for one in conversations] == ["en"]


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("2026-01-05T08:00:00Z", datetime(2026, 1, 5, 8)),
        ("2026-01-05 09:00:00+01:00", datetime(2026, 1, 5, 8)),
        ("2026-01-05", datetime(2026, 1, 5)),
        ("Mon, 05 Jan 2026 08:00:00 +0000", datetime(2026, 1, 5, 8)),
        (1767600000, datetime(2026, 1, 5, 8)),
        ("1767600000", datetime(2026, 1, 5, 8)),
        (1767600000.5, datetime(2026, 1, 5, 8, 0, 0, 500_000)),
        (1767600000000, datetime(2026, 1, 5, 8)),
        ("1767600000000000000", datetime(2026, 1, 5, 8)),
        ("soon", None),
        (True, None),
        (1e300, None),
        ("nan", None),
        ("", None),
    ],
)
def test_times_in_the_forms_that_people_have(cell: Any, time: datetime | None, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", asked(timestamp=cell))
    with open_conversations(path) as conversations:
        assert [one.timestamp for one in conversations] == [time]


def test_contexts_of_rows_that_disagree_are_not_known(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "conversation_id,Role,content,country,team,model\n"
        "a,user,Hello there,Chile,one,model-b\na,assistant,Good morning,Chile,two,model-a\n"
    )
    with open_conversations(path) as conversations:
        (one,) = conversations
    assert (one.contexts, one.model) == ({"country": "Chile"}, "model-a + model-b")


# -- convert ---------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=20)
NAME = st.text("abcdefgh-", min_size=1, max_size=8)
LEFT_OUT = st.dictionaries(st.sampled_from(["images", "attachments"]), st.integers(1, 9)).map(
    lambda one: dict(sorted(one.items()))
)


@st.composite
def conversations_of(draw: st.DrawFn) -> Conversation:
    texts = draw(st.lists(TEXT.filter(str.strip), min_size=1, max_size=5))
    turns = tuple(
        Turn(("human", "ai")[number % 2], text, draw(LEFT_OUT))
        for number, text in enumerate(texts)
        if not text.lstrip().startswith("<think>")
    )
    return Conversation(
        conversation_id=draw(NAME),
        turns=turns or (Turn("human", "x"),),
        system=draw(TEXT.filter(lambda text: not text or text.strip())),
        model=draw(st.none() | NAME),
        user_id=draw(st.none() | NAME),
        timestamp=draw(st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1))),
        contexts=draw(st.dictionaries(st.sampled_from(["country", "team"]), NAME)),
    )


@examples(25)
@given(st.lists(conversations_of(), min_size=1, max_size=4, unique_by=lambda one: one.conversation_id))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, written: list[Conversation]) -> None:
    path = tmp_path_factory.mktemp("table") / "c.parquet"
    write_conversations(written, {name for one in written for name in one.contexts}, path)
    with open_conversations(path) as conversations:
        read = list(conversations)
        assert conversations.formats == {"converted": 1}
    # The language is found anew.
    assert [replace(one, language=None) for one in read] == written


def test_convert_writes_a_file_for_its_owner_alone(tmp_path: Path, run: Run) -> None:
    path = write_lines(tmp_path / "a.jsonl", asked(id="a", model="model-a"), {"messages": 7})
    out = tmp_path / "c.parquet"
    done = run("conversations", "convert", path, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "unreadable       1" in done.stdout
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    (row,) = pq.read_table(out).to_pylist()
    assert (row["conversation_id"], row["model"], row["language"]) == ("a", "model-a", "en")
    assert [(turn["side"], turn["text"]) for turn in row["turns"]] == [("human", LETTER), ("ai", "Of course.")]
    before = out.read_bytes()
    assert run("conversations", "convert", path, "--out", out).returncode == 0
    assert out.read_bytes() == before
    assert run("conversations", "convert", path, "--out", out, "--quiet").stdout == ""


@pytest.mark.parametrize(
    ("out", "said"),
    [("c.csv", "end the name in .parquet"), ("none/c.parquet", "there is no folder"), ("a.parquet/", "folder")],
)
def test_convert_says_where_it_can_not_write(out: str, said: str, tmp_path: Path, run: Run) -> None:
    path = write_lines(tmp_path / "a.jsonl", asked())
    (tmp_path / "a.parquet").mkdir()
    done = run("conversations", "convert", path, "--out", tmp_path / out)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_convert_leaves_what_was_there_where_nothing_can_be_read(tmp_path: Path, run: Run) -> None:
    path = write_lines(tmp_path / "a.jsonl", asked("", ""))
    out = tmp_path / "c.parquet"
    out.write_text("mine")
    done = run("conversations", "convert", path, "--out", out)
    assert done.returncode == 2
    assert "no conversation is left to write" in done.stderr
    assert out.read_text() == "mine"


# -- show ------------------------------------------------------------------------------------------------------------


def test_show_says_what_was_read_and_shows_a_conversation(tmp_path: Path, run: Run) -> None:
    picture = {"role": "user", "content": [{"type": "text", "text": LETTER}, {"type": "image_url", "image_url": {}}]}
    answer = {"role": "assistant", "content": "Of course.\n\nTo whom?", "tool_calls": [{"id": "1"}, {"id": "2"}]}
    beforehand = {"role": "system", "content": "Be kind."}
    record = {"id": "a", "model": "model-a", "created": 1767600000, "messages": [beforehand, picture, answer]}
    path = write_lines(tmp_path / "a.jsonl", record, asked(id="b"))
    shown = run("conversations", "show", path).stdout
    assert shown.splitlines() == [
        "format           openai (1 file)",
        "read             2 conversations",
        "kept             2",
        "nothing to read  0",
        "duplicates       0",
        "unreadable       0",
        "",
        "turns        2 ai, 2 human",
        "languages    en 2",
        "models       model-a 1, not known 1",
        "period       2026-01-05 to 2026-01-05",
        "system text  in 1",
        "left out     1 image, 2 tool calls",
        "",
        "conversation  a",
        "model         model-a",
        "language      en",
        "time          2026-01-05 08:00 UTC",
        "",
        "System",
        "Be kind.",
        "",
        "1 Human (left out: 1 image)",
        LETTER,
        "",
        "2 AI (left out: 2 tool calls)",
        "Of course.",
        "",
        "To whom?",
    ]
    missing = run("conversations", "show", path, "--id", "c")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "'c'" in missing.stderr


def test_nothing_that_is_said_steers_the_terminal(tmp_path: Path, run: Run) -> None:
    path = write_lines(tmp_path / "a.jsonl", asked("Hi \x1b[2J\x07 [bold]there[/bold]", id="\x1b[1m", model="\x9b31m"))
    shown = run("conversations", "show", path).stdout
    assert not set(shown) & set("\x1b\x07\x9b")
    assert "[bold]there[/bold]" in shown


def test_the_api_takes_paths_and_says_what_is_wrong(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", asked(id="a"))
    with taxonomy.open_conversations(str(path)) as conversations:
        assert conversations.find("a").turns[0].text == LETTER
        with pytest.raises(taxonomy.LookupFailedError, match="'b'"):
            conversations.find("b")
    for paths, said in ((tmp_path / "none.json", "no such file"), (7, "`paths` is an int")):
        with pytest.raises(taxonomy.InputError, match=said):
            open_conversations(paths)
    with pytest.raises(taxonomy.InputError, match="closed"):
        list(conversations)


def test_a_full_disk_is_said() -> None:
    spool = Spool()
    spool._connection.execute("PRAGMA max_page_count = 20")
    text = "x" * 100_000
    draft = taxonomy.extraction.messages.Draft([Message("human", text)], conversation_id="a")

    def fill() -> None:
        for _ in range(100):
            spool.add(draft, "a")

    with pytest.raises(taxonomy.OutputError, match="disk is full"):
        fill()
    spool.close()


def test_no_file_of_ours_is_left_with_what_was_said(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", *(asked(f"{LETTER} {number}" * 1200) for number in range(60)))
    folder = tmp_path / "tmp"
    folder.mkdir()
    script = (
        "import os, sys, taxonomy\n"
        "from taxonomy.extraction import spool\n"
        "spool._TABLES = spool._TABLES.replace('-32768', '-100')  # so that little fills the memory\n"
        "with taxonomy.open_conversations(sys.argv[1]) as conversations:\n"
        "    handles = [os.readlink(one.path) for one in os.scandir('/proc/self/fd') if os.path.islink(one.path)]\n"
        "    here = [one.endswith('(deleted)') for one in handles if one.startswith(sys.argv[2])]\n"
        "    print(len(conversations), os.listdir(sys.argv[2]), len(here) > 0 and all(here), flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    environment = {**os.environ, "SQLITE_TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(folder)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.stdout == "60 [] True\n", done.stderr
    assert os.listdir(folder) == []
