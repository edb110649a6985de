"""`value-taxonomy analyze`: a command for each question, those that compare periods apart."""

from __future__ import annotations

from pathlib import Path

import click

from taxonomy.cli.answer_output import Shown, column, figure, give_answer, interval, p_value, percent, whole
from taxonomy.cli.commands import LazyGroup
from taxonomy.cli.options import Choice
from taxonomy.cli.record_options import PATH, SIDES_OR_BOTH, Analysis, analysis_options

# Each by its module and function.
QUESTIONS = {
    "frequency": "analyze:analyze_frequency",
    "context": "analyze:analyze_context",
    "responses": "analyze:analyze_responses",
    "mirroring": "analyze:analyze_mirroring",
    "models": "analyze:analyze_models",
    "principles": "analyze:analyze_principles",
    "anomalies": "analyze_periods:analyze_anomalies",
    "drift": "analyze_periods:analyze_drift",
}

_LEVEL = column(whole, "level")
_LABEL = column(str, "label")
_CONVERSATIONS = column(whole, "conversations")
_SHARE = tuple(column(percent, name) for name in ("share", "low", "high"))
_SURE = (column(figure, "residual"), column(p_value, "p_fdr"))


@click.group("analyze", cls=LazyGroup, groups={"Questions": QUESTIONS})
def group() -> None:
    """Ask what records of value mentions show.

    \b
    Example:
      value-taxonomy analyze frequency records/ --taxonomy build/taxonomy.json
    """


@click.command("frequency")
@analysis_options
@click.option("--side", type=Choice(SIDES_OR_BOTH), default="both", show_default=True, help="Whose values.")
@click.option("--update", type=PATH, help="Write TAXONOMY here, with the conversations of its nodes.")
def analyze_frequency(side: str, update: Path | None, analysis: Analysis) -> None:
    """Say how often each value, and each node above, is expressed in FILES.

    FILES are .parquet, .csv or .jsonl files, folders or globs. --update takes the figures of the first side asked for.

    \b
    Example:
      value-taxonomy analyze frequency records/ --taxonomy build/taxonomy.json --out frequency.csv
    """
    from taxonomy.errors import InputError
    from taxonomy.formats.readers import read
    from taxonomy.questions.answer import join_answers
    from taxonomy.questions.frequency import RARE, add_conversations, measure_frequency

    if update is not None and analysis.disclosure.is_internal:
        raise click.UsageError("--update goes without --internal: no mark in a taxonomy would say so")
    with analysis.reading.open(analysis.out) as records:
        sides = [one for one in records.sides() if side in (one, "both")]
        if not sides:
            remedy = "give records of it, or ask for the other side"
            raise InputError(f"no mention is of the {side} side", remedy=remedy)
        if update is not None and sides[0] == "human" and analysis.human_tree is not None:
            raise click.UsageError("--update writes --taxonomy: give the human side's own as that, with --side human")
        found = [measure_frequency(analysis.place(records, one), disclosure=analysis.disclosure) for one in sides]
    if update is not None:
        add_conversations(read(analysis.tree), found[0]).write(update)
    columns = (
        column(str, "level"),
        column(str, "label", heading=""),
        _CONVERSATIONS,
        column(percent, "conversation_share", heading="share"),
        interval("conversation_low", "conversation_high"),
        column(whole, "mentions"),
        column(percent, "mention_share", heading="share"),
    )
    screen: list[str | Shown] = []
    for one in found:
        of = f"{one.conversations:,} conversations, {one.mentions:,} mentions of {one.values:,} values"
        rare = f"{one.rare:,} ({one.rare / one.values:.1%}) in under {RARE:.2%} of conversations"
        screen += [f"{one.side}: {of}, {rare}", Shown(one.table, columns, each="level", most=8)]
    give_answer(join_answers([one.answer() for one in found]), analysis, screen, written=[update])


@click.command("context")
@analysis_options
@click.option("--by", "name", default="task", show_default=True, help="A column of conversations, or human-value.")
@click.option("--level", type=click.IntRange(0), help="Show nodes of this level only.")
def analyze_context(name: str, level: int | None, analysis: Analysis) -> None:
    """Say which of the AI's values go with which task, model, language or human value.

    Shown are the associations that stand after the correction of Benjamini and Hochberg (p_fdr under 0.05), the
    largest residuals first. --out has all that may be told.

    \b
    Example:
      value-taxonomy analyze context records/ --taxonomy build/taxonomy.json --by task --out context.csv
    """
    from taxonomy.questions.contexts import compare_contexts, compare_human_values
    from taxonomy.questions.rates import keep_standing

    if name == "human-value":
        with analysis.open("ai", "human") as (ai, human):
            found = compare_human_values(ai, human, disclosure=analysis.disclosure)
    else:
        with analysis.open("ai") as (ai,):
            found = compare_contexts(ai, name, disclosure=analysis.disclosure)
    if level is not None:
        found = found.at_level(level)
    stands = keep_standing(found.associations).sort_values("residual", key=abs, ascending=False, kind="stable")
    share, expected = column(percent, "share"), column(figure, "expected")
    columns = (_LEVEL, _LABEL, column(str, "category"), _CONVERSATIONS, share, expected, *_SURE)
    screen: list[str | Shown] = [Shown(stands, columns, "goes with")]
    # A conversation can hold several human values, so there is no share in each to compare.
    if name != "human-value":
        steadiest = found.variation[found.variation["level"] == (level or 0)]
        varied = [column(figure, name) for name in ("cv", "cv_low", "cv_high", "cv_by_chance")]
        screen.append(Shown(steadiest, (_LEVEL, _LABEL, _CONVERSATIONS, *varied), "steadiest across categories"))
    give_answer(found.answer(), analysis, screen)
    if found.low_expected and not analysis.reading.quiet:
        problem = "nodes have expected counts under 5: their chi-square is not to be trusted"
        click.echo(f"{found.low_expected:,} {problem}", err=True)


