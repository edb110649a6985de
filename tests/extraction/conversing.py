"""Conversations that say what is to be read in them, and a model that reads it, for tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.llm_server.answers import blocks_of

_VALUE = re.compile(r"I (hold|show) ([a-z ]+)\.")
SIDES = ("human", "ai")


def write_conversations(path: Path, conversations: Mapping[str, Sequence[str]], **fields: Any) -> Path:
    """Write conversations as JSON lines, one a turn; those of each begin with the human's."""
    roles = ("user", "assistant")
    with path.open("w", encoding="utf-8") as file:
        for id, turns in conversations.items():
            for place, text in enumerate(turns):
                row = {"conversation_id": id, "role": roles[place % 2], "content": text, **fields}
                file.write(json.dumps(row) + "\n")
    return path


def turns_of(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the turns that a request shows."""
    return [turn for turn in blocks_of(request)[0]["turns"] if "turn" in turn]


def said(request: Mapping[str, Any]) -> str:
    """Return all that is said in a request."""
    return "\n".join(turn["text"] for turn in turns_of(request))


def parts_of(request: Mapping[str, Any]) -> list[str]:
    """Return what a request asks for."""
    shown = blocks_of(request)
    return shown[1]["fill"] if len(shown) > 1 else ["screening"]


def read_values(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer as a model that finds each "I hold ..." and "I show ...", and takes what has "km" in it for objective."""
    shown = turns_of(request)
    if parts_of(request) == ["screening"]:
        return {"subjectivity": "objective" if "km" in said(request) else "subjective"}
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for turn in shown:
        for match in _VALUE.finditer(turn["text"]):
            value = {"value": match[2], "turn": turn["turn"], "quote": match[0]}
            found[turn["side"]].append(value | ({"explicit": match[1] == "hold"} if turn["side"] == "ai" else {}))
    full = {
        "ai_values": found["ai"],
        "human_values": found["human"],
        "response_type": "mild support" if found["human"] else "no values",
        "task": "giving advice",
    }
    return {part: answer if part in parts_of(request) else None for part, answer in full.items()}


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a table of an extraction."""
    found: list[dict[str, Any]] = pq.read_table(folder / f"{name}.parquet").to_pylist()
    return found


def original_ids(folder: Path) -> dict[str, str]:
    """Return the ids of the source by their digests."""
    return {row["digest"]: row["original"] for row in rows(folder / "private", "ids")}


def mentions_of(folder: Path) -> dict[str, set[tuple[str, str, bool]]]:
    """Return side, value and explicitness of the mentions of each conversation, by the source's id."""
    ids = original_ids(folder)
    found: dict[str, set[tuple[str, str, bool]]] = {
        ids[row["conversation_id"]]: set() for row in rows(folder, "conversations")
    }
    for row in rows(folder, "mentions"):
        found[ids[row["conversation_id"]]].add((row["side"], row["value"], row["explicit"]))
    return found


def numbered(count: int) -> Iterable[tuple[str, list[str]]]:
    """Yield conversations that differ by a number; every third is objective."""
    for number in range(count):
        if number % 3 == 0:
            yield f"c{number}", [f"How many km are {number} miles?", "It is a number of km."]
        else:
            turns = [
                f"Advise me on matter {number}. I hold fairness.",
                f"Gladly, on {number}. I show care. I hold honesty.",
            ]
            yield f"c{number}", [*turns, "And then?", "Wait. I hold honesty."]
