"""What an evaluation reads: the folder of an extraction, and a table of what its conversations truly hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from taxonomy.errors import InputError
from taxonomy.extraction.extraction_files import check_columns, read_parquet, read_private, read_summary
from taxonomy.extraction.extraction_folder import TABLES
from taxonomy.mentions.columns import RESPONSE_TYPES, SIDES_BY_NAME
from taxonomy.mentions.forms import FALSE, TRUE
from taxonomy.values import canonical_key
from taxonomy.values.text_files import read_rows, suffix_of

_NEEDED = ("conversation_id", "kind", "label", "side", "explicit")
# Where a value stands that is not expressed: there is none in a table made by hand.
_PLACE = "place"
_VALUE, _TRAP = "value", "not expressed"
# The kinds of facts that are looked at, but for those two; a conversation has one of each at most.
_OF_CONVERSATION = ("subjectivity", "language", "task", "response")
_YES_OR_NO = ("yes", "no")
# A truth value of files, and nothing.
_BOOLS: dict[str, bool | None] = {"": None, **dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}


@dataclass(frozen=True)
class ExtractedFolder:
    """An extraction, with the conversations' original ids.

    Attributes
    ----------
    summary : dict
        What ``extraction.json`` says.
    values : DataFrame
        One row a value: ``conversation``, ``side``, ``value``, ``key`` and ``explicit``.
    answers : DataFrame
        One row an extracted conversation: ``response`` and ``task``, by ``conversation``.
    screened : DataFrame
        One row a conversation that was screened: ``subjectivity`` and ``kept``, by ``conversation``.
    failed : Series
        The outcome of each conversation that failed, by ``conversation``.
    """

    summary: dict[str, Any]
    values: pd.DataFrame
    answers: pd.DataFrame
    screened: pd.DataFrame
    failed: pd.Series[str]


@dataclass(frozen=True)
class Truth:
    """What conversations truly hold.

    Attributes
    ----------
    values : DataFrame
        One row a value: ``conversation``, ``side``, ``value``, ``key`` and ``explicit``, which may be missing.
    traps : DataFrame
        The same of values that are named and not expressed, with their ``place``.
    facts : DataFrame
        One row a conversation, by its id: ``subjectivity``, ``language``, ``task`` and ``response``, where known.
    """

    values: pd.DataFrame
    traps: pd.DataFrame
    facts: pd.DataFrame


def read_extraction(folder: Path) -> ExtractedFolder:
    """Read the folder that ``extract run`` wrote.

    Raises
    ------
    InputError
        If it is none, or lacks one of its files or columns.
    """
    summary = read_summary(folder)
    ids = read_private(folder, "ids", ("kind", "digest", "original"))
    ids = ids[ids["kind"] == "conversation"]
    originals = pd.Series(ids["original"].astype(str).to_numpy(), index=ids["digest"].to_numpy())
    paths = [folder / name for name in TABLES]
    mentions = read_parquet(paths[0], ("conversation_id", "side", "value", "explicit"))
    answers = read_parquet(paths[1], ("conversation_id", "response_type", "task"))
    screened = read_private(folder, "screened", ("conversation_id", "subjectivity", "kept"))
    failures = read_private(folder, "failures", ("conversation_id", "outcome"))
    for path, frame in zip(paths, (mentions, answers), strict=True):
        unknown = int((~frame["conversation_id"].isin(originals.index)).sum())
        if unknown:
            problem = f"{unknown:,} rows have an id that private/ids.parquet lacks"
            remedy = "evaluate a folder as it was written"
            raise InputError(problem, path=str(path), column="conversation_id", remedy=remedy)
    for frame in (mentions, answers, screened, failures):
        frame["conversation"] = frame.pop("conversation_id").map(originals)
    return ExtractedFolder(
        summary=summary,
        values=_with_keys(mentions),
        answers=answers.rename(columns={"response_type": "response"}).set_index("conversation"),
        screened=screened.set_index("conversation"),
        failed=failures.drop_duplicates("conversation").set_index("conversation")["outcome"],
    )


def read_truth(path: Path) -> Truth:
    """Read a table of facts, .parquet or .csv.

    Raises
    ------
    InputError
        If it can't be read, lacks a column, or holds a fact that can't be understood.
    """
    table = _read_truth_table(path)
    known = table[table["kind"].isin((*_OF_CONVERSATION, _VALUE, _TRAP))].copy()
    _check(known, known["conversation_id"] != "", "conversation_id", "the row is of no conversation", path)
    _check(known, known["label"] != "", "label", "the row says nothing", path)
    allowed: dict[str, Sequence[str]] = {"subjectivity": _YES_OR_NO, "response": RESPONSE_TYPES}
    for kind, labels in allowed.items():
        fits = (known["kind"] != kind) | known["label"].isin(labels)
        _check(known, fits, "label", f"a row of kind {kind!r} has none of the labels {', '.join(labels)}", path)
    of_values = known[known["kind"].isin((_VALUE, _TRAP))].copy()
    side = of_values["side"].str.lower()
    _check(of_values, side.isin(SIDES_BY_NAME), "side", "the side is neither ai nor human", path)
    of_values["side"] = side.map(SIDES_BY_NAME)
    said = of_values["explicit"].str.lower()
    _check(of_values, said.isin(_BOOLS), "explicit", "the cell says neither true nor false", path)
    of_values["explicit"] = said.map(_BOOLS)
    of_values = _with_keys(of_values.rename(columns={"label": "value", "conversation_id": "conversation"}))
    _check(of_values, of_values["key"] != "", "value", "the value has no letters", path)
    facts = known[known["kind"].isin(_OF_CONVERSATION)]
    twice = facts.duplicated(["conversation_id", "kind"])
    _check(facts, ~twice, "kind", "the conversation has a row of this kind already", path)
    wide = facts.pivot(index="conversation_id", columns="kind", values="label")
    conversations = pd.Index(known["conversation_id"].unique(), name="conversation")
    columns = ["conversation", "side", "value", "key", "explicit"]
    return Truth(
        values=of_values.loc[of_values["kind"] == _VALUE, columns],
        traps=of_values.loc[of_values["kind"] == _TRAP, [*columns, _PLACE]],
        facts=wide.reindex(index=conversations, columns=list(_OF_CONVERSATION)),
    )


def _read_truth_table(path: Path) -> pd.DataFrame:
    """Return the facts as text without space around it, empty where there is nothing, each by the number of its row."""
    suffix, _ = suffix_of(path)
    if suffix == ".parquet":
        table = read_parquet(path, _NEEDED, also=(_PLACE,))
    elif suffix in (".csv", ".tsv"):
        rows = read_rows(path)
        header = [name.strip() for name in next(rows, (1, []))[1]]
        check_columns(header, _NEEDED, path)
        table = pd.DataFrame(_whole_rows(rows, header, path), columns=pd.Index(header), dtype=object)
    else:
        raise InputError("the truth is neither .parquet nor .csv", path=str(path), remedy="write it as one of them")
    table = table.reindex(columns=[*_NEEDED, _PLACE])
    text = {name: [_text(cell) for cell in table[name]] for name in table.columns}
    return pd.DataFrame(text, index=pd.RangeIndex(1, len(table) + 1), columns=table.columns, dtype=object)


def _text(cell: Any) -> str:
    return "" if pd.isna(cell) else str(cell).strip()


def _whole_rows(rows: Iterable[tuple[int, list[str]]], header: Sequence[str], path: Path) -> Iterator[list[str]]:
    for line, row in rows:
        if not row:
            continue
        if len(row) != len(header):
            problem = f"the row has {len(row)} cells, and the header {len(header)}"
            raise InputError(problem, path=str(path), line=line, remedy="give each row as many cells as the header")
        yield row


def _check(table: pd.DataFrame, fits: pd.Series[bool], column: str, problem: str, path: Path) -> None:
    """Raise an InputError that names the first row that does not fit."""
    if not fits.all():
        row = int(fits.index[~fits][0])
        remedy = f"correct it: it is {table.at[row, column]!r}"
        raise InputError(problem, path=str(path), row=row, column=column, remedy=remedy)


def _with_keys(values: pd.DataFrame) -> pd.DataFrame:
    """Return values with their canonical keys; text is text in a table without rows, too."""
    keys = {text: canonical_key(text) for text in values["value"].unique()}
    texts = dict.fromkeys(("conversation", "side", "value", "key"), object)
    return values.assign(key=values["value"].map(keys)).astype({**texts, "explicit": "boolean"})
