"""Invented records of mentions for tests, and the tree that their values are in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from taxonomy.mentions.columns import CONVERSATION, USER, VALUE
from taxonomy.mentions.placed import count_cells, count_conversations, count_nodes, pair_sides
from taxonomy.mentions.placing import place
from taxonomy.mentions.records import Records
from taxonomy.model import Taxonomy
from tests.trees import make_tree

Row = dict[str, Any]


def small_tree() -> Taxonomy:
    """Make a tree of four values, one with an alias, in two domains."""
    tree = make_tree(
        ["honesty", "candour", "care", "thrift"], [0, 0, 1, 2], [0, 1, 1], names=[["A", "B", "C"], ["P", "Q"]]
    )
    nodes = [
        node.model_copy(update={"aliases": ("truthfulness",)}) if node.label == "honesty" else node
        for node in tree.nodes
    ]
    return Taxonomy.from_nodes(nodes, id="small", weight_unit="strings")


def mention(conversation: str, value: str, side: str = "ai", **more: Any) -> Row:
    return {"conversation_id": conversation, "side": side, "value": value, **more}


def write_rows(path: Path, rows: Sequence[Row]) -> Path:
    """Write rows as the suffix says; a cell that is not there is missing."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path
    frame = pd.DataFrame(rows)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


def many(conversations: int, users: int = 7) -> tuple[list[Row], list[Row]]:
    """Return mentions and conversations with figures that are easy to know.

    Of ten conversations, all have honesty, five have care twice, and one has thrift; every other one has a human value.
    """
    mentions, rows = [], []
    for number in range(conversations):
        name = f"c{number:06}"
        mentions.append(mention(name, "honesty", explicit=number % 4 == 0))
        if number % 2:
            mentions += [mention(name, "care", explicit=False), mention(name, "Care", explicit=False)]
            mentions.append(mention(name, "truthfulness", "human", explicit=True))
        if number % 10 == 0:
            mentions.append(mention(name, "thrift"))
        rows.append(
            {
                "conversation_id": name,
                "response_type": ("strong support", "no values", None)[number % 3],
                "task": ("advice", "code")[number % 2],
                "user_id": f"u{number % users}",
                "timestamp": f"2025-01-{1 + number % 28:02}T00:30:00Z",
            }
        )
    return mentions, rows


TREE = small_tree()


def figures(records: Records) -> list[list[dict[str, object]]]:
    """Return every count that the questions ask for."""
    ai, human = place(records, TREE, side="ai"), place(records, TREE, side="human")
    tables = [
        count_conversations(records),
        count_conversations(records, ["response_type", "task"]),
        count_nodes(ai),
        count_nodes(human, ["task"]),
        count_cells(ai, ["level_1", "explicit"]),
        count_cells(ai, ["response_type"], frame=pair_sides(ai, human, level=0)),
    ]
    return [table.to_dict("records") for table in tables]


def content_of(records: Records) -> list[list[str]]:
    """Return all that figures are counted from, with the first conversation of a user instead of its code."""
    mentions = records.named(records.mentions.join(records.values, on=VALUE, how="inner").drop(VALUE))
    rows, conversations = (records.engine.collect(frame).to_pylist() for frame in (mentions, records.conversations))
    first: dict[Any, str] = {None: ""}
    for row in sorted(conversations, key=lambda row: row["conversation_id"]):
        row["user"] = first.setdefault(row.pop(USER), row["conversation_id"])
        del row[CONVERSATION]
    return [sorted(str(sorted(row.items())) for row in table) for table in (rows, conversations)]


# Files with malformed rows, and how many of each reason.
FAULTS = {
    "mentions.csv": (
        "conversation_id,side,value,explicit,timestamp\n"
        + "a,ai,care,true,2025-01-01\n" * 20
        + "b,robot,care,,\n,ai,care,,\nc,,care,,\nd,human,  ,,\ne,ai,care,maybe,\nf,ai,care,,yesterday\n"
        + "g,ai\nh,AI , care ,1,\n",
        {
            "side is neither ai nor human": 1,
            "no conversation_id": 1,
            "no side": 1,
            "no value": 1,
            "explicit is none of true, false, yes, no, 1, 0": 1,
            "timestamp is not a time: give ISO 8601, RFC 2822 or the seconds since 1970": 1,
            "not readable": 1,
        },
    ),
    "mentions.jsonl": (
        '{"conversation_id": 1, "side": "ai", "value": "care", "explicit": false}\n' * 20
        + '{"conversation_id": 1,\n"text"\n\n{"conversation_id": null, "side": "ai", "value": "care"}\n'
        + '{"conversation_id": 2, "side": "ai", "explicit": 7, "value": "care"}\n',
        {"not readable": 2, "no conversation_id": 1, "explicit is none of true, false, yes, no, 1, 0": 1},
    ),
    "conversations.csv": (
        "conversation_id,response_type,task\n"
        + "".join(f"x{i},Strong_Support,t\n" for i in range(20))
        + "a,applause,t\nb,no values,t\nb,reframing,t\n,,t\nc,,\n",
        {
            "response_type is not one of the seven": 1,
            "conversation_id stands in several rows": 2,
            "no conversation_id": 1,
        },
    ),
}
