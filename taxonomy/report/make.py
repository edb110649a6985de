"""From records to a report, and the files it is written as."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from embeddings.progress import Progress
from taxonomy.errors import InputError, OutputError
from taxonomy.report.parts import Report, Section
from taxonomy.report.sections import QUESTIONS, Asked, facts

if TYPE_CHECKING:
    import pandas as pd

    from taxonomy.model import Taxonomy


def make_report(asked: Asked, *, internal: bool = False, progress: Progress | None = None) -> Report:
    """Ask every question that the records allow.

    Parameters
    ----------
    asked : Asked
    internal : bool
        Whether the thresholds were lifted.
    progress : callable, optional
        Told (questions asked, questions in all).

    Returns
    -------
    Report
        A question that the records do not allow is left out, with the reason.
    """
    placed = next(iter(asked.placed.values()))
    records = placed.records
    sections: dict[str, Section] = {}
    left_out: dict[str, str] = {}
    for done, (title, question) in enumerate(QUESTIONS.items()):
        if progress is not None:
            progress(done, len(QUESTIONS))
        try:
            sections[title] = question(asked)
        except InputError as error:
            left_out[title] = str(error)
    rejected = Counter(f"{row['kind']}: {row['reason']}" for row in records.rejected.to_dict("records"))
    return Report(
        taxonomy=_named(placed.tree),
        facts=facts(asked.placed),
        rejected=dict(sorted(rejected.items())),
        sections=sections,
        left_out=left_out,
        min_conversations=asked.least["min_conversations"],
        min_users=asked.least["min_users"],
        internal=internal,
        users_known=records.users_known,
    )


def _named(tree: Taxonomy) -> str:
    sizes = " / ".join(f"{level.size:,} {level.name}s" for level in reversed(tree.levels))
    return f"{tree.title or tree.id} {tree.version}: {sizes}"


def write_report(report: Report, out: Path, *, markdown: bool = False) -> list[Path]:
    """Write a report as a page, and its tables beside it.

    Parameters
    ----------
    report : Report
    out : Path
        The page, ending in .html. A folder by its name and ``-tables`` gets each table as CSV and as Parquet.
    markdown : bool
        Whether to write it as Markdown, too: by the same name, ending in .md.

    Returns
    -------
    list of Path
        What was written, the page last, so that it never speaks of tables that are not there.

    Raises
    ------
    OutputError
        If one of them can't be written.
    """
    from taxonomy.files import replace_file
    from taxonomy.formats.csv import table_csv
    from taxonomy.report.html import report_html, report_markdown

    check_report_path(out)
    folder = out.with_name(f"{out.stem}-tables")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot write the folder: {error.strerror}; choose another --out") from error
    for section in report.sections.values():
        for name, table in section.tables.items():
            table = table.assign(internal=True) if report.internal else table
            cells = table.astype(object).where(table.notna(), "").itertuples(index=False)
            replace_file(folder / f"{name}.csv", table_csv(list(table.columns), cells).encode())
            replace_file(folder / f"{name}.parquet", _parquet(table))
    written = [folder]
    if markdown:
        replace_file(out.with_suffix(".md"), report_markdown(report, folder.name).encode())
        written.append(out.with_suffix(".md"))
    replace_file(out, report_html(report, folder.name).encode())
    return [*written, out]


def check_report_path(out: Path) -> None:
    """Refuse a path that `write_report` can't write, before the work that leads to it.

    Raises
    ------
    OutputError
    """
    if out.suffix.lower() != ".html":
        raise OutputError(f"{out}: a report is a page; end the name in .html, and add --markdown for a text")
    if not out.parent.is_dir():
        raise OutputError(f"{out}: there is no folder {out.parent}; make it, or choose another place")


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()
