"""`value-taxonomy analyze`: a command for each question, those that compare periods apart."""

from __future__ import annotations

from pathlib import Path

import click

from taxonomy.cli.answer_output import (
    Shown,
    column,
    format_figure,
    format_p,
    format_percent,
    format_whole,
    give_answer,
    interval,
)
from taxonomy.cli.commands import LazyGroup
from taxonomy.cli.options import Choice
from taxonomy.cli.record_options import PATH, SIDES_OR_BOTH, Analysis, analysis_options

# Each by its module and function.
QUESTIONS = {
    "frequency": "analyze:frequency_command",
    "context": "analyze:context_command",
    "responses": "analyze:responses_command",
    "mirroring": "analyze:mirroring_command",
    "models": "analyze:models_command",
    "principles": "analyze:principles_command",
    "anomalies": "analyze_periods:anomalies_command",
    "drift": "analyze_periods:drift_command",
}

_LEVEL = column(format_whole, "level")
_LABEL = column(str, "label")
_CONVERSATIONS = column(format_whole, "conversations")
_SHARE = tuple(column(format_percent, name) for name in ("share", "low", "high"))
_SIGNIFICANCE = (column(format_figure, "residual"), column(format_p, "p_fdr"))


@click.group("analyze", cls=LazyGroup, groups={"Questions": QUESTIONS})
def analyze_group() -> None:
    """Answer a question from records of value mentions.

    \b
    Example:
      value-taxonomy analyze frequency records/ --taxonomy build/taxonomy.json
    """


@click.command("frequency")
@analysis_options
@click.option("--side", type=Choice(SIDES_OR_BOTH), default="both", show_default=True, help="Whose values.")
@click.option("--update", type=PATH, help="Write TAXONOMY here, with the conversations of each node.")
def frequency_command(side: str, update: Path | None, analysis: Analysis) -> None:
    """Count how often each value, and each node above it, is expressed.

    FILES are files of records (Parquet, CSV or JSON), folders or globs. --update takes the figures of the first side.

    \b
    Example:
      value-taxonomy analyze frequency records/ --taxonomy build/taxonomy.json --out frequency.csv
    """
    from taxonomy.english.plurals import count_of
    from taxonomy.errors import InputError
    from taxonomy.formats.readers import read
    from taxonomy.questions.answer import join_answers
    from taxonomy.questions.frequency import RARE, add_conversations, measure_frequency

    if update is not None and analysis.disclosure.is_internal:
        raise click.UsageError("--update excludes --internal: a taxonomy can't be marked as internal")
    with analysis.open() as (mentions,):
        sides = [name for name in mentions.sides if side in (name, "both")]
        if not sides:
            remedy = "give records of it, or ask for the other side"
            raise InputError(f"no mention is of the {side} side", remedy=remedy)
        if update is not None and sides[0] == "human" and analysis.human_tree is not None:
            raise click.UsageError(
                "--update writes --taxonomy: give the human side's taxonomy there, with --side human"
            )
        by_side = [measure_frequency(analysis.place(mentions, name), disclosure=analysis.disclosure) for name in sides]
    if update is not None:
        add_conversations(read(analysis.tree), by_side[0]).write(update)
    columns = (
        column(str, "level"),
        column(str, "label", heading=""),
        _CONVERSATIONS,
        column(format_percent, "conversation_share", heading="share"),
        interval("conversation_low", "conversation_high"),
        column(format_whole, "mentions"),
        column(format_percent, "mention_share", heading="share"),
    )
    screen: list[str | Shown] = []
    for figures in by_side:
        counts = f"{count_of(figures.conversations, 'conversation')}, {count_of(figures.mentions, 'mention')}"
        rare = f"{figures.rare:,} ({figures.rare / figures.values:.1%}) in under {RARE:.2%} of conversations"
        title = f"{figures.side}: {counts} of {count_of(figures.values, 'value')}, {rare}"
        screen += [title, Shown(figures.table, columns, each="level", most=8)]
    give_answer(join_answers([figures.answer() for figures in by_side]), analysis, screen, written=[update])


