"""Extract values from conversations into a folder, or count what that would ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from taxonomy.errors import InputError, check_type
from taxonomy.extraction.conversation_questions import SCREENING
from taxonomy.extraction.conversation_set import Conversations
from taxonomy.extraction.extraction_folder import ExtractionFolder
from taxonomy.extraction.extraction_recipe import ExtractionRecipe
from taxonomy.extraction.extraction_tables import ExtractionTables
from taxonomy.extraction.extractor import Extraction, extract
from taxonomy.extraction.keyed_ids import new_key
from taxonomy.extraction.noted_answers import NotedAnswers, read_noted, write_noted
from taxonomy.labels.language_model import LanguageModel
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.entry import Connection
from taxonomy.llm.question import Question
from taxonomy.llm.settling import Asker
from taxonomy.llm.spending import Usage
from taxonomy.progress import StageProgress, stage_of


def extract_values(  # noqa: PLR0913 - the public call: what the command line takes, one option each
    conversations: Conversations,
    llm: LanguageModel,
    out: str | Path,
    *,
    recipe: ExtractionRecipe | None = None,
    screen_model: str | None = None,
    key: str | Path | None = None,
    progress: StageProgress | None = None,
    watch: Callable[[Asker], None] | None = None,
) -> Extraction:
    """Extract the values that conversations express, each with its evidence, into a folder.

    The method is that of "Values in the Wild" (arXiv 2504.15236): a screener keeps subjective conversations; of each
    that is kept a model names the AI's values, the person's stated values, the type of the response, and the task.
    Answers are stored as they come, so that the same call goes on where one was cut short.

    Parameters
    ----------
    conversations : Conversations
        As `open_conversations` gives them.
    llm : LanguageModel
        What is asked, and how; `refine` and `votes` are about naming alone.
    out : str or Path
        The folder, which only its owner can read. ``mentions.parquet`` and ``conversations.parquet`` are records for
        `open_mentions`; ``extraction.json`` counts; ``private/`` holds evidence, failures and the way back to the ids.
    recipe : ExtractionRecipe, optional
    screen_model : str, optional
        Another model for the screener, such as a cheaper one; at the same server where its provider is the same.
    key : str or Path, optional
        The file ``private/key`` of another extraction, so that the same ids have the same digests.
    progress : callable, optional
        Called with (stage, conversations done, conversations in all).
    watch : callable, optional
        Given what asks the questions, whose `usage` and `expected` change while it does.

    Returns
    -------
    Extraction

    Raises
    ------
    LanguageModelError
        If a model can't be asked at all. What was answered is stored.
    InputError
        If an argument is not what it must be.
    OutputError
        If the folder can't be written, or is another's.
    """
    check_type(conversations, Conversations, "conversations", "give what taxonomy.open_conversations returns")
    check_type(llm, LanguageModel, "llm", "give a taxonomy.LanguageModel")
    recipe = recipe or ExtractionRecipe()
    if screen_model is not None and not recipe.screen:
        raise InputError("`screen_model` is given, and nothing is screened", remedy="leave one of both out")
    connection = _connect(llm, screen_model)
    folder = ExtractionFolder(Path(out), key=None if key is None else Path(key))
    screener = connection.others.get(SCREENING, connection.endpoint)
    described = recipe.describe(connection.endpoint.model, screener.model)
    folder.check_same(described)
    tables = ExtractionTables(folder.key)
    noted = read_noted(folder.path) or NotedAnswers()

    def note(question: Question) -> None:
        model = connection.others.get(question.task, connection.endpoint).asked_at
        noted.add(question.digest(model), model)

    with connection.open(stage_of(progress, "in batches")) as asker:
        if watch is not None:
            watch(asker)
        done = extract(conversations, asker, recipe, tables, note=note, progress=progress)
    # Before the rest, so that what is quoted there can be purged with its answers.
    write_noted(folder.path, noted)
    models = {"extraction": connection.endpoint.asked_at, "screening": screener.asked_at if recipe.screen else None}
    versions = {name: prompt.version for name, prompt in recipe.prompts().items()}
    summary = {**described, "models": models, "prompt_versions": versions, **done.summary()}
    folder.write(tables, described, summary, conversations)
    return done


def plan_extraction(
    conversations: Conversations,
    llm: LanguageModel,
    *,
    recipe: ExtractionRecipe | None = None,
    screen_model: str | None = None,
) -> Usage:
    """Return what `extract_values` would ask, as if all conversations were kept whose screening is not stored."""
    with _connect(llm, screen_model).rehearse() as asker:
        extract(conversations, asker, recipe or ExtractionRecipe(), ExtractionTables(new_key()))
        return asker.usage


def _connect(llm: LanguageModel, screen_model: str | None) -> Connection:
    """Return how to ask, with another model for the screener where one is named."""
    if screen_model is None:
        return llm.connection
    is_same = screen_model.partition("/")[0] == llm.model.partition("/")[0]
    screener = Endpoint(screen_model, llm.base_url if is_same else None)
    return replace(llm.connection, others={SCREENING: screener})
