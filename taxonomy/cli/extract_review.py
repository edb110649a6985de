"""`value-taxonomy extract sample` and `score`: what people check of an extraction, and what their answers say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taxonomy.cli.answer_output import Shown, column, draw, format_whole
from taxonomy.cli.options import PATH, quiet_option, taxonomy_option

if TYPE_CHECKING:
    import pandas as pd

    from taxonomy.extraction.verification.review_item import Kind
    from taxonomy.extraction.verification.verification import Verification


@click.command("sample")
@click.argument("out_folder", metavar="OUT", type=PATH)
@click.option("--n", type=click.IntRange(20), default=300, show_default=True, help="Items to draw.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="The same seed draws the same items."
)
@click.option("--out", required=True, type=PATH, help="The sheet: .csv, or .json for Label Studio.")
@taxonomy_option
@click.option("--conversations", multiple=True, type=PATH, help="File of conversations, if moved; may be repeated.")
@quiet_option
def sample_command(
    out_folder: Path,
    n: int,
    seed: int,
    out: Path,
    taxonomy: Path | None,
    conversations: tuple[Path, ...],
    quiet: bool,
) -> None:
    """Draw what people check of an extraction into a sheet.

    OUT is the folder that extract run wrote, with its private files. The sheet has values with the turns of their
    evidence, types of responses, decisions of the screener, and whole conversations. Rare kinds are drawn more often
    than their share. One value in ten is from another conversation. The private file beside the sheet says which: keep
    it from whoever judges.

    \b
    Example:
      value-taxonomy extract sample extraction/ --n 300 --seed 7 --out sheet.csv
      value-taxonomy extract review sheet.csv --out review.html
    """
    from taxonomy.cli.screen import print_written, waiting
    from taxonomy.extraction.verification.sampled_items import sample_extraction
    from taxonomy.formats.readers import read

    tree = None if taxonomy is None else read(taxonomy)
    with waiting("reading", quiet):
        sampled = sample_extraction(out_folder, out, n=n, seed=seed, taxonomy=tree, conversations=conversations or None)
    click.echo("The sheet quotes conversations: for those alone who may read them", err=True)
    if quiet:
        return
    for kind, name in _KINDS.items():
        decoys = f" ({sampled.decoys:,} of other conversations)" if kind == "value" else ""
        click.echo(f"{sampled.items[kind]:,} of {sampled.population[kind]:,} {name}{decoys}")
    *written, key = sampled.paths
    for path in written:
        print_written(path)
    print_written(key, "keep it from whoever judges, and beside the sheets for extract score")


@click.command("score")
@click.argument("sheets", nargs=-1, required=True, type=PATH)
@click.option("--key", type=PATH, help="The private file of the sample (default: the one beside the first sheet).")
@click.option("--out", type=PATH, help="The .json file to write, such as OUT/verification.json for reports.")
@click.option("--disagreements", type=PATH, metavar="SHEET", help="Write what raters disagree on, for another one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@quiet_option
def score_command(
    sheets: tuple[Path, ...],
    key: Path | None,
    out: Path | None,
    disagreements: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say what people's answers in SHEETS say of an extraction.

    Each sheet is a rater's: a filled .csv, or the .json that Label Studio exports. Shares are weighted, with Wilson's
    intervals. With two raters or more, their agreement is measured.

    \b
    Example:
      value-taxonomy extract score sheet-a.csv sheet-b.csv --out extraction/verification.json
      value-taxonomy extract score sheet-a.csv sheet-b.csv --disagreements sheet-c.csv
    """
    from taxonomy.cli.answer_output import say_internal
    from taxonomy.cli.screen import print_written
    from taxonomy.extraction.verification.scored_answers import score_review
    from taxonomy.extraction.verification.sheet_files import check_sheet_path, write_part
    from taxonomy.extraction.verification.verification import check_verification_path
    from taxonomy.files import replace_file

    if out is not None:
        check_verification_path(out)
    if disagreements is not None:
        check_sheet_path(disagreements)
    found = score_review(sheets, key=key)
    say_internal()
    if as_json:
        click.echo(found.to_json(), nl=False)
    elif not quiet:
        _print(found)
    if out is not None:
        replace_file(out, found.to_json().encode(), private=True)
    if disagreements is not None:
        write_part(sheets[0], found.disagreements, disagreements)
    for path in filter(None, () if as_json or quiet else (out, disagreements)):
        print_written(path)


