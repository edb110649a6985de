"""What real files do: conversations that others would lose, or take for somebody's."""

from __future__ import annotations

import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import taxonomy
from taxonomy.extraction.conversation import Conversation, Turn
from taxonomy.extraction.conversation_set import Conversations, open_conversations
from taxonomy.extraction.messages import Message, assemble
from tests.conftest import Run


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any, **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **fields}


def write(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def read(path: Path) -> tuple[list[Conversation], Conversations]:
    with open_conversations(path) as conversations:
        return list(conversations), conversations


def said(conversation: Conversation) -> list[tuple[str, str]]:
    return [(turn.side, turn.text) for turn in conversation.turns]


# -- calls of one conversation ---------------------------------------------------------------------------------------


def span(sent: list[Any], answer: str, start: int, name: str = "a") -> dict[str, Any]:
    messages = [{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in sent]
    answered = [{"role": "assistant", "parts": [{"type": "text", "content": answer}]}]
    return {
        "context": {"trace_id": f"t{start}"},
        "start_time": f"2026-01-05T08:00:{start:02}Z",
        "end_time": f"2026-01-05T08:00:{start + 1:02}Z",
        "attributes": {
            "gen_ai.operation.name": "chat",
            "gen_ai.conversation.id": name,
            "gen_ai.input.messages": messages,
            "gen_ai.output.messages": answered,
        },
    }


TRIP = [("user", "Plan my trip"), ("assistant", "Where to?"), ("user", "To the sea")]
OTHER_CALLS = "calls that do not continue their conversation"


@pytest.mark.parametrize(
    "other",
    [
        [span([("user", "Give a title for: Plan my trip")], "A trip", 3)],
        [span([("user", "You must search hotels")] + [("assistant", "I do"), ("user", "go on")] * 4, "Done", 3)],
        [span([("user", "Hotels then?")], "Two.", 8)],
    ],
    ids=["a title", "a sub-agent", "a history that was cut"],
)
def test_a_call_about_something_else_is_not_the_conversation(other: list[Any], tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", span(TRIP, "By train.", 5), *other, span(TRIP[:1], "Where to?", 1))
    (one,), conversations = read(path)
    assert said(one) == [
        ("human", "Plan my trip"),
        ("ai", "Where to?"),
        ("human", "To the sea"),
        ("ai", "By train."),
    ]
    assert conversations.ignored == {OTHER_CALLS: 1}


def test_a_span_that_can_not_be_read_takes_no_other_with_it(tmp_path: Path) -> None:
    attributes = [{"key": "gen_ai.input.messages", "value": {"stringValue": "[{oops"}}]
    bad = {"traceId": "t", "attributes": attributes}
    spans = [span(TRIP[:1], "Where?", 1), bad, {"attributes": [{"key": "k"}]}, span(TRIP[:1], "Where?", 1, "b")]
    path = write(tmp_path / "a.jsonl", {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    _, conversations = read(path)
    assert conversations.counts == {"read": 3, "unreadable": 1, "duplicates": 0, "nothing": 0, "kept": 2}


def test_a_time_before_all_others_is_one(tmp_path: Path) -> None:
    never = span(TRIP[:1], "Where to?", 1) | {"end_time": "0001-01-01T00:00:00Z"}
    (one,), _ = read(write(tmp_path / "a.jsonl", never))
    assert said(one)[1] == ("ai", "Where to?")


def test_one_answer_of_several_is_read(tmp_path: Path) -> None:
    two = span(TRIP[:1], "Where to?", 1)
    other = {"role": "assistant", "parts": [{"type": "text", "content": "No."}]}
    two["attributes"]["gen_ai.output.messages"].append(other)
    (one,), _ = read(write(tmp_path / "a.jsonl", two))
    assert said(one)[1] == ("ai", "Where to?")


def test_numbered_attributes_may_stand_in_any_order(tmp_path: Path) -> None:
    texts = {10: "Ten", 9: "Nine", 0: "Nought"}
    attributes = {f"gen_ai.prompt.{number}.content": text for number, text in texts.items()}
    roles = {f"gen_ai.prompt.{number}.role": "user" for number in texts}
    (one,), _ = read(write(tmp_path / "a.jsonl", {"context": {"trace_id": "t"}, "attributes": attributes | roles}))
    assert said(one) == [("human", "Nought\n\nNine\n\nTen")]


# -- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (
            "a.csv",
            "conversation_id,role,content\na,user,one\na,assistant,an answer, with a comma\na,user,two\nb,user,x\n",
        ),
        (
            "a.jsonl",
            '{"conversation_id":"a","role":"user","content":"one"}\n{oops\n'
            '{"conversation_id":"a","role":"user","content":"two"}\n{"conversation_id":"b","role":"user","content":"x"}\n',
        ),
    ],
)
def test_a_conversation_that_lacks_a_row_is_not_kept(file: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.write_text(content)
    kept, conversations = read(path)
    assert [one.conversation_id for one in kept] == ["b"]
    assert conversations.counts == {"read": 2, "unreadable": 1, "duplicates": 0, "nothing": 0, "kept": 1}
    ((_, (_, place)),) = conversations.rejected.items()
    assert place.endswith(("line 3", "line 2"))


def test_the_parts_of_one_table_are_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "rows.parquet"
    folder.mkdir()
    for number, (role, text) in enumerate([("user", "one"), ("assistant", "two")]):
        table = pa.table({"conversation_id": ["a"], "role": [role], "content": [text]})
        pq.write_table(table, folder / f"part-{number}.parquet")
    (one,), _ = read(folder)
    assert said(one) == [("human", "one"), ("ai", "two")]


def test_ids_as_tables_have_them(tmp_path: Path) -> None:
    for number, (ids, expected) in enumerate(
        [
            (pa.array([7]), "7"),
            (pa.array([7.0]), "7"),
            (pa.array([Decimal("7")]), "7"),
            (pa.array([b"\x00\xff"]), "00ff"),
        ]
    ):
        path = tmp_path / f"{number}.parquet"
        pq.write_table(pa.table({"conversation_id": ids, "role": ["user"], "content": ["x"]}), path)
        (one,), _ = read(path)
        assert one.conversation_id == expected
    pq.write_table(pa.table({"conversation_id": [float("nan"), 1.0], "role": ["user"] * 2, "content": ["x"] * 2}), path)
    _, conversations = read(path)
    assert conversations.rejected == {"a row has no conversation_id": (1, f"{path}, row 1")}


def test_columns_that_conversations_have_keep_what_they_say(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "conversation_id,role,content,language,system,turns,\na,user,Could you help me with it?,de,Be kind.,3,\n"
    )
    out = tmp_path / "c.parquet"
    assert run("conversations", "convert", path, "--out", out, "--quiet").returncode == 0
    (row,) = pq.read_table(out).to_pylist()
    assert (row["language"], row["stated_language"], row["stated_turns"]) == ("en", "de", "3")
    assert (row["system"], len(row["turns"])) == ("Be kind.", 1)


def test_a_column_name_that_no_file_can_hold_is_replaced(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"conversation_id": "a", "role": "user", "content": "x", "\\ud800k": "y"}\n')
    assert run("conversations", "show", path).returncode == 0
    (one,), _ = read(path)
    assert one.contexts == {"\ufffdk": "y"}


def test_a_table_of_anything_is_none_of_messages(tmp_path: Path) -> None:
    record = {"conversation_id": "a", "role": "user", "content": "x", **{f"c{number}": "y" for number in range(300)}}
    with pytest.raises(taxonomy.InputError, match="over 200 fields"):
        read(write(tmp_path / "a.jsonl", record))


# -- messages --------------------------------------------------------------------------------------------------------


def test_fields_that_a_data_frame_leaves_empty_say_nothing(tmp_path: Path) -> None:
    empty = {"role": None, "from": None, "content": None, "value": None}
    messages = [empty | {"from": "human", "value": "Hi"}, empty | {"role": "assistant", "content": "Hello"}]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": ["a"], "conversations": [messages]}), path)
    (one,), _ = read(path)
    assert said(one) == [("human", "Hi"), ("ai", "Hello")]


def test_a_long_system_text_is_kept_whole(tmp_path: Path) -> None:
    text = "Be kind. " * 200
    (one,), _ = read(write(tmp_path / "a.jsonl", {"system": text, "conversations": [{"from": "human", "value": "Hi"}]}))
    assert one.system == text


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"messages": [user("Hi")], "choices": [{"text": "Hello"}]}, ["Hi", "Hello"]),
        ({"messages": [user("Hi")], "choices": [{"finish_reason": "content_filter"}]}, ["Hi"]),
        ({"messages": [user("Hi"), assistant("Yes")], "choices": [{"message": assistant("Yes")}]}, ["Hi", "Yes"]),
        ({"params": {"temperature": 1}, "messages": [user("Hi")]}, ["Hi"]),
        (
            {"request": {"messages": [user("Hi")]}, "response": {"choices": [{"message": assistant("Yes")}]}},
            ["Hi", "Yes"],
        ),
        (
            {
                "instructions": "Be kind.",
                "input": [user([{"type": "input_text", "text": "Hi"}])],
                "output": [
                    {"type": "reasoning", "summary": []},
                    {"type": "function_call", "name": "f", "arguments": "{}"},
                    {"type": "message"} | assistant([{"type": "output_text", "text": "Yes"}]),
                ],
            },
            ["Hi", "Yes"],
        ),
        ({"messages": [{"role": "model", "parts": [{"text": "Hello"}]}]}, ["Hello"]),
    ],
)
def test_requests_with_their_answers(record: dict[str, Any], expected: list[str], tmp_path: Path) -> None:
    (one,), _ = read(write(tmp_path / "a.jsonl", record))
    assert [turn.text for turn in one.turns] == expected


