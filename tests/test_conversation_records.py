"""Whatever a record of a format holds, it is read or rejected, and counted."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.extraction.conversation_set import open_conversations
from taxonomy.extraction.conversation_table import write_conversations
from taxonomy.extraction.detection import Reader, all_readers
from taxonomy.extraction.messages import Draft, UnreadableError
from taxonomy.extraction.spool import Spool
from tests.conftest import examples

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=20)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([10**400, "\ud800x", "2026-01-05", "0001-01-01T00:00:00"])
    | st.sampled_from(["user", "assistant", "a", ""]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "type", "text"]), inner)
    ),
    max_leaves=6,
)
ROLE = st.sampled_from(["user", "assistant", "system", "tool", "human", "gpt"]) | JSON
PART = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image", "tool_result", "thinking"]) | JSON},
    optional={"text": TEXT | JSON, "content": TEXT | JSON},
)
CONTENT = TEXT | st.lists(PART, max_size=3) | JSON
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "role": ROLE,
        "content": CONTENT,
        "tool_calls": JSON,
        "refusal": JSON,
        "audio": JSON,
        "hashed_ip": JSON,
        "timestamp": JSON,
        "reasoning": JSON,
    },
)
MESSAGES = st.lists(MESSAGE | JSON, max_size=4) | JSON
IDS = st.sampled_from(["a", "b", "c", None]) | JSON
FROM_VALUE = st.fixed_dictionaries({}, optional={"from": ROLE, "value": CONTENT, "role": ROLE, "content": CONTENT})
NODE = st.fixed_dictionaries(
    {},
    optional={
        "parent": IDS,
        "message": st.fixed_dictionaries(
            {},
            optional={
                "author": st.fixed_dictionaries({"role": ROLE}) | JSON,
                "content": st.fixed_dictionaries(
                    {},
                    optional={
                        "content_type": st.sampled_from(
                            ["text", "thoughts", "code", "multimodal_text", "user_editable_context"]
                        )
                        | JSON,
                        "parts": st.lists(CONTENT, max_size=2) | JSON,
                        "text": JSON,
                    },
                )
                | JSON,
                "metadata": st.fixed_dictionaries(
                    {}, optional={"attachments": st.lists(JSON, max_size=2) | JSON, "model_slug": JSON}
                )
                | JSON,
                "weight": JSON,
                "recipient": JSON,
                "channel": JSON,
            },
        )
        | JSON,
    },
)
BLOCK_MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "uuid": IDS,
        "sender": ROLE,
        "text": TEXT | JSON,
        "content": st.lists(PART, max_size=2) | JSON,
        "attachments": st.lists(st.fixed_dictionaries({"file_name": JSON, "file_uuid": JSON}), max_size=2) | JSON,
        "files": JSON,
        "parent_message_uuid": IDS,
    },
)
VALUE = st.fixed_dictionaries(
    {}, optional={"stringValue": TEXT, "arrayValue": JSON, "kvlistValue": JSON, "intValue": JSON}
)
ATTRIBUTE = st.sampled_from(
    [
        "gen_ai.operation.name",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.conversation.id",
        "gen_ai.prompt.0.role",
        "gen_ai.prompt.0.content",
        "gen_ai.event.content",
        "message",
    ]
)
ATTRIBUTES = (
    st.dictionaries(ATTRIBUTE, MESSAGES | MESSAGES.map(json.dumps), max_size=4)
    | st.lists(st.fixed_dictionaries({"key": ATTRIBUTE, "value": VALUE | JSON}), max_size=3)
    | JSON
)
EVENT = st.fixed_dictionaries(
    {"name": st.sampled_from(["gen_ai.user.message", "gen_ai.choice"]) | JSON}, optional={"attributes": ATTRIBUTES}
)
SPAN = st.fixed_dictionaries(
    {"attributes": ATTRIBUTES},
    optional={"traceId": IDS, "context": JSON, "events": st.lists(EVENT, max_size=2) | JSON, "endTimeUnixNano": JSON},
)
REQUEST = {
    "messages": MESSAGES,
    "id": IDS,
    "system": CONTENT,
    "metadata": JSON,
    "choices": JSON,
    "response": JSON,
    "body": JSON,
}
RECORDS: dict[str, st.SearchStrategy[Any]] = {
    "anthropic": st.fixed_dictionaries({}, optional=REQUEST),
    "chatgpt": st.fixed_dictionaries(
        {},
        optional={
            "mapping": st.dictionaries(st.sampled_from("abc"), NODE | JSON) | JSON,
            "current_node": IDS,
            "id": IDS,
            "create_time": JSON,
        },
    ),
    "claude": st.fixed_dictionaries(
        {},
        optional={
            "chat_messages": st.lists(BLOCK_MESSAGE | JSON, max_size=4) | JSON,
            "uuid": IDS,
            "account": JSON,
            "current_leaf_message_uuid": IDS,
        },
    ),
    "converted": st.fixed_dictionaries(
        {},
        optional={
            "conversation_id": IDS,
            "turns": st.lists(
                st.fixed_dictionaries({}, optional={"side": ROLE, "text": TEXT | JSON, "left_out": JSON}), max_size=3
            )
            | JSON,
            "system": TEXT | JSON,
        },
    ),
    "lmsys": st.fixed_dictionaries({}, optional={"conversation_id": IDS, "conversation": MESSAGES, "redacted": JSON}),
    "openai": st.fixed_dictionaries({}, optional=REQUEST),
    "opentelemetry": SPAN
    | st.fixed_dictionaries(
        {
            "resourceSpans": st.lists(
                st.fixed_dictionaries(
                    {
                        "scopeSpans": st.lists(
                            st.fixed_dictionaries({"spans": st.lists(SPAN | JSON, max_size=2) | JSON}), max_size=2
                        )
                        | JSON
                    }
                ),
                max_size=2,
            )
            | JSON
        }
    ),
    "plain": st.fixed_dictionaries(
        {},
        optional={
            "conversation_id": IDS,
            "role": ROLE,
            "content": CONTENT,
            "turn": JSON,
            "timestamp": JSON,
            "team": JSON,
            "\ud800k": JSON,
            "language": JSON,
            "turns": JSON,
            "system": JSON,
        },
    ),
    "sharegpt": st.fixed_dictionaries(
        {}, optional={"id": IDS, "conversations": st.lists(FROM_VALUE | JSON, max_size=4) | JSON, "system": JSON}
    ),
    "wildchat": st.fixed_dictionaries(
        {},
        optional={
            "conversation_hash": IDS,
            "conversation": MESSAGES,
            "toxic": JSON,
            "timestamp": JSON,
            "hashed_ip": JSON,
        },
    ),
}


def test_every_format_has_its_strategy() -> None:
    assert set(RECORDS) == set(all_readers())


@pytest.mark.parametrize("name", RECORDS)
@examples(15, 1000)
@given(data=st.data())
def test_whatever_a_record_holds_it_is_read_or_rejected_and_counted(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    reader = all_readers()[name]
    records = data.draw(st.lists(RECORDS[name], min_size=1, max_size=5))
    spool = Spool()
    try:
        whole, joined = 0, set()
        for number, record in enumerate(records):
            assert reader.recognize(record) in (0, 1, 2)
            for found in outcomes(reader, record):
                if isinstance(found, UnreadableError):
                    spool.reject(str(found), f"record {number}", found.conversation_id)
                else:
                    spool.add(found, "a")
                is_whole = isinstance(found, UnreadableError) or found.joins == "whole"
                if found.conversation_id is None or (is_whole and not isinstance(found, UnreadableError)):
                    whole += 1
                else:
                    joined.add(found.conversation_id)
        spool.end_table("a")
        spool.end()
        counts = spool.count()
        assert counts["read"] == sum(count for key, count in counts.items() if key != "read") == whole + len(joined)
        kept = list(spool.kept())
        assert all(turn.side in ("human", "ai") for one in kept for turn in one.turns)
        assert all(any(turn.text.strip() for turn in one.turns) for one in kept)
        path = tmp_path_factory.getbasetemp() / f"{name}.parquet"
        write_conversations(kept, spool.contexts, path)
        with open_conversations(path, format="converted") if kept else nullcontext(()) as again:
            assert [replace(one, language=None) for one in again] == [replace(one, language=None) for one in kept]
    finally:
        spool.close()


def outcomes(reader: Reader, record: dict[str, Any]) -> list[Draft | UnreadableError]:
    """Return what a reader yields, and what it raises at the end."""
    found: list[Draft | UnreadableError] = []
    try:
        found.extend(reader.read(record))
    except UnreadableError as error:
        found.append(error)
    return found
