"""From mentions to a report, and the files it is written as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from embeddings.progress import Progress
from taxonomy.english.plurals import count_of
from taxonomy.errors import InputError, OutputError, check_type
from taxonomy.files import replace_file
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.opening import Mentions
from taxonomy.mentions.rejected import count_reasons
from taxonomy.mentions.tables import write_table
from taxonomy.mentions.times import parse_time
from taxonomy.model import Taxonomy
from taxonomy.questions.arguments import check_disclosure
from taxonomy.questions.principles import take_principles
from taxonomy.questions.watch_list import find_watched
from taxonomy.report.inputs import Inputs
from taxonomy.report.parts import Report, Section
from taxonomy.report.rendering import render_html, render_markdown
from taxonomy.report.sections import QUESTIONS, gather_facts

_ANOTHER = "choose another `out`"


def write_report(  # noqa: PLR0913 - the public call: what the command line takes, one option each
    mentions: Mentions,
    out: str | Path,
    *,
    watch: Iterable[str] = (),
    principles: str | Path | Mapping[str, Sequence[str]] | None = None,
    split_at: str | date | datetime | None = None,
    markdown: bool = False,
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
        If no side has mentions of the taxonomy, or an argument is of another type.
    LookupFailedError
        If a name to watch is not of one node.
    OutputError
        If a file can't be written.

    Notes
    -----
    The baseline of anomalies is what comes before `split_at`, and the alerts to expect are 100 in 10,000. Mentions that
    the taxonomy does not have are not counted; `Report.facts` has their share.

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
    mapping = {principle.name: principle.nodes for principle in take_principles(principles)}
    when = None if split_at is None else parse_time(split_at, "split_at")
    tree = mentions.side(mentions.sides[0]).tree
    inputs = Inputs(mentions, disclosure, watch=find_watched(tree, watch), principles=mapping, split_at=when)
    report = _answer(inputs, progress)
    return replace(report, paths=tuple(_write(report, Path(out), markdown)))


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
    folder = _tables_beside(out)
    if folder.exists() and not folder.is_dir():
        raise OutputError("the tables need a folder of this name", path=str(folder), remedy=_ANOTHER)


def _tables_beside(out: Path) -> Path:
    return out.with_name(f"{out.stem}-tables")


def _answer(inputs: Inputs, progress: Progress | None) -> Report:
    records = next(iter(inputs.sides.values())).records
    sections: dict[str, Section] = {}
    left_out: dict[str, str] = {}
    for done, (title, ask) in enumerate(QUESTIONS.items()):
        if progress is not None:
            progress(done, len(QUESTIONS))
        try:
            sections[title] = ask(inputs)
        except InputError as error:
            left_out[title] = str(error)
    if progress is not None:
        progress(len(QUESTIONS), len(QUESTIONS))
    return Report(
        taxonomy=_describe(next(iter(inputs.sides.values())).tree),
        facts=gather_facts(inputs.sides),
        rejected=count_reasons(records.rejected),
        sections=sections,
        left_out=left_out,
        disclosure=inputs.disclosure,
        users_known=records.users_known,
    )


def _describe(tree: Taxonomy) -> str:
    sizes = " / ".join(count_of(level.size, level.name) for level in reversed(tree.levels))
    return f"{tree.title or tree.id} {tree.version}: {sizes}"


def _write(report: Report, out: Path, markdown: bool) -> list[Path]:
    """Write the files; the page comes last, so that it never links to tables that are not there."""
    folder = _tables_beside(out)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        problem = f"cannot make the folder: {error.strerror}"
        raise OutputError(problem, path=str(folder), remedy=_ANOTHER) from error
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
