"""The strings of an extraction, and of a taxonomy, that may leave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from taxonomy.extraction.audit.personal_names import find_names
from taxonomy.extraction.audit.private_patterns import find_patterns
from taxonomy.extraction.extraction_files import read_parquet
from taxonomy.extraction.extraction_folder import TABLES
from taxonomy.mentions.disclosure import Disclosure
from taxonomy.model import Node, Taxonomy
from taxonomy.values import canonical_key

VALUE, TASK = "value", "task"
# What is looked at in each table. Ids are digests; sides and response types are of a closed list.
COLUMNS = {TABLES[0]: (VALUE,), TABLES[1]: (TASK, "model", "language")}
# Few conversations may have a model or a language: reports count them by thresholds of their own.
_COUNTED = (VALUE, TASK)
# Ids of ours, and those that are drawn, such as a UUID.
_OPAQUE = re.compile(r"(?:\w+:)*[0-9a-f-]{16,36}")
_FIX = "extract audit OUT --fix"


@dataclass(frozen=True)
class Reach:
    """How many conversations, and users where they are known, a string is of."""

    conversations: int
    users: int | None

    def too_few(self, least: Disclosure) -> str | None:
        """Return of what there are too few; None where it may be disclosed."""
        if self.conversations < least.min_conversations:
            return f"fewer than {least.min_conversations} conversations"
        if self.users is not None and self.users < least.min_users:
            return f"fewer than {least.min_users} users"
        return None


@dataclass(frozen=True)
class AuditedString:
    """A string that may leave, and where it stands.

    Attributes
    ----------
    text : str
    kind : str
        The column of a table, or the part of a node: "label", "definition", "alias", "retired label".
    place : str
        The file and the column, or the node.
    remedy : str
    reach : Reach or None
        Where it is counted.
    is_of_values : bool
        Whether it is a value of the extraction, whose words vouch for others if it is common.
    vouches : bool
        Whether its words vouch for strings of the extraction, as those of nodes above the values do.
    """

    text: str
    kind: str
    place: str
    remedy: str
    reach: Reach | None = None
    is_of_values: bool = False
    vouches: bool = False

    @property
    def is_of_taxonomy(self) -> bool:
        """Whether it stands in the taxonomy."""
        return self.remedy != _FIX


def extraction_strings(folder: Path) -> list[AuditedString]:
    """Return the distinct strings of an extraction's tables, each with its reach.

    Raises
    ------
    InputError
        If a table can't be read, or lacks a column.
    """
    mentions = read_parquet(folder / TABLES[0], ("conversation_id", VALUE))
    conversations = read_parquet(folder / TABLES[1], ("conversation_id", "user_id", TASK), also=COLUMNS[TABLES[1]][1:])
    users = conversations.set_index("conversation_id")["user_id"]
    users = users[~users.index.duplicated()]
    found = []
    for table, frame in zip(TABLES, (mentions, conversations), strict=True):
        for column in (name for name in COLUMNS[table] if name in frame.columns):
            known = frame.loc[frame[column].fillna("").astype(str) != "", ["conversation_id", column]]
            texts = known[column].astype(str)
            reaches = _reaches(texts, known["conversation_id"], users) if column in _COUNTED else {}
            place = f"{table}, {column}"
            found += [
                AuditedString(text, column, place, _FIX, reaches.get(_key(text)), is_of_values=column == VALUE)
                for text in sorted(texts.unique())
            ]
    return found


def taxonomy_strings(taxonomy: Taxonomy, values: list[AuditedString]) -> Iterator[AuditedString]:
    """Yield the strings of a taxonomy; those of its values with their reach in the extraction.

    Parameters
    ----------
    taxonomy : Taxonomy
    values : list of AuditedString
        The strings of the extraction.
    """
    reaches = {_key(one.text): one.reach for one in values if one.is_of_values}
    for number, node in enumerate(taxonomy.nodes, 1):
        yield from _node_strings(node, _named(node.id, number), reaches)
    for number, retired in enumerate(taxonomy.retired, 1):
        place = f"retired node {_named(retired.id, number)}"
        yield AuditedString(retired.label, "retired label", place, "build the taxonomy anew")


def _named(id: str, number: int) -> str:
    """Return the id of a node; its number where the id, which an import may take from anywhere, tells of somebody."""
    is_opaque = _OPAQUE.fullmatch(id) is not None
    return id if is_opaque or not (find_names(id) or find_patterns(id)) else f"number {number}"


def _node_strings(node: Node, id: str, reaches: dict[str, Reach | None]) -> Iterator[AuditedString]:
    place = f"node {id}"
    is_value = node.level == 0
    rename = f"edit reject {id}" if is_value else f"edit rename {id}"
    reach = reaches.get(_key(node.label)) if is_value else None
    yield AuditedString(node.label, "label", place, rename, reach, vouches=not is_value)
    if node.definition:
        yield AuditedString(node.definition, "definition", place, f"edit define {id}", vouches=not is_value)
    for alias in node.aliases:
        yield AuditedString(alias, "alias", place, f"build anew without it, or edit reject {id}")


def _reaches(texts: pd.Series[str], ids: pd.Series[str], users: pd.Series[str]) -> dict[str, Reach]:
    """Return the reach of each text by its key: spellings of one value are counted together."""
    keys = texts.map({text: _key(text) for text in texts.unique()})
    frame = pd.DataFrame({"key": keys, "conversation": ids, "user": ids.map(users)})
    counts = frame.groupby("key")[["conversation", "user"]].nunique()
    known = bool(users.notna().any())
    return {
        str(key): Reach(int(conversations), int(of_users) if known else None)
        for key, conversations, of_users in counts.itertuples()
    }


def _key(text: str) -> str:
    return canonical_key(text) or text