@click.command("responses")
@analysis_options
def analyze_responses(analysis: Analysis) -> None:
    """Say how the AI responds to people's values, and which of its values go with that.

    --out has the associations of nodes with response types; --json has the other tables, too.

    \b
    Example:
      value-taxonomy analyze responses records/ --taxonomy build/taxonomy.json --out responses.csv
    """
    from taxonomy.questions.rates import keep_standing
    from taxonomy.questions.responses import describe_responses

    with analysis.open("ai") as (ai,):
        found = describe_responses(ai, disclosure=analysis.disclosure)
    goes = keep_standing(found.associations[found.associations["residual"] > 0])
    goes = goes.sort_values("residual", ascending=False, kind="stable")
    response = column(str, "response")
    goes_with = (_LEVEL, _LABEL, column(str, "category"), _CONVERSATIONS, *_SHARE, *_SURE)
    screen = [
        Shown(found.types, (response, _CONVERSATIONS, *_SHARE), "response types"),
        Shown(goes, goes_with, "goes with"),
        Shown(found.explicit, (response, _LEVEL, _LABEL, column(whole, "mentions"), *_SHARE), "said explicitly"),
    ]
    give_answer(found.answer(), analysis, screen)


@click.command("mirroring")
@analysis_options
def analyze_mirroring(analysis: Analysis) -> None:
    """Say how often the AI takes up a value, or a node above it, that people express, by type of response.

    The share by chance is that of people's values and the AI's values in other conversations of the same type.

    \b
    Example:
      value-taxonomy analyze mirroring records/ --taxonomy build/taxonomy.json --out mirroring.csv
    """
    from taxonomy.questions.mirroring import measure_mirroring

    with analysis.open("ai", "human") as (ai, human):
        found = measure_mirroring(ai, human, disclosure=analysis.disclosure)
    chance = (column(percent, "chance_share"), column(percent, "beyond_chance"))
    columns = (_LEVEL, column(str, "response"), _CONVERSATIONS, column(whole, "mirrored"), *_SHARE, *chance)
    give_answer(found.answer(), analysis, [Shown(found.table, columns, each="level")])


@click.command("models")
@analysis_options
@click.option("--control", default="task", show_default=True, help="A column that does not count as a difference.")
@click.option("--no-control", is_flag=True, help="Compare models as they are, whatever each was asked for.")
def analyze_models(control: str, no_control: bool, analysis: Analysis) -> None:
    """Say what each model says more or less than the others, where both are asked for the same.

    Shown are differences that stand after the correction of Benjamini and Hochberg (p_fdr under 0.05).

    \b
    Example:
      value-taxonomy analyze models records/ --taxonomy build/taxonomy.json --out models.csv
    """
    from click.core import ParameterSource

    from taxonomy.questions.compared_models import compare_models
    from taxonomy.questions.rates import keep_standing

    given = click.get_current_context().get_parameter_source("control")
    if no_control and given is ParameterSource.COMMANDLINE:
        raise click.UsageError("--control and --no-control exclude each other")
    with analysis.open("ai") as (ai,):
        found = compare_models(ai, control=None if no_control else control, disclosure=analysis.disclosure)
    differences = keep_standing(found.table).sort_values("p", kind="stable")
    of = (_LEVEL, _LABEL, column(str, "model"), _CONVERSATIONS, column(percent, "share"))
    shares = (column(percent, name) for name in ("others_share", "difference", "controlled_difference"))
    screen = [
        Shown(differences, (*of, *shares, column(figure, "odds_ratio"), column(p_value, "p_fdr")), "differences"),
        Shown(found.table[found.table["only"]], of, "said by one model only"),
    ]
    give_answer(found.answer(), analysis, screen)


@click.command("principles")
@analysis_options
@click.option("--principles", "path", type=PATH, help="A TOML file of principles and nodes.")
def analyze_principles(path: Path | None, analysis: Analysis) -> None:
    """Say what share of the AI's mentions serves each top principle: helpful, honest, harmless.

    \b
    Example:
      value-taxonomy analyze principles records/ --taxonomy build/taxonomy.json
    """
    from taxonomy.questions.principles import BUNDLED, load_principles, measure_principles

    mapping = load_principles(path or BUNDLED)
    with analysis.open("ai") as (ai,):
        found = measure_principles(ai, mapping, disclosure=analysis.disclosure)
    if found.absent and not analysis.reading.quiet:
        named = ", ".join(found.absent[:5]) + (" ..." if len(found.absent) > 5 else "")
        click.echo(f"{len(found.absent)} names of principles are no node of the taxonomy: {named}", err=True)
    mentions = (column(percent, f"mention_{name}") for name in ("share", "low", "high"))
    columns = (
        column(str, "principle"), column(whole, "mentions"), *mentions,
        _CONVERSATIONS, column(percent, "conversation_share"),
    )  # fmt: skip
    give_answer(found.answer(), analysis, [Shown(found.table, columns)])
