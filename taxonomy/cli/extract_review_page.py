"""`value-taxonomy extract review`: a review sheet as a page to answer it on."""

from __future__ import annotations

from pathlib import Path

import click

from taxonomy.cli.options import PATH, out_option, quiet_option


@click.command("review")
@click.argument("sheet", type=PATH)
@out_option("The page to write, ending in .html.")
@quiet_option
def review_command(sheet: Path, out: Path, quiet: bool) -> None:
    """Write a page on which a person judges the items of a review sheet.

    SHEET is a .csv that extract sample wrote. The page opens in a browser without a network, keeps the answers there
    and downloads the filled sheet. It quotes conversations, so that only its owner can read it.

    \b
    Example:
      value-taxonomy extract review sheet.csv --out review.html
    """
    from taxonomy.cli.screen import print_written
    from taxonomy.extraction.verification.review_page import write_review_page

    write_review_page(sheet, out)
    if not quiet:
        print_written(out, "private: it quotes conversations; open it in a browser")
