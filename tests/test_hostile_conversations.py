"""Files that are damaged, cut short or made to harm: one line, or a counted rejection, and the rest is read."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import taxonomy
from taxonomy.extraction import json_values
from taxonomy.extraction.conversation_set import open_conversations

GOOD = {"id": "good", "messages": [{"role": "user", "content": "Is honesty a virtue?"}]}


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def said(content: Any, role: Any = "user", **fields: Any) -> bytes:
    return line(id="bad", messages=[{"role": role, "content": content, **fields}])


def chatgpt(mapping: Any, current: Any = "b", **fields: Any) -> bytes:
    return json.dumps([{"id": "bad", "mapping": mapping, "current_node": current, **fields}]).encode()


def node(parent: Any, text: Any = "hello", **message: Any) -> dict[str, Any]:
    content = {"content_type": "text", "parts": [text]}
    return {"parent": parent, "message": {"author": {"role": "user"}, "content": content, **message}, "children": []}


def claude(*messages: Any, **fields: Any) -> bytes:
    return json.dumps([{"uuid": "bad", "chat_messages": list(messages), **fields}]).encode()


def span(**attributes: Any) -> bytes:
    return line(context={"trace_id": "t"}, attributes={"gen_ai.operation.name": "chat", **attributes})


def row(**fields: Any) -> bytes:
    return line(conversation_id="a", role="user", content="x", **fields)


def turn(**fields: Any) -> bytes:
    return line(conversation_id="a", turns=[{"side": "human", "text": "x", **fields}])


def archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in members.items():
            written.writestr(name, content)
    return buffer.getvalue()


def encrypted() -> bytes:
    content = bytearray(archive({"conversations.json": json.dumps([GOOD]).encode()}))
    # The bit that says so, in both headers.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def parquet(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def broken_page() -> bytes:
    content = bytearray(
        parquet(conversation_id=["a"] * 2000, conversation=[[{"role": "user", "content": "x" * 50}]] * 2000)
    )
    content[40:400] = bytes(360)
    return bytes(content)


DEEP = b'{"messages":' + b"[" * 200_000 + b"]" * 200_000 + b"}\n"
HIDDEN = b'{"a": "' + b"]" * 200_000 + b'", "b": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
# An array with a good conversation at both ends.
BEFORE, AFTER = json.dumps([GOOD]).encode()[:-1] + b", ", b", " + line(**GOOD | {"id": "last"}) + b"]"
ROWS = b"conversation_id,role,content\n"
# Rejected, and by what reason; a good conversation before it, in the same file, is kept.
LINES = {
    "not JSON": (b"{oops\n", "not JSON"),
    "not UTF-8": (b'{"messages": "\xff"}\n', "not UTF-8"),
    "nested deeply": (DEEP, "nested too deeply"),
    "a number of 5,000 digits": (b'{"messages": ' + b"9" * 5000 + b"}\n", "not JSON"),
    "no object": (b"[1, 2]\n", "not an object"),
    "nothing": (b"null\n", "not an object"),
    "messages are text": (line(messages="hello"), "not a list"),
    "messages are numbers": (line(messages=[1, 2]), "not an object"),
    "messages are missing": (line(id="x"), "not a list"),
    "no role": (line(messages=[{"content": "x"}]), "no role"),
    "a role that is a number": (said("x", role=7), "no role"),
    "an unknown role": (said("x", role="critic"), "unknown role"),
    "content is a number": (said(7), "neither text nor a list"),
    "a part is a number": (said([7]), "neither text nor an object"),
    "a part's type is a list": (said([{"type": []}]), "type of a part"),
    "a part's text is a list": (said([{"type": "text", "text": ["x"]}]), "text of a part"),
    "tool calls are text": (said("x", role="assistant", tool_calls="x"), "tool calls are not a list"),
    "a refusal is a list": (said(None, role="assistant", refusal=["x"]), "refusal"),
    "the id is an object": (line(id={}, messages=[{"role": "user", "content": "x"}]), "id is neither"),
    "the id is endless": (line(id="x" * 10_000, messages=[{"role": "user", "content": "x"}]), "id is neither"),
}
# Files of which nothing or a part is read: what is counted.
FILES: dict[str, tuple[str, bytes, str]] = {
    "an array cut short": ("a.json", json.dumps([GOOD, GOOD]).encode()[:-30], "not JSON"),
    "an array with garbage": ("a.json", json.dumps([GOOD]).encode()[:-1] + b", x]", "not JSON"),
    "an array of deep lists": ("a.json", BEFORE + DEEP + AFTER, "nested too deeply"),
    "deep lists behind brackets in a text": ("a.json", BEFORE + HIDDEN + AFTER, "nested too deeply"),
    "a value of many parts": ("a.json", BEFORE + b"[" + b"0," * json_values.MOST_PARTS + b"0]" + AFTER, "parts"),
    "an array not in UTF-8": ("a.json", json.dumps([GOOD]).encode()[:-1] + b', "\xff"]', "not JSON"),
    "NaN in an array": ("a.json", BEFORE + b'{"id": NaN}' + AFTER, "NaN"),
    "a circle of parents": ("a.json", chatgpt({"a": node("b"), "b": node("a")}), "circle"),
    "its own parent": ("a.json", chatgpt({"b": node("b")}), "circle"),
    "a current node that is not there": ("a.json", chatgpt({"a": node(None)}), "not there"),
    "a parent that is not there": ("a.json", chatgpt({"b": node("a")}), "not there"),
    "a parent that is a list": ("a.json", chatgpt({"b": node(["a"])}), "parent is not an id"),
    "a current node that is a number": ("a.json", chatgpt({"b": node(None)}, 7), "not an id"),
    "two branches and no current node": (
        "a.json",
        chatgpt({"b": node(None), "c": node(None)}, None),
        "several branches",
    ),
    "a node that is text": ("a.json", chatgpt({"b": "x"}), "not there"),
    "a message that is text": ("a.json", chatgpt({"b": {"parent": None, "message": "x"}}), "not an object"),
    "an author that is text": ("a.json", chatgpt({"b": node(None, author="user")}), "not an object"),
    "attachments that are text": ("a.json", chatgpt({"b": node(None, metadata={"attachments": "x"})}), "not a list"),
    "a sender that is unknown": ("a.json", claude({"uuid": "1", "sender": "x", "text": "x"}), "unknown role"),
    "messages that are numbers": ("a.json", claude(1, 2), "not an object"),
    "text that is a list": ("a.json", claude({"uuid": "1", "sender": "human", "text": ["x"]}), "not text"),
    "content that is a number": ("a.json", claude({"uuid": "1", "sender": "human", "content": 7}), "not a list"),
    "a circle of messages": (
        "a.json",
        claude({"uuid": "1", "sender": "human", "text": "x", "parent_message_uuid": "1"}),
        "circle",
    ),
    "a leaf that is not there": (
        "a.json",
        claude({"uuid": "1", "sender": "human", "parent_message_uuid": "0"}, current_leaf_message_uuid="9"),
        "not there",
    ),
    "messages of a span that are not JSON": ("a.jsonl", span(**{"gen_ai.input.messages": "[{"}), "not JSON"),
    "messages of a span nested deeply": (
        "a.jsonl",
        span(**{"gen_ai.input.messages": "[" * 100_000}),
        "not JSON",
    ),
    "an attribute of no type": ("a.jsonl", line(traceId="t", attributes=[{"key": "k", "value": 7}]), "attribute"),
    "spans that are text": ("a.jsonl", line(resourceSpans="x"), "not a list"),
    "a row without an id": ("a.csv", ROWS + b",user,hello\n", "no conversation_id"),
    "a row with a cell too few": ("a.csv", ROWS + b"a,user\nb,user,hello\n", "fewer cells"),
    "a row with an unknown role": ("a.csv", ROWS + b"a,user,hello\na,critic,hello\n", "unknown role"),
    "a turn that is no number": ("a.csv", b"conversation_id,role,content,turn\na,user,x,first\n", "no number"),
    "a column of numbers": ("a.parquet", parquet(conversation_id=["a"], conversation=[[1]]), "not an object"),
    "a turn without end": ("a.jsonl", row(turn=10**400), "no number"),
    "a turn that is nan": ("a.csv", b"conversation_id,role,content,turn\na,user,x,nan\n", "no number"),
    "a turn for some rows": ("a.csv", b"conversation_id,role,content,turn\na,user,x,1\na,user,y,\n", "no turn"),
    "a count without end": ("a.jsonl", turn(left_out={"images": 1e999}), "not counted"),
    "a count below nothing": ("a.jsonl", turn(left_out={"images": -1}), "not counted"),
    "turns without text": ("a.parquet", parquet(conversation_id=["a"], turns=[[{"side": "human"}]]), "no text"),
}
# How many conversations are lost, and kept, where it is not one and none.
LOST = {"a row with a cell too few": 2}
KEPT = {
    "an array cut short": 1,
    "an array with garbage": 1,
    "an array of deep lists": 2,
    "deep lists behind brackets in a text": 2,
    "a value of many parts": 2,
    "an array not in UTF-8": 1,
    "NaN in an array": 1,
}
# Files that are refused: one line.
REFUSED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "an empty file": ("a.json", lambda: b"", "not JSON"),
    "an empty file of lines": ("a.jsonl", lambda: b"", "no records"),
    "an array in UTF-16": ("a.json", lambda: json.dumps([GOOD]).encode("utf-16"), "UTF-16"),
    "lines in UTF-16": ("a.jsonl", lambda: line(**GOOD).decode().encode("utf-16"), "UTF-16"),
    "a picture": ("a.json", lambda: b"\x89PNG\r\n\x1a\n", "not JSON"),
    "lines of another kind": ("a.jsonl", lambda: line(name="x"), "no format"),
    "a table of other columns": ("a.csv", lambda: b"a,b\n1,2\n", "no format"),
    "a table with a column twice": ("a.csv", lambda: b"role,role\n1,2\n", "twice"),
    "an open quote": ("a.csv", lambda: ROWS + b'a,user,"hello\n', "not CSV"),
    "NUL in a table": ("a.csv", lambda: ROWS + b"a,user,\0\n", "NUL"),
    "no Parquet": ("a.parquet", lambda: b"PAR1", "not Parquet"),
    "Parquet cut short": ("a.parquet", lambda: parquet(conversation_id=["a"], conversation=["b"])[:-9], "not Parquet"),
    "a time that no calendar has": (
        "a.parquet",
        lambda: parquet(
            conversation_id=["a"], role=["user"], content=["x"], timestamp=pa.array([1 << 62], pa.timestamp("us"))
        ),
        "damaged",
    ),
    "Parquet with a broken page": ("a.parquet", broken_page, "damaged"),
    "gzip cut short": ("a.jsonl.gz", lambda: gzip.compress(line(**GOOD) * 50)[:-12], "decompressed"),
    "no gzip": ("a.jsonl.gz", lambda: b"hello", "decompressed"),
    "no zip": ("a.zip", lambda: b"PK\x03\x04", "damaged"),
    "a zip cut short": ("a.zip", lambda: archive({"a.json": json.dumps([GOOD]).encode()})[:-30], "damaged"),
    "a zip whose file is damaged": (
        "a.zip",
        lambda: archive({"a.json": b"[" + b" " * 5000 + b"]"}).replace(b"\xed", b"\xff", 1),
        "decompressed",
    ),
    "a zip that leads out": ("a.zip", lambda: archive({"../../a.json": b"[]"}), "leads out"),
    "a zip with an absolute name": ("a.zip", lambda: archive({"/etc/a.json": b"[]"}), "leads out"),
    "a zip with a name of Windows": ("a.zip", lambda: archive({"..\\a.json": b"[]"}), "leads out"),
    "a zip bomb": ("a.zip", lambda: archive({"a.json": b" " * (1 << 25)}), "times its size"),
    "an encrypted zip": ("a.zip", encrypted, "encrypted"),
    "a zip without conversations": ("a.zip", lambda: archive({"user.json": b"{}", "a.html": b"x"}), "no file holds"),
    "another suffix": ("a.docx", lambda: b"x", "suffix"),
}


def read(path: Path) -> tuple[dict[str, int], dict[str, tuple[int, str]]]:
    with open_conversations(path) as conversations:
        return dict(conversations.counts), dict(conversations.rejected)


def test_there_are_enough_cases() -> None:
    assert len(LINES) + len(FILES) + len(REFUSED) >= 40


@pytest.mark.parametrize("name", LINES)
def test_a_bad_line_is_counted_and_the_others_are_read(name: str, tmp_path: Path) -> None:
    content, reason = LINES[name]
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(**GOOD) + content + line(**GOOD | {"id": "last"}))
    counts, rejected = read(path)
    assert (counts["read"], counts["kept"], counts["unreadable"]) == (3, 2, 1)
    ((found, (count, place)),) = rejected.items()
    assert reason in found
    assert (count, place) == (1, f"{path}, line 2")


@pytest.mark.parametrize("name", FILES)
def test_what_can_not_be_read_of_a_file_is_counted(name: str, tmp_path: Path) -> None:
    file, content, reason = FILES[name]
    path = tmp_path / file
    path.write_bytes(content)
    counts, rejected = read(path)
    lost, kept = LOST.get(name, 1), KEPT.get(name, 0)
    assert (counts["read"], counts["unreadable"], counts["kept"]) == (lost + kept, lost, kept)
    ((found, _),) = rejected.items()
    assert reason in found


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_can_not_be_read_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    file, content, reason = REFUSED[name]
    path = tmp_path / file
    path.write_bytes(content())
    with pytest.raises(taxonomy.InputError, match=reason) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", ["a.json", "a.jsonl", "a.jsonl.gz"])
def test_a_value_without_end_is_not_read_whole(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (json_values, taxonomy.extraction.containers):
        monkeypatch.setattr(module, "LONGEST", 1 << 20)
    first, last = line(**GOOD), line(**GOOD | {"id": "last"})
    endless = said("x" * (1 << 22))
    content = first + endless + last if "jsonl" in file else b"[" + b",".join((first, endless, last)) + b"]"
    path = tmp_path / file
    path.write_bytes(gzip.compress(content) if file.endswith(".gz") else content)
    counts, rejected = read(path)
    assert (counts["kept"], counts["unreadable"]) == (2, 1)
    assert "longer than" in next(iter(rejected))


def test_a_field_of_another_type_says_nothing_and_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    odd = {"model": ["x"], "timestamp": "yesterday", "metadata": 7}
    path.write_bytes(line(**GOOD, **odd))
    with open_conversations(path) as conversations:
        (one,) = conversations
        assert (one.model, one.timestamp, one.user_id) == (None, None, None)
        assert conversations.ignored == {"metadata": 1, "model": 1, "timestamp": 1}


def test_a_text_without_end_ends_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "LONGEST", 1 << 18)
    path = tmp_path / "a.json"
    path.write_bytes(BEFORE + said("x" * (1 << 22)) + AFTER)
    counts, rejected = read(path)
    assert (counts["kept"], counts["unreadable"]) == (1, 1)
    assert "the rest of the file was not read" in next(iter(rejected))


def test_brackets_in_texts_are_text(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    records = [
        {"id": str(number), "messages": [{"role": "user", "content": "int a[3; " * 4600}]} for number in range(9)
    ]
    path.write_text(json.dumps(records))
    assert read(path)[0]["kept"] == 9


def test_what_no_file_can_hold_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"messages": [{"role": "user", "content": "a\\ud800b\\r\\nc"}]}\n')
    with open_conversations(path) as conversations:
        (one,) = conversations
    assert one.turns[0].text == "a\ufffdb\nc"
