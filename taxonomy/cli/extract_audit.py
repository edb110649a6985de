"""`value-taxonomy extract audit` and `extract purge`: what may leave, and what is kept, tells of nobody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.asking_models import Asking, saying_how_to_go_on
from taxonomy.cli.llm_options import OPTIONS, asking_options, check_failures, plan_asking, said_of, take_model
from taxonomy.cli.options import PATH, quiet_option, taxonomy_option
from taxonomy.english.plurals import count_of
from taxonomy.mentions.disclosure import PUBLIC

if TYPE_CHECKING:
    import pandas as pd

    from taxonomy.extraction.audit.audit_fixes import Fixed
    from taxonomy.extraction.audit.extraction_purge import Purge
    from taxonomy.extraction.audit.privacy_audit import Audit
    from taxonomy.labels.language_model import LanguageModel
    from taxonomy.llm.settling import Asker
    from taxonomy.model import Taxonomy

# Findings that are listed one by one.
_LISTED = 40


@click.command("audit")
@click.argument("out", type=PATH)
@taxonomy_option
@click.option(
    "--min-conversations",
    type=click.IntRange(1),
    default=PUBLIC.min_conversations,
    show_default=True,
    help="Find values and tasks of fewer conversations.",
)
@click.option(
    "--min-users",
    type=click.IntRange(1),
    default=PUBLIC.min_users,
    show_default=True,
    help="Find values and tasks of fewer users, where users are known.",
)
@click.option("--fix", is_flag=True, help="Take out of OUT what is found in it.")
@asking_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@quiet_option
def audit_command(
    out: Path,
    taxonomy: Path | None,
    min_conversations: int,
    min_users: int,
    fix: bool,
    dry_run: bool,
    max_failures: Any,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Look for what tells of somebody among all strings that may leave an extraction.

    OUT is the folder that extract run wrote. Its values and tasks, and with --taxonomy all labels, definitions and
    aliases, are held against patterns (addresses, numbers, keys), against names, and against the thresholds of
    disclosure. With --llm a model rates each on a scale from 1, it identifies someone, to 5; those from 3 on pass.

    What is found is masked on the screen, and stands in full in OUT/private/audit.parquet. Findings are exit status 1.

    \b
    Example:
      value-taxonomy extract audit extraction/ --taxonomy build/taxonomy.json
    """
    from taxonomy.extraction.audit.audit_fixes import fix_extraction
    from taxonomy.formats.readers import read
    from taxonomy.mentions.disclosure import Disclosure

    llm = _model(options)
    tree = None if taxonomy is None else read(taxonomy)
    asking = _Watch(llm, quiet=quiet or as_json)
    if llm is not None:
        asking.plan(out, tree, dry_run=dry_run)
    audit = asking.audit(out, tree, Disclosure(min_conversations, min_users))
    fixed = fix_extraction(out, audit) if fix else None
    left = audit.findings[audit.found["column"].isna()] if fix else audit.findings
    if as_json:
        click.echo(_as_json(audit, fixed))
    elif not quiet:
        _print_audit(audit, fixed, out)
        if llm is not None and audit.usage is not None:
            click.echo(f"{llm.model}: {said_of(audit.usage, sum(audit.unanswered.values()))}")
    check_failures(sum(audit.unanswered.values()), audit.asked, max_failures)
    if len(left):
        raise SystemExit(1)


@click.command("purge")
@click.argument("out", type=PATH)
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge_command(out: Path, yes: bool) -> None:
    """Delete for good what an extraction keeps of its conversations beyond its tables.

    These are the stored answers of its questions, the evidence, refused values, reasons of failures, what an audit
    found, and the paths of the conversations' files. The tables, the key and the ids stay.

    \b
    Example:
      value-taxonomy extract purge extraction/
    """
    from taxonomy.cli.screen import plain
    from taxonomy.extraction.audit.extraction_purge import plan_purge, purge_extraction

    planned = plan_purge(out)
    if (planned.answers or planned.files) and not yes:
        click.confirm(f"Delete {_deleted(planned)}?", abort=True)
    done = purge_extraction(out)
    click.echo(f"Deleted: {_deleted(done)}")
    if done.answers is None:
        click.echo("Its stored answers can't be told from others, since it was made by an older version. By model:")
        for model in done.models:
            click.echo(plain(f"  value-taxonomy llm purge --model {model}"))
    click.echo("Left:")
    for name, what in done.left.items():
        click.echo(f"  {name}: {what}")
    click.echo("What quotes conversations is gone: to check or to mend the values, extract them again")