def _print(found: Verification) -> None:
    from taxonomy.cli.screen import console, plain, print_fields
    from taxonomy.extraction.reliability import WHY_THEY_DIFFER

    screen = console()
    print_fields(screen, _fields(found))
    for shown in _tables(found):
        if len(shown.rows):
            screen.print()
            screen.print(draw(shown), markup=False)
    if len(found.raters) > 1:
        screen.print()
        screen.print(plain(WHY_THEY_DIFFER), markup=False)


_KINDS: dict[Kind, str] = {
    "value": "values",
    "response": "types of responses",
    "screening": "decisions of the screener",
    "conversation": "whole conversations",
}
# The same where there is less room.
_SHORT = {
    "value": "values",
    "response": "responses",
    "screening": "screening",
    "conversation": "conversations",
    "response, extracted": "responses, as extracted",
}


def _fields(found: Verification) -> dict[str, str]:
    from taxonomy.english.plurals import count_of

    careless = found.decoys.loc[found.decoys["flagged"].astype(bool), "rater"]
    disagreements = f"on {count_of(len(found.disagreements), 'item')}" if len(found.raters) > 1 else ""
    return {
        "raters": ", ".join(found.raters),
        "disagreement": disagreements,
        "careless": ", ".join(careless) + ": accepted more than 20% of the decoys" if len(careless) else "",
    }


def _tables(found: Verification) -> Iterator[Shown]:
    from taxonomy.extraction.verification.verification import MAJORITY

    rater, kind = column(str, "rater", heading=""), column(str, "kind", heading="")
    counts = tuple(column(format_whole, name) for name in ("items", "answered", "unsure"))
    # The majority of one rater is that rater.
    told = found.raters if len(found.raters) == 1 else (*found.raters, MAJORITY)
    answered = found.answered[found.answered["rater"].isin(told)]
    yield Shown(_named(answered), (rater, kind, *counts), title="Answers", most=40)
    share = column(_percent, "share", "low", "high", heading="share, 95% interval")
    bootstrap = column("{:.1%} to {:.1%}".format, "boot_low", "boot_high", heading="bootstrap")
    figures = (*(column(format_whole, name) for name in ("right", "items")), share, bootstrap)
    whole = found.shares[found.shares["stratum"].eq("all") & found.shares["rater"].isin(told)]
    title = "Right in the extraction, weighted"
    yield Shown(_named(whole), (rater, kind, *figures), title=title, most=40)
    strata = _named(found.shares[found.shares["rater"].eq(told[-1]) & found.shares["stratum"].ne("all")])
    level = (column(str, "stratum", heading=""), column(str, "level", heading=""))
    yield Shown(strata, (kind, *level, *figures[:-1]), title="By stratum", most=60)
    recall = column(_percent, "recall", "boot_low", "boot_high", heading="recall, bootstrap")
    listed = tuple(column(format_whole, name) for name in ("conversations", "listed", "missing"))
    yield Shown(
        found.recall[found.recall["conversations"] > 0], (rater, *listed, recall), title="Values that are missing"
    )
    decoys = (column(format_whole, "accepted"), column(format_whole, "decoys"), share)
    yield Shown(found.decoys[found.decoys["decoys"] > 0], (rater, *decoys), title="Decoys that were accepted")
    coefficient = (column(str, "coefficient", heading=""), column(str, "raters"), column(format_whole, "units"))
    value = column("{:.2f} ({:.2f} to {:.2f})".format, "value", "low", "high", heading="value, 95% interval")
    yield Shown(_named(found.agreement), (kind, *coefficient, value), title="Agreement", each="kind", most=60)


def _percent(share: float, low: float, high: float) -> str:
    return f"{share:.1%} ({100 * low:.1f} to {100 * high:.1f})"


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with their kinds as they are read."""
    return rows.assign(kind=rows["kind"].map(_SHORT))