@click.command("context")
@analysis_options
@click.option("--by", default="task", show_default=True, help="A column of conversations, or human-value.")
@click.option("--level", type=click.IntRange(0), help="Show nodes of this level only.")
def context_command(by: str, level: int | None, analysis: Analysis) -> None:
    """Find which of the AI's values go with which task, model, language or human value.

    Shown are the associations that are significant after the correction of Benjamini and Hochberg (p_fdr up to 0.05),
    the largest residuals first. --out has all that are disclosed.

    \b
    Example:
      value-taxonomy analyze context records/ --taxonomy build/taxonomy.json --by task --out context.csv
    """
    from taxonomy.english.plurals import count_of
    from taxonomy.questions.contexts import HUMAN_VALUE, compare_contexts
    from taxonomy.questions.rates import keep_significant

    if by == HUMAN_VALUE:
        with analysis.open_sides("ai", "human") as (ai, human):
            contexts = compare_contexts(ai, human, disclosure=analysis.disclosure)
    else:
        with analysis.open_sides("ai") as (ai,):
            contexts = compare_contexts(ai, by, disclosure=analysis.disclosure)
    if level is not None:
        contexts = contexts.at_level(level)
    significant = keep_significant(contexts.associations).sort_values(
        "residual", key=abs, ascending=False, kind="stable"
    )
    share, expected = column(format_percent, "share"), column(format_figure, "expected")
    columns = (_LEVEL, _LABEL, column(str, "category"), _CONVERSATIONS, share, expected, *_SIGNIFICANCE)
    screen: list[str | Shown] = [Shown(significant, columns, "goes with")]
    # A conversation can hold several human values, so there is no share in each to compare.
    if by != HUMAN_VALUE:
        steadiest = contexts.variation[contexts.variation["level"] == (level or 0)]
        varied = [column(format_figure, name) for name in ("cv", "cv_low", "cv_high", "cv_by_chance")]
        screen.append(Shown(steadiest, (_LEVEL, _LABEL, _CONVERSATIONS, *varied), "steadiest across categories"))
    give_answer(contexts.answer(), analysis, screen)
    if contexts.low_expected and not analysis.reading.quiet:
        nodes = count_of(contexts.low_expected, "node")
        click.echo(f"Expected counts under 5, so that chi-square is not to be trusted: {nodes}", err=True)


@click.command("responses")
@analysis_options
def responses_command(analysis: Analysis) -> None:
    """Describe how the AI responds to people's values, and which values go with each response.

    --out has the associations of nodes with response types; --json has the other tables, too.

    \b
    Example:
      value-taxonomy analyze responses records/ --taxonomy build/taxonomy.json --out responses.csv
    """
    from taxonomy.questions.rates import keep_significant
    from taxonomy.questions.responses import describe_responses

    with analysis.open_sides("ai") as (ai,):
        responses = describe_responses(ai, disclosure=analysis.disclosure)
    significant = keep_significant(responses.associations[responses.associations["residual"] > 0])
    significant = significant.sort_values("residual", ascending=False, kind="stable")
    response = column(str, "response")
    goes_with = (_LEVEL, _LABEL, column(str, "category"), _CONVERSATIONS, *_SHARE, *_SIGNIFICANCE)
    screen = [
        Shown(responses.types, (response, _CONVERSATIONS, *_SHARE), "response types"),
        Shown(significant, goes_with, "goes with"),
        Shown(
            responses.explicit,
            (response, _LEVEL, _LABEL, column(format_whole, "mentions"), *_SHARE),
            "expressed explicitly",
        ),
    ]
    give_answer(responses.answer(), analysis, screen)


