"""Measure the polarity of strings against three readings that were made before any list of words was opened."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from taxonomy.english.polarity import Polarity, polarity_of
from taxonomy.mentions.statistics import wilson_interval

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).resolve().parents[2] / "shared"
SOURCES = {
    "published": SHARED / "values-in-the-wild" / "values_frequencies.csv",
    "wordnet": SHARED / "wordnet-traits" / "values.csv",
}


@dataclass(frozen=True)
class Reading:
    """A string with what most of the readings say it names, "value" where all three differ.

    The errors on those that are held back were not looked at while the lists and rules were made.
    """

    source: str
    string: str
    polarity: str
    held_back: bool


@dataclass(frozen=True)
class Score:
    """How many are right of those that are so called, or of those that are so."""

    name: Literal["precision", "recall"]
    right: int
    total: int

    def __str__(self) -> str:
        low, high = wilson_interval(self.right, self.total)
        share = self.right / self.total if self.total else float("nan")
        return f"{self.name:9} {share:.3f} ({self.right} of {self.total}; 95% interval {low:.3f} to {high:.3f})"


def readings() -> list[Reading]:
    """Return the strings that are scored; they are in ../shared."""
    strings = {source: _strings(source) for source in SOURCES}
    read = []
    with (DATA / "polarity_readings.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            ((first, count),) = Counter([row["first"], row["second"], row["third"]]).most_common(1)
            said = first if count > 1 else "value"
            index = int(row["index"])
            read.append(Reading(row["source"], strings[row["source"]][index], said, held_back=index % 2 == 1))
    return read


def published() -> list[Reading]:
    """Return all published strings: each was read, and those that are not scored were called values by everyone."""
    read = {one.string: one for one in readings() if one.source == "published"}
    return [
        read.get(string) or Reading("published", string, "value", held_back=False) for string in _strings("published")
    ]


def _strings(source: str) -> list[str]:
    with SOURCES[source].open(encoding="utf-8", newline="") as lines:
        return [row["value"] for row in csv.DictReader(lines)]


def score(read: list[Reading], polarity: Polarity) -> tuple[Score, Score]:
    """Return precision and recall of one polarity."""
    called = [one for one in read if polarity_of(one.string) == polarity]
    true = [one for one in read if one.polarity == polarity]
    right = sum(one.polarity == polarity for one in called)
    return Score("precision", right, len(called)), Score("recall", right, len(true))


def vices() -> list[str]:
    """Return the strings of vices that were listed before any list of words was opened."""
    return (DATA / "vices.txt").read_text(encoding="utf-8").split("\n")[:-1]


@click.command()
@click.option("--errors", is_flag=True, help="List the strings that are called wrongly, too.")
def main(errors: bool) -> None:
    """Print precision and recall of vices and oppositions."""
    read = readings()
    parts = {
        "scored": read,
        "of these, published": [one for one in read if one.source == "published"],
        "of these, WordNet's": [one for one in read if one.source == "wordnet"],
        "of these, held back": [one for one in read if one.held_back],
        "all published": published(),
    }
    for name, part in parts.items():
        click.echo(f"{name}: {len(part):,} strings")
        for polarity in ("vice", "opposition"):
            for one in score(part, polarity):
                if one.total:
                    click.echo(f"  {polarity:10}  {one}")
    for name, listed in (("listed vices", vices()), ("of these, held back", vices()[1::2])):
        click.echo(f"{name}: {sum(polarity_of(one) == 'vice' for one in listed)} of {len(listed)}")
    for one in read if errors else ():
        if polarity_of(one.string) != one.polarity:
            click.echo(f"  {one.string}: {polarity_of(one.string)}, read as {one.polarity}")


if __name__ == "__main__":
    main()
