"""From records to a report, and the files it is written as."""

from __future__ import annotations

from pathlib import Path

from embeddings.progress import Progress
from taxonomy.errors import InputError, OutputError
from taxonomy.files import replace_file
from taxonomy.mentions.rejected import count_reasons
from taxonomy.mentions.tables import write_table
from taxonomy.model import Taxonomy
from taxonomy.report.asked import Asked
from taxonomy.report.parts import Report, Section
from taxonomy.report.rendering import render_html, render_markdown
from taxonomy.report.sections import QUESTIONS, gather_facts


def make_report(asked: Asked, *, progress: Progress | None = None) -> Report:
    """Ask every question that the records allow.

    Parameters
    ----------
    asked : Asked
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
    return Report(
        taxonomy=_named(placed.tree),
        facts=gather_facts(asked.placed),
        rejected=count_reasons(records.rejected),
        sections=sections,
        left_out=left_out,
        disclosure=asked.disclosure,
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
    check_report_path(out)
    folder = out.with_name(f"{out.stem}-tables")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot write the folder: {error.strerror}; choose another --out") from error
    for section in report.sections.values():
        for name, table in section.tables.items():
            for suffix in (".csv", ".parquet"):
                write_table(table, folder / f"{name}{suffix}", internal=report.disclosure.is_internal)
    written = [folder]
    if markdown:
        replace_file(out.with_suffix(".md"), render_markdown(report, folder.name).encode())
        written.append(out.with_suffix(".md"))
    replace_file(out, render_html(report, folder.name).encode())
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