def test_a_message_without_content_is_none(tmp_path: Path) -> None:
    _, conversations = read(write(tmp_path / "a.jsonl", {"messages": [{"role": "user", "text": "Hi"}]}))
    assert list(conversations.rejected) == ["a message has no content"]


def test_what_the_ai_says_in_pieces_is_one_sentence(tmp_path: Path) -> None:
    blocks = [
        {"type": "text", "text": text}
        for text in ("According to it, ", "the path is long", ". It has", " 6 km.", "Go.")
    ]
    record = {"system": "", "messages": [user("How long?"), assistant(blocks), assistant(" Now.")]}
    (one,), _ = read(write(tmp_path / "a.jsonl", record))
    assert one.turns[1].text == "According to it, the path is long. It has 6 km.\n\nGo. Now."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Okay so the user…\n</think>\n\nYes.", "Yes."),
        ("<think>a</think>\n<think>b</think>Yes.", "Yes."),
        ("Write <think> before, </think> after.", "Write <think> before, </think> after."),
    ],
)
def test_thoughts_as_templates_leave_them(text: str, left: str) -> None:
    turns, _ = assemble([Message("ai", text)])
    assert turns == (Turn("ai", left, {"thinking": 1} if text != left else {}),)


# -- Claude.ai -------------------------------------------------------------------------------------------------------


