"""From mentions to a report, and the files it is written as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from embeddings.progress import Progress
from taxonomy.errors import OutputError, check_type
from taxonomy.files import replace_file
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.opening import Mentions
from taxonomy.mentions.tables import write_table
from taxonomy.mentions.times import parse_time
from taxonomy.questions.arguments import check_disclosure
from taxonomy.questions.principles import take_principles
from taxonomy.questions.watch_list import find_watched
from taxonomy.report.answering import answer_questions
from taxonomy.report.checked import describe_verification
from taxonomy.report.inputs import Inputs
from taxonomy.report.parts import Report
from taxonomy.report.release import read_release, write_release
from taxonomy.report.rendering import render_html, render_markdown

_ANOTHER = "choose another `out`"


def write_report(  # noqa: PLR0913 - the public call: what the command line takes, one option each
    mentions: Mentions,
    out: str | Path,
    *,
    watch: Iterable[str] = (),
    principles: str | Path | Mapping[str, Sequence[str]] | None = None,
    split_at: str | date | datetime | None = None,
    markdown: bool = False,
    previous_release: str | Path | None = None,
    verification: str | Path | None = None,
    disclosure: Disclosure = PUBLIC,
    progress: Progress | None = None,
) -> Report:
    """Ask every question that the records allow, and write the answers as a page.

    Parameters
    ----------
    mentions : Mentions
        What `taxonomy.open_mentions` returns.
    out : str or Path
        The page, ending in .html. Tables go to a folder beside it, by its name and ``-tables``.
    watch : iterable of str
        Nodes to look out for, with all below them, as for `taxonomy.find_anomalies`.
    principles : str, Path or mapping of str to sequence of str, optional
        As for `taxonomy.measure_principles`.
    split_at : str, date or datetime, optional
        The first moment (UTC) of the later period, for drift and anomalies; by default the middle.
    markdown : bool
        Whether to write it as Markdown, too: by the same name, ending in .md.
    previous_release : str or Path, optional
        The folder of tables of the last report. No change since of too few conversations or users can be computed from
        both. Without it, two reports can be subtracted.
    verification : str or Path, optional
        What `extract score` wrote of people's answers; by default ``verification.json`` in the folder of the records.
        The page says what they found, or that nobody checked.
    disclosure : Disclosure
        The least that a figure is disclosed from; by default 15 conversations and 5 users.
    progress : callable, optional
        Called with (questions answered, questions in all).

    Returns
    -------
    Report
        With the paths of what was written. A question that the records do not allow is left out, with the reason.

    Raises
    ------
    InputError
        If no side has mentions of the taxonomy, an argument is of another type, the private file of the last report
        is not there, or the number of conversations changed too little since.
    LookupFailedError
        If a name to watch is not of one node.
    OutputError
        If a file can't be written.

    Notes
    -----
    The baseline of anomalies is what comes before `split_at`, and the alerts to expect are 100 in 10,000. Mentions that
    the taxonomy does not have are not counted; `Report.facts` has their share.

    Beside the folder of tables is a private file of its name and ``.private.parquet``, which the next report needs as
    `previous_release`. It holds rare figures: keep it where the records are.

    The folder of tables has each as .csv and as .parquet: ``frequency-SIDE``, ``context-COLUMN``, ``variation-COLUMN``,
    ``context-human-value``, ``responses``, ``responses-values``, ``responses-explicit``, ``mirroring``, ``models``,
    ``principles``, ``anomalies`` and ``drift``, as far as the questions could be asked.

    Examples
    --------
    >>> with taxonomy.open_mentions("records/", tree) as mentions:  # doctest: +SKIP
    ...     taxonomy.write_report(mentions, "report.html", watch=["deception"])
    """
    check_type(mentions, Mentions, "mentions", "give what open_mentions returns")
    check_type(out, (str, Path), "out", "give the path of the page")
    check_disclosure(disclosure)
    check_report_path(Path(out))
    listed = take_principles(principles)
    when = None if split_at is None else parse_time(split_at, "split_at")
    tree = mentions.side(mentions.sides[0]).tree
    inputs = Inputs(mentions, disclosure, watch=find_watched(tree, watch), principles=listed, split_at=when)
    previous = None if previous_release is None else read_release(Path(previous_release))
    checked = describe_verification(mentions, None if verification is None else Path(verification), disclosure)
    report, release = answer_questions(inputs, previous, progress)
    report = replace(report, verification=checked)
    paths = _write(report, Path(out), markdown)
    if not disclosure.is_internal:
        write_release(release, tables_path(Path(out)))
    return replace(report, paths=tuple(paths))


def tables_path(out: Path) -> Path:
    """Return the folder of tables of a page."""
    return out.with_name(f"{out.stem}-tables")


def check_report_path(out: Path) -> None:
    """Refuse a path that `write_report` can't write, before the work that leads to it.

    Raises
    ------
    OutputError
    """
    if out.suffix.lower() != ".html":
        remedy = "end the name in .html, and ask for `markdown` to have a text, too"
        raise OutputError("a report is a page", path=str(out), remedy=remedy)
    if not out.parent.is_dir():
        remedy = "make it, or choose another place"
        raise OutputError(f"there is no folder {out.parent}", path=str(out), remedy=remedy)
    folder = tables_path(out)
    if folder.exists() and not folder.is_dir():
        raise OutputError("the tables need a folder of this name", path=str(folder), remedy=_ANOTHER)


def _write(report: Report, out: Path, markdown: bool) -> list[Path]:
    """Write the files; the page comes last, so that it never links to tables that are not there."""
    folder = tables_path(out)
    private = report.disclosure.is_internal
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        problem = f"cannot make the folder: {error.strerror}"
        raise OutputError(problem, path=str(folder), remedy=_ANOTHER) from error
    for section in report.sections.values():
        for name, table in section.tables.items():
            for suffix in (".csv", ".parquet"):
                write_table(table, folder / f"{name}{suffix}", internal=private)
    written = [folder]
    if markdown:
        replace_file(out.with_suffix(".md"), render_markdown(report, folder.name).encode(), private=private)
        written.append(out.with_suffix(".md"))
    replace_file(out, render_html(report, folder.name).encode(), private=private)
    return [*written, out]