def _deleted(purge: Purge) -> str:
    parts = [] if purge.answers is None else [count_of(purge.answers, "stored answer")]
    return ", ".join([*parts, *purge.files]) or "nothing"


def _model(options: dict[str, Any]) -> LanguageModel | None:
    """Take a language model out of the options, where one is named; the other options go with it."""
    if options["llm"] is not None:
        return take_model(options)
    context = click.get_current_context()
    for name in OPTIONS:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            option = next(one for one in context.command.params if one.name == name).opts[0]
            raise click.UsageError(f"{option} goes with --llm")
    return None


class _Watch:
    """Audits with bars, and with what a model takes where one is asked."""

    def __init__(self, llm: LanguageModel | None, *, quiet: bool) -> None:
        self._llm = llm
        self._quiet = quiet
        self._asking: Asking | None = None

    def plan(self, out: Path, tree: Taxonomy | None, *, dry_run: bool) -> None:
        """Print what a model will be asked; a dry run ends here."""
        from taxonomy.extraction.audit.privacy_audit import plan_audit

        assert self._llm is not None
        self._planned = plan_audit(out, self._llm, taxonomy=tree)
        plan_asking(self._llm, self._planned, dry_run=dry_run, quiet=self._quiet)

    def audit(self, out: Path, tree: Taxonomy | None, disclosure: Any) -> Audit:
        """Audit an extraction."""
        from taxonomy.cli.screen import progress_bars
        from taxonomy.extraction.audit.privacy_audit import audit_extraction

        with saying_how_to_go_on(), progress_bars(self._quiet, self._note) as progress:
            return audit_extraction(
                out, taxonomy=tree, llm=self._llm, disclosure=disclosure, progress=progress, watch=self._begin
            )

    def _begin(self, asker: Asker) -> None:
        self._asking = Asking(self._planned, asker)

    def _note(self) -> str:
        return "" if self._asking is None else self._asking.note()


def _as_json(audit: Audit, fixed: Fixed | None) -> str:
    import json

    if fixed is None:
        return audit.to_json()
    return json.dumps({**json.loads(audit.to_json()), "fixed": vars(fixed)}, indent=1, ensure_ascii=False)


def _print_audit(audit: Audit, fixed: Fixed | None, out: Path) -> None:
    from taxonomy.cli.screen import console, plain, table

    looked = ", ".join(count_of(count, kind) for kind, count in audit.strings.items())
    click.echo(f"Looked at {looked or 'no string'}")
    for outcome, count in audit.unanswered.items():
        click.echo(f"Without an answer of the model, so that it is not known whether they pass: {count:,} {outcome}")
    findings = audit.findings
    if findings.empty:
        click.echo("Nothing was found")
        return
    few = findings[findings["kind"] == "threshold"]
    is_node = few["place"].str.contains("node ")
    for (place, code), rows in few[~is_node].groupby(["place", "code"], sort=True):
        click.echo(plain(f"{place}: {len(rows):,} of {code}; {rows['remedy'].iloc[0]}"))
    for (code,), rows in few[is_node].groupby(["code"], sort=True):
        click.echo(plain(f"taxonomy, values: {len(rows):,} of {code}; build it of what mentions count discloses"))
    one_by_one = findings[findings["kind"] != "threshold"]
    screen = console()
    if len(one_by_one):
        drawn = table("", "what", "where", "text", "remedy", left=(1, 2, 3, 4))
        for number, row in one_by_one.head(_LISTED).iterrows():
            drawn.add_row(
                *(plain(str(cell)) for cell in (number, row["code"], row["place"], row["shown"], row["remedy"]))
            )
        screen.print(drawn, markup=False)
    if len(one_by_one) > _LISTED:
        click.echo(f"and {len(one_by_one) - _LISTED:,} more")
    click.echo(plain(f"{count_of(len(findings), 'finding')}, in full in {out / 'private' / 'audit.parquet'}"))
    if fixed is not None:
        _print_fixed(fixed, findings)


def _print_fixed(fixed: Fixed, findings: pd.DataFrame) -> None:
    for reason, count in fixed.refused.items():
        click.echo(f"Refused: {count_of(count, 'mention')} ({reason})")
    for column, count in fixed.emptied.items():
        click.echo(f"Emptied: {count_of(count, column)}")
    left = findings["place"].str.contains("node ").sum()
    if left:
        click.echo(f"Left: {count_of(int(left), 'finding')} in the taxonomy, which an edit or a new build mends")
