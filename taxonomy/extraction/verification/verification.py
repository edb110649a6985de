"""What people's answers say of an extraction."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from taxonomy.errors import InputError, OutputError
from taxonomy.extraction.measures import plain_part
from taxonomy.mentions.columns import RESPONSE_TYPES

FORMAT, VERSION = "value-taxonomy verification", 1
# Where a report looks for it, in the folder of an extraction.
NAME = "verification.json"
_SHARE = ("share", "low", "high")
_BOOTSTRAP = ("boot_low", "boot_high")
# The columns of the tables, which are there where the tables are empty, too.
COLUMNS = {
    "answered": ("rater", "kind", "items", "answered", "unsure"),
    "shares": (
        *("rater", "kind", "stratum", "level", "items", "conversations", "right"),
        *(*_SHARE, *_BOOTSTRAP),
    ),
    "recall": ("rater", "conversations", "listed", "missing", "recall", *_BOOTSTRAP),
    "decoys": ("rater", "decoys", "accepted", *_SHARE, "flagged"),
    "agreement": ("kind", "coefficient", "raters", "units", "value", "low", "high"),
    "responses": ("extracted", *RESPONSE_TYPES),
}
# The rater that stands for all.
MAJORITY = "majority"
# What was extracted, where it stands beside a rater.
EXTRACTED = "extracted"
# A rater who accepts more of the decoys than this is flagged.
MOST_DECOYS = 0.2


@dataclass(frozen=True)
class Verification:
    """What people's answers say of an extraction.

    Intervals are 95%. Wilson's of weighted shares is of the effective number of items (Kish 1965:
    ``(sum w)^2 / sum w^2``), ``low`` and ``high``; the bootstrap's over conversations is ``boot_low`` and
    ``boot_high``. What is a share of nothing is NaN in a table, None in JSON. Items that a rater is unsure of are
    counted and left out.

    Attributes
    ----------
    source : mapping
        The extraction: its ``digest``, ``models`` and the digest of its ``tables``; the ``population``.
    raters : tuple of str
        In the order of their sheets.
    answered : DataFrame
        By ``rater`` and ``kind``: how many ``items`` there are, ``answered`` ones, and ``unsure`` ones; of the
        ``majority`` below, those without one.
    shares : DataFrame
        By ``rater``, ``kind``, ``stratum`` and its ``level``: how many ``items`` of how many ``conversations`` count,
        how many are ``right``, the weighted ``share`` with its intervals. The rater ``majority`` has the answer of more
        than half of those who were sure; items without one are left out. Values are right where they are accepted,
        without decoys; types of responses where they are those extracted; decisions of the screener where "subjective"
        was kept and the rest left out; whole conversations where nothing is missing.
    recall : DataFrame
        By ``rater``: whole ``conversations``, the values ``listed`` in them and those ``missing``, and the weighted
        ``recall`` with its bootstrap interval, listed values counted at the share that the rater accepts. A
        conversation that is wrong without naming what is missing lacks one.
    decoys : DataFrame
        By ``rater``: ``decoys`` that were judged, those ``accepted``, their ``share`` with Wilson's interval, and
        whether it is ``flagged``, more than 20%.
    agreement : DataFrame
        By ``kind``: see `taxonomy.extraction.reliability.measure_reliability`; of the sheet's items as they are,
        without weights and decoys. The kind ``response, extracted`` is each rater beside what was extracted.
    responses : DataFrame
        Items by extracted type (rows) and the majority's (columns).
    disagreements : tuple of str
        Items of which raters who were sure disagree, or of which one was sure and another one was not.
    """

    source: Mapping[str, Any]
    raters: tuple[str, ...]
    answered: pd.DataFrame
    shares: pd.DataFrame
    recall: pd.DataFrame
    decoys: pd.DataFrame
    agreement: pd.DataFrame
    responses: pd.DataFrame
    disagreements: tuple[str, ...]

    def to_json(self) -> str:
        """Return all of it as one JSON object; what is missing is null."""
        plain = {field.name: plain_part(getattr(self, field.name)) for field in dataclasses.fields(self)}
        shown = {"format": FORMAT, "version": VERSION, **plain}
        return json.dumps(shown, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def check_verification_path(out: Path) -> None:
    """Refuse a path that a verification can't be written to, before the work that leads to it.

    Raises
    ------
    OutputError
    """
    if out.suffix.lower() != ".json":
        raise OutputError("a verification is a .json file", path=str(out), remedy="end the name in .json")
    if not out.parent.is_dir():
        remedy = "make it, or choose another place"
        raise OutputError(f"there is no folder {out.parent}", path=str(out), remedy=remedy)


def read_verification(path: Path) -> Verification:
    """Read what `Verification.to_json` wrote.

    Raises
    ------
    InputError
        If the file is none of it.
    """
    remedy = "give the file that `extract score` wrote"
    try:
        said = json.loads(path.read_bytes())
        if said["format"] != FORMAT or said["version"] != VERSION:
            raise InputError("the file is of another format or version", path=str(path), remedy=remedy)
        tables = {name: _table(said[name], columns) for name, columns in COLUMNS.items()}
        tables["responses"] = tables["responses"].set_index("extracted")
        return Verification(
            source=dict(said["source"]),
            raters=tuple(said["raters"]),
            disagreements=tuple(said["disagreements"]),
            **tables,
        )
    except (OSError, ValueError, TypeError, KeyError):
        raise InputError("the file is no verification", path=str(path), remedy=remedy) from None


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame([[row[name] for name in columns] for row in rows], columns=pd.Index(columns))
