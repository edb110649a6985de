"""What a report says of people who checked the extraction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from taxonomy.english.plurals import count_of
from taxonomy.errors import InputError
from taxonomy.extraction.extraction_folder import TABLES
from taxonomy.extraction.reliability import WHY_THEY_DIFFER
from taxonomy.extraction.verification.population import digest_tables
from taxonomy.extraction.verification.verification import MAJORITY, NAME, Verification, read_verification
from taxonomy.mentions.disclosure import Disclosure
from taxonomy.mentions.opening import Mentions

NOBODY = "Nobody has checked how well the values were extracted"
# What is told, each by its kind, stratum and level.
_TOLD = {
    "AI values that are right": ("value", "side", "ai"),
    "Human values that are right": ("value", "side", "human"),
    "Types of responses that are right": ("response", "all", "all"),
    "Decisions of the screener that are right": ("screening", "all", "all"),
    "Conversations in which no value is missing": ("conversation", "all", "all"),
}


def describe_verification(mentions: Mentions, path: Path | None, disclosure: Disclosure) -> tuple[str, ...]:
    """Return in sentences what people found who checked the extraction of records, or that nobody did.

    Parameters
    ----------
    mentions : Mentions
    path : Path or None
        What `Verification.to_json` wrote; by default the file beside the records.
    disclosure : Disclosure
        Shares of fewer conversations are left out.

    Raises
    ------
    InputError
        If the file can't be read, or is of other records.
    """
    files = [Path(file) for file in mentions.side(mentions.sides[0]).records.origins.paths]
    folders = sorted({file.parent for file in files})
    beside = [folder / NAME for folder in folders if (folder / NAME).exists()]
    if path is None and not beside:
        return (NOBODY,)
    if len(folders) > 1:
        return (f"{NOBODY} in all of these records together",)
    found = read_verification(path or beside[0])
    if _is_of(found, files, folders[0]):
        return tuple(_sentences(found, disclosure))
    if path is not None:
        remedy = "draw and judge a sample of these records, or name another file as `verification`"
        raise InputError("people checked other records than these", path=str(path), remedy=remedy)
    return (f"{NOBODY} into these records: they changed since people checked them",)


def _is_of(found: Verification, files: Sequence[Path], folder: Path) -> bool:
    """Say whether files are those of the extraction that people checked, as they were then."""
    are_tables = {file.name for file in files} <= set(TABLES) and all((folder / name).is_file() for name in TABLES)
    return are_tables and found.source.get("tables") == digest_tables(folder)


def _sentences(found: Verification, disclosure: Disclosure) -> Iterator[str]:
    people = "One person" if len(found.raters) == 1 else f"{len(found.raters)} people"
    judged = found.answered[found.answered["rater"] == MAJORITY]
    decoys, accepted = (int(found.decoys[name].sum()) for name in ("decoys", "accepted"))
    items = count_of(int(judged["answered"].sum()), "item")
    yield f"{people} checked {items} of a sample of the extraction, values of other conversations among them"
    open_items = int(judged["unsure"].sum())
    if open_items:
        yield f"Left out, since nobody was sure or no majority agrees: {open_items:,}"
    shares = found.shares[found.shares["rater"] == MAJORITY].set_index(["kind", "stratum", "level"])
    for name, place in _TOLD.items():
        if place in shares.index:
            yield f"{name}: {_share(shares.loc[[place]].iloc[0], disclosure)}"
    values = found.agreement[found.agreement["kind"] == "value"]
    if len(values):
        # Of kappa there is one for each pair of raters.
        means = values.groupby("coefficient", sort=False)["value"].mean().dropna()
        figures = ", ".join(f"{coefficient} {value:.2f}" for coefficient, value in means.items())
        yield f"Agreement on values: {figures}. {WHY_THEY_DIFFER}"
    if decoys:
        flagged = int(found.decoys["flagged"].sum())
        careless = f"; {count_of(flagged, 'rater')} accepted more than 20%" if flagged else ""
        yield f"Values of other conversations that were accepted: {accepted:,} of {decoys:,}{careless}"


def _share(row: pd.Series[float], disclosure: Disclosure) -> str:
    if row["conversations"] < disclosure.min_conversations:
        return f"judged in fewer than {disclosure.min_conversations} conversations"
    interval = f"{row['low']:.1%} to {row['high']:.1%}"
    return f"{row['share']:.1%} (95% interval {interval}, {row['items']:,.0f} judged)"
