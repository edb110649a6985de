"""An extraction in whose values and tasks private strings are planted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.extraction.conversing import parts_of, turns_of
from tests.extraction.direct import extract_directly

CONVERSATIONS, USERS = 20, 6
# Each in one conversation. No model's answer that has not the form of a value gets that far: tables may be changed.
EMAIL, KEY, NAME = (
    "write to kim.tresk@example.org",
    "rotate sk-proj-Zz19Kq83LmNo55PwXyRt",
    "loyalty to Rufus Ambleworth",
)
TASK = "praising Lucinda Ollenshaft"
ID, USER, QUOTE = "canary-conversation-7", "canary-user", "the heron flies at midnight"
SECRETS = ("kim.tresk", "Zz19Kq83", "Ambleworth", "Ollenshaft", ID, USER, "heron")
_PLANTED = {"planted mail": EMAIL, "planted key": KEY}
_SAID = re.compile(r"I (hold|show) ([^.]+)\.")


def write_audited(folder: Path) -> Path:
    """Extract values from invented conversations into ``folder / "out"``, and return it."""
    chats = folder / "chats.jsonl"
    with chats.open("w", encoding="utf-8") as file:
        for number in range(CONVERSATIONS):
            id = ID if number == 7 else f"c{number}"
            user = USER if number == 7 else f"u{number % USERS}"
            for role, text in (("user", _asked(number)), ("assistant", _answered(number))):
                row = {
                    "conversation_id": id,
                    "user_id": user,
                    "role": role,
                    "content": text,
                    "model": "gpt-4o-20241120",
                }
                file.write(json.dumps(row) + "\n")
    extract_directly(chats, folder / "out", _read)
    change_table(folder / "out" / "mentions.parquet", "value", _PLANTED)
    change_table(folder / "out" / "private" / "evidence.parquet", "value", _PLANTED)
    return folder / "out"


def _asked(number: int) -> str:
    task = TASK if number == 7 else "giving advice"
    return f"Matter {number}: {task}. I hold fairness."


def _answered(number: int) -> str:
    rare = {7: f"I hold {NAME}. I show planted mail. Remember that {QUOTE}.", 8: "I show planted key."}
    return f"On {number}: I show care. I hold honesty. {rare.get(number, '')}"


def _read(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer as a model that finds each "I hold ..." and "I show ..."."""
    if parts_of(request) == ["screening"]:
        return {"subjectivity": "subjective"}
    turns = turns_of(request)
    found: dict[str, list[dict[str, Any]]] = {"ai": [], "human": []}
    for turn in turns:
        for match in _SAID.finditer(turn["text"]):
            quote = " ".join(turn["text"][match.start() :].split()[:15])
            entry = {"value": match[2], "turn": turn["turn"], "quote": quote}
            found[turn["side"]].append(entry | ({"explicit": match[1] == "hold"} if turn["side"] == "ai" else {}))
    task = re.search(r": ([^.]+)\.", turns[0]["text"])
    assert task is not None
    full = {"ai_values": found["ai"], "human_values": found["human"], "response_type": "no values", "task": task[1]}
    return {part: answer if part in parts_of(request) else None for part, answer in full.items()}


def change_table(path: Path, column: str, changes: Mapping[str, str]) -> None:
    """Replace cells of a table, whose metadata stay."""
    table = pq.read_table(path)
    cells = pa.array([changes.get(cell, cell) for cell in table[column].to_pylist()], pa.string())
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, table.schema.field(column), cells), path)


def leaked(text: str) -> list[str]:
    """Return the secrets that a text tells."""
    return [secret for secret in SECRETS if secret.casefold() in text.casefold()]