def test_the_text_of_a_message_whose_blocks_hold_none(tmp_path: Path) -> None:
    message = {"uuid": "1", "sender": "human", "text": "Hi there", "content": [{"type": "text", "text": ""}]}
    (one,), _ = read(write(tmp_path / "a.jsonl", {"uuid": "a", "chat_messages": [message]}))
    assert said(one) == [("human", "Hi there")]


def test_the_last_message_that_no_other_follows_ends_the_branch(tmp_path: Path) -> None:
    answer = {"uuid": "2", "sender": "assistant", "text": "Yes?", "parent_message_uuid": "1"}
    first = {
        "uuid": "1",
        "sender": "human",
        "text": "Hi",
        "parent_message_uuid": "00000000-0000-4000-8000-000000000000",
    }
    (one,), _ = read(write(tmp_path / "a.jsonl", {"uuid": "a", "chat_messages": [answer, first]}))
    assert said(one) == [("human", "Hi"), ("ai", "Yes?")]


def test_a_file_in_two_lists_is_one(tmp_path: Path) -> None:
    file = {"file_uuid": "f", "file_name": "plan.pdf"}
    message = {"uuid": "1", "sender": "human", "text": "Look", "files": [file], "files_v2": [file]}
    (one,), _ = read(write(tmp_path / "a.jsonl", {"uuid": "a", "chat_messages": [message]}))
    assert one.turns[0].left_out == {"attachments": 1}


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        {"conversations": [{"id": "a", "messages": [user("Hi")]}]},
        {"data": [{"id": "a", "messages": [user("Hi")]}], "version": 1},
        [[user("Hi")]],
        [[{"id": "a", "messages": [user("Hi")]}]],
    ],
)
def test_records_that_are_wrapped_are_unwrapped(content: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content, indent=1))
    (one,), conversations = read(path)
    assert (said(one), conversations.formats) == ([("human", "Hi")], {"openai": 1})


def test_what_is_in_a_format_that_is_not_known_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,speaker,text\na,user,Hi\n")
    with pytest.raises(taxonomy.InputError, match="the first has the fields id, speaker, text") as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "conversation_id, role and content" in str(caught.value)


def test_what_is_damaged_beside_conversations_is_left_aside(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", {"messages": [user("Hi")]})
    (tmp_path / "notes.csv").write_bytes("naïve,x\n".encode("latin-1"))
    (tmp_path / "b.parquet").write_bytes(b"PAR1")
    (tmp_path / "c.zip").write_bytes(b"PK")
    kept, conversations = read(tmp_path)
    assert len(kept) == 1
    assert [name.partition(" (")[0] for name in conversations.left_aside] == [
        str(tmp_path / "b.parquet"),
        str(tmp_path / "c.zip"),
        str(tmp_path / "notes.csv"),
    ]
    assert all(name.endswith(")") for name in conversations.left_aside)


def test_pictures_in_an_archive_may_be_of_any_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("blank.bmp", bytes(1 << 25))
        archive.writestr("../odd.txt", b"x")
        archive.writestr("conversations.json", json.dumps([{"messages": [user("Hi")]}]))
    kept, _ = read(path)
    assert len(kept) == 1


def test_an_empty_path_is_not_this_folder() -> None:
    with pytest.raises(taxonomy.InputError, match="path is empty"):
        read("")  # type: ignore[arg-type]
