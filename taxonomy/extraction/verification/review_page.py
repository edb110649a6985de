"""A review sheet as a page to answer it on: one file that opens in a browser, and that nothing leaves."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

from taxonomy.errors import OutputError
from taxonomy.extraction.evidence import find_quote
from taxonomy.extraction.verification.review_item import KINDS, SIDE_NAMES, ReviewItem, ShownTurn, answers_of
from taxonomy.extraction.verification.review_sheet import BOM, read_sheet, sheet_csv
from taxonomy.files import replace_file
from taxonomy.values.text_files import rows_of
from taxonomy.views.one_file import base_style, content_policy, script_json

_HERE = Path(__file__).parent


def write_review_page(sheet: str | Path, out: str | Path) -> None:
    """Write a page on which a person judges the items of a sheet, by keyboard, mouse or touch.

    Parameters
    ----------
    sheet : str or Path
        As `extract sample` wrote it; answers in it are there at first.
    out : str or Path
        The page, ending in .html. Only its owner can read it, since it quotes conversations.

    Raises
    ------
    InputError
        If the sheet is none.
    OutputError
        If the page can't be written there.
    """
    sheet, out = Path(sheet), Path(out)
    items = read_sheet(sheet)
    _check_place(sheet, out)
    replace_file(out, _page(items, sheet).encode(), private=True)


def _check_place(sheet: Path, out: Path) -> None:
    if out.suffix.lower() != ".html":
        raise OutputError("a review page is a page", path=str(out), remedy="end the name in .html")
    if not out.parent.is_dir():
        remedy = "make it, or choose another place"
        raise OutputError(f"there is no folder {out.parent}", path=str(out), remedy=remedy)
    # A link may lead to the sheet.
    if out.exists() and out.samefile(sheet):
        raise OutputError("this is the sheet", path=str(out), remedy="choose another name for the page")


def _page(items: Sequence[ReviewItem], sheet: Path) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=select_autoescape(["html.j2"]),
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    style = base_style() + _read("review.css")
    script = _read("review.js")
    return environment.get_template("review.html.j2").render(
        sheet=sheet.name,
        policy=content_policy(style, script),
        style=style,
        script=script,
        data=script_json(_data(items, sheet)),
    )


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _data(items: Sequence[ReviewItem], sheet: Path) -> dict[str, object]:
    """Return the items as the page shows them, and their cells as the page writes them again."""
    written = sheet_csv(items)
    (_, columns), *rows = rows_of(io.BytesIO(written.encode()), str(sheet), ".csv")
    return {
        # Answers are kept in the browser under the name of what was to be answered.
        "key": f"value-taxonomy review {hashlib.sha256(written.encode()).hexdigest()}",
        "file": f"{sheet.stem}-filled.csv",
        "answers": {kind: answers_of(kind) for kind in KINDS},
        "items": [_shown(item) for item in items],
        "start": BOM,
        "columns": columns,
        "rows": [cells for _, cells in rows],
    }


def _shown(item: ReviewItem) -> dict[str, object]:
    parts = [_parts(item, turn) for turn in item.turns]
    is_marked = any(len(one) > 1 for one in parts)
    return {
        "kind": item.kind,
        "question": item.question,
        "claim": item.claim,
        "turn": item.turn,
        "quote": "" if is_marked else item.quote,
        "turns": [
            {"number": turn.number, "side": turn.side, "name": SIDE_NAMES[turn.side], "parts": one}
            for turn, one in zip(item.turns, parts, strict=True)
        ],
        "given": [item.answer, item.missing, item.note],
    }


def _parts(item: ReviewItem, turn: ShownTurn) -> list[str]:
    """Return the text of a turn; where the quote stands in it, in three: before, the quote and after."""
    place = find_quote(item.quote, turn.text) if turn.number == item.turn else None
    if place is None:
        return [turn.text]
    start, end = place
    return [turn.text[:start], turn.text[start:end], turn.text[end:]]
