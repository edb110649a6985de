"""A study: from conversations to values, their taxonomy, and a report, one step after the other."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from taxonomy.building.built import Built
from taxonomy.building.folder import check_build_folder
from taxonomy.building.pipeline import build
from taxonomy.building.recipe import Recipe
from taxonomy.errors import InputError
from taxonomy.extraction.conversation_set import Conversations
from taxonomy.extraction.extraction_recipe import ExtractionRecipe
from taxonomy.extraction.extraction_run import extract_values
from taxonomy.extraction.extractor import Extraction
from taxonomy.files import check_folder
from taxonomy.labels.language_model import Labeller, LanguageModel
from taxonomy.llm.settling import Asker
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.engines import open_engine
from taxonomy.mentions.opening import RecordsWarning, open_mentions
from taxonomy.mentions.records import open_records
from taxonomy.mentions.strings import Strings, count_strings
from taxonomy.mentions.tables import write_table
from taxonomy.progress import StageProgress, stage_of
from taxonomy.report.parts import Report
from taxonomy.report.writing import write_report

EXTRACTION, COUNTS, TAXONOMY, REPORT = "extraction", "counts.csv", "taxonomy", "report.html"


@dataclass(frozen=True)
class Study:
    """What the steps of a study gave.

    Attributes
    ----------
    extraction : Extraction
        Of ``extraction/``: what became of the conversations.
    strings : Strings
        Of ``counts.csv``: the values of both sides, and how often each was named.
    built : Built
        Of ``taxonomy/``: the taxonomy of these values.
    report : Report
        Of ``report.html``, and the folder of tables beside it.
    """

    extraction: Extraction
    strings: Strings
    built: Built
    report: Report


def run_study(  # noqa: PLR0913 - the public call: what the command line takes, one option each
    conversations: Conversations,
    llm: LanguageModel,
    out: str | Path,
    *,
    recipe: ExtractionRecipe | None = None,
    screen_model: str | None = None,
    key: str | Path | None = None,
    building: Recipe | None = None,
    labeller: Labeller | None = None,
    disclosure: Disclosure = PUBLIC,
    progress: StageProgress | None = None,
    watch: Callable[[Asker], None] | None = None,
) -> Study:
    """Extract values from conversations, count them, build their taxonomy, and report what the conversations show.

    Each step writes its files when it is done, and is the same as the function or command of its own. The same call
    goes on where one was cut short: answers and vectors are stored.

    Parameters
    ----------
    conversations : Conversations
        As `open_conversations` gives them.
    llm : LanguageModel
        What extracts the values.
    out : str or Path
        The folder: ``extraction/`` (private), ``counts.csv``, ``taxonomy/``, ``report.html`` and its tables.
    recipe, screen_model, key
        As for `extract_values`.
    building : Recipe, optional
        How the taxonomy is built.
    labeller : Labeller, optional
        Names the nodes; offline names by default.
    disclosure : Disclosure
        The least that a string is counted from, and a figure reported.
    progress : callable, optional
        Called with a stage, steps done, and steps in all.
    watch : callable, optional
        As for `extract_values`.

    Returns
    -------
    Study

    Raises
    ------
    LanguageModelError, InputError, OutputError, LevelsError, embeddings.EmbeddingError
        As the steps do. What was written before stays.
    """
    folder = Path(out)
    check_folder(folder)
    check_build_folder(folder / TAXONOMY)
    extraction = extract_values(
        conversations,
        llm,
        folder / EXTRACTION,
        recipe=recipe,
        screen_model=screen_model,
        key=key,
        progress=progress,
        watch=watch,
    )
    strings = _count(folder, disclosure)
    built = build(
        folder / COUNTS,
        building,
        labeller=labeller,
        value_column="value",
        weight_column="count",
        progress=progress,
    )
    built.write(folder / TAXONOMY, progress=progress)
    with warnings.catch_warnings():
        # The report lists them.
        warnings.simplefilter("ignore", RecordsWarning)
        mentions = open_mentions(folder / EXTRACTION, built.tree, progress=progress)
    with mentions:
        questions = stage_of(progress, "questions")
        report = write_report(mentions, folder / REPORT, disclosure=disclosure, progress=questions)
    return Study(extraction, strings, built, report)


def _count(folder: Path, disclosure: Disclosure) -> Strings:
    """Count the values of both sides, and write them."""
    with open_engine("duckdb") as engine:
        strings = count_strings(open_records([folder / EXTRACTION], engine=engine), disclosure=disclosure)
    if strings.table.empty:
        least = f"{disclosure.min_conversations} conversations or {disclosure.min_users} users"
        problem = f"all values are of fewer than {least}, so that none may be counted"
        remedy = "give more conversations, or lower `min_conversations` and `min_users` for internal use"
        raise InputError(problem, path=str(folder / EXTRACTION), remedy=remedy)
    write_table(strings.table, folder / COUNTS, internal=disclosure.is_internal)
    return strings
