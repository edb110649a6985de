"""The same items as tasks of Label Studio, and the answers that it exports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from taxonomy.errors import InputError
from taxonomy.extraction.verification.review_item import SIDE_NAMES, ReviewItem
from taxonomy.extraction.verification.review_sheet import item_of, turns_text
from taxonomy.values.text_files import open_file

_ANSWER, _MISSING, _NOTE = "answer", "missing", "note"
_REMEDY = "export the project from Label Studio as JSON"


def tasks_json(items: Sequence[ReviewItem]) -> str:
    """Return items as tasks to import, in Label Studio's JSON format."""
    return json.dumps([{"data": _data(item)} for item in items], indent=1, ensure_ascii=False) + "\n"


def _data(item: ReviewItem) -> dict[str, Any]:
    return {
        "item": item.item,
        "kind": item.kind,
        "question": item.question,
        "claim": item.claim,
        "side": "" if item.side is None else SIDE_NAMES[item.side],
        "turn": str(item.turn or ""),
        "quote": item.quote,
        "text": turns_text(item.turns),
        # Label Studio shows no empty text.
        "shown_claim": item.claim or "-",
        "evidence": f"Turn {item.turn}: {item.quote}" if item.turn else "-",
        "answers": [{"value": answer} for answer in item.answers],
    }


def labelling_config() -> str:
    """Return the labelling configuration of a project for such tasks."""
    rows = ("question", "shown_claim", "evidence")
    shown = "\n".join(f"  <Text name={quoteattr(name)} value={quoteattr('$' + name)}/>" for name in rows)
    return f"""<View>
{shown}
  <Choices name="{_ANSWER}" toName="text" value="$answers" choice="single" showInline="true" required="true"/>
  <TextArea name="{_MISSING}" toName="text" placeholder="Missing values of a whole conversation, with ; between"/>
  <TextArea name="{_NOTE}" toName="text" placeholder="Note"/>
  <Text name="text" value="$text"/>
</View>
"""


def read_export(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the answers in an export, each with who gave it: ``item``, ``answer``, ``missing`` and ``note``.

    Raises
    ------
    InputError
        If it is none.
    """
    for number, task in enumerate(_tasks(path), 1):
        with _one_error(path, number):
            answers = list(_answers(task))
        yield from answers


def read_tasks(path: Path) -> Iterator[ReviewItem]:
    """Yield the items of tasks, without answers.

    Raises
    ------
    InputError
        If the file holds none.
    """
    for number, task in enumerate(_tasks(path), 1):
        with _one_error(path, number):
            item = item_of({**task["data"], **dict.fromkeys((_ANSWER, _MISSING, _NOTE), "")})
        yield item


def _tasks(path: Path) -> list[Any]:
    with open_file(path) as stream:
        try:
            tasks = json.load(stream)
        except (ValueError, RecursionError):
            raise InputError("the file is not JSON", path=str(path), remedy=_REMEDY) from None
    if not isinstance(tasks, list):
        raise InputError("the file is no list of tasks", path=str(path), remedy=_REMEDY)
    return tasks


@contextmanager
def _one_error(path: Path, number: int) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, AttributeError, IndexError, ValueError):
        problem = "the task is not as Label Studio exports it"
        raise InputError(problem, path=str(path), row=number, remedy=_REMEDY) from None


def _answers(task: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    item = str(task["data"]["item"])
    for annotation in task.get("annotations", ()):
        if annotation.get("was_cancelled"):
            continue
        given = {"item": item, **dict.fromkeys((_ANSWER, _MISSING, _NOTE), "")}
        for result in annotation["result"]:
            name, value = result["from_name"], result["value"]
            if name == _ANSWER:
                given[name] = str(value["choices"][0])
            elif name in (_MISSING, _NOTE):
                given[name] = "; ".join(map(str, value["text"]))
        yield str(annotation.get("completed_by", "")), given