@click.command("mirroring")
@analysis_options
def mirroring_command(analysis: Analysis) -> None:
    """Measure how often the AI takes up a value that people express.

    Shares are by type of response, for values and the nodes above. The share by chance is that of people's values and
    the AI's values in other conversations of the same type.

    \b
    Example:
      value-taxonomy analyze mirroring records/ --taxonomy build/taxonomy.json --out mirroring.csv
    """
    from taxonomy.questions.mirroring import measure_mirroring

    with analysis.open_sides("ai", "human") as (ai, human):
        mirroring = measure_mirroring(ai, human, disclosure=analysis.disclosure)
    chance = (column(format_percent, "chance_share"), column(format_percent, "beyond_chance"))
    columns = (_LEVEL, column(str, "response"), _CONVERSATIONS, column(format_whole, "mirrored"), *_SHARE, *chance)
    give_answer(mirroring.answer(), analysis, [Shown(mirroring.table, columns, each="level")])


@click.command("models")
@analysis_options
@click.option(
    "--control", default="task", show_default=True, help="Column whose differences between models do not count."
)
@click.option("--no-control", is_flag=True, help="Compare models as they are.")
def models_command(control: str, no_control: bool, analysis: Analysis) -> None:
    """Compare which values each model expresses more or less than the others.

    Models are compared within the categories of --control. Shown are differences that are significant after the
    correction of Benjamini and Hochberg (p_fdr up to 0.05).

    \b
    Example:
      value-taxonomy analyze models records/ --taxonomy build/taxonomy.json --out models.csv
    """
    from click.core import ParameterSource

    from taxonomy.questions.compared_models import compare_models
    from taxonomy.questions.rates import keep_significant

    given = click.get_current_context().get_parameter_source("control")
    if no_control and given is ParameterSource.COMMANDLINE:
        raise click.UsageError("--control and --no-control exclude each other")
    with analysis.open_sides("ai") as (ai,):
        models = compare_models(ai, control=None if no_control else control, disclosure=analysis.disclosure)
    differences = keep_significant(models.table).sort_values("p", kind="stable")
    of = (_LEVEL, _LABEL, column(str, "model"), _CONVERSATIONS, column(format_percent, "share"))
    shares = (column(format_percent, name) for name in ("others_share", "difference", "controlled_difference"))
    screen = [
        Shown(
            differences, (*of, *shares, column(format_figure, "odds_ratio"), column(format_p, "p_fdr")), "differences"
        ),
        Shown(models.table[models.table["only"]], of, "expressed by one model only"),
    ]
    give_answer(models.answer(), analysis, screen)


@click.command("principles")
@analysis_options
@click.option("--principles", type=PATH, help="A TOML file that maps nodes to principles.")
def principles_command(principles: Path | None, analysis: Analysis) -> None:
    """Measure what share of the AI's mentions serves each principle: helpful, honest, harmless.

    \b
    Example:
      value-taxonomy analyze principles records/ --taxonomy build/taxonomy.json
    """
    from taxonomy.english.plurals import count_of
    from taxonomy.questions.principles import measure_principles, take_principles

    # A file that can't be read is said before the records are.
    take_principles(principles)
    with analysis.open_sides("ai") as (ai,):
        served = measure_principles(ai, principles, disclosure=analysis.disclosure)
    if served.absent and not analysis.reading.quiet:
        named = ", ".join(served.absent[:5]) + (" ..." if len(served.absent) > 5 else "")
        names = count_of(len(served.absent), "name")
        click.echo(f"Not a node of the taxonomy: {names} of principles: {named}", err=True)
    mentions = (column(format_percent, f"mention_{name}") for name in ("share", "low", "high"))
    columns = (
        column(str, "principle"), column(format_whole, "mentions"), *mentions,
        _CONVERSATIONS, column(format_percent, "conversation_share"),
    )  # fmt: skip
    give_answer(served.answer(), analysis, [Shown(served.table, columns)])
