"""An extraction whose model is asked without a server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from taxonomy.extraction.conversation_set import open_conversations
from taxonomy.extraction.extraction_folder import ExtractionFolder
from taxonomy.extraction.extraction_recipe import ExtractionRecipe
from taxonomy.extraction.extraction_tables import ExtractionTables
from taxonomy.extraction.extractor import Extraction, extract
from taxonomy.llm.question import Question
from taxonomy.llm.reply import Outcome, Reply
from taxonomy.llm.spending import Usage
from tests.extraction.planted import Model, request_of


class Direct:
    """Asks a model, some of whose answers fail.

    Parameters
    ----------
    model : callable
    failing : mapping of Outcome to float, optional
        The part of all questions that end so.
    """

    def __init__(self, model: Model, failing: Mapping[Outcome, float] | None = None) -> None:
        self.usage = self.expected = Usage()
        self._model = model
        self._failing = dict(failing or {})

    def ask(self, questions: Iterable[Question]) -> Iterator[tuple[Question, Reply]]:
        for question in questions:
            yield question, self._failed(question) or self._answered(question)

    def took(self, question: Question, usage: Usage) -> None:
        usage.calls += 1

    def _answered(self, question: Question) -> Reply:
        answer = question.form.model_validate(self._model(request_of(question)))
        return Reply(Outcome.ANSWERED, answer.model_dump_json())

    def _failed(self, question: Question) -> Reply | None:
        drawn = int(hashlib.sha256(question.digest("").encode()).hexdigest()[:8], 16) / 2**32
        for outcome, part in self._failing.items():
            drawn -= part
            if drawn < 0:
                return Reply(outcome, reason="as planned")
        return None


def extract_directly(
    chats: Path,
    out: Path,
    model: Model,
    *,
    failing: Mapping[Outcome, float] | None = None,
    recipe: ExtractionRecipe | None = None,
) -> Extraction:
    """Extract the values of a file's conversations into a folder."""
    recipe = recipe or ExtractionRecipe(combined=True)
    folder = ExtractionFolder(out)
    tables = ExtractionTables(folder.key)
    with open_conversations(chats) as conversations:
        done = extract(conversations, Direct(model, failing), recipe, tables)
        described = recipe.describe("openai/fake", "openai/fake")
        folder.write(tables, described, {**described, **done.summary()}, conversations)
    return done
