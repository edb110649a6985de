"""What a language model is asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from pydantic import BaseModel

# Tokens that an answer may have. One that was cut off is asked for again with more; where the server takes no such
# room, with less.
ROOM = 4096
MORE_ROOM = 4 * ROOM
LESS_ROOM = ROOM // 4


@dataclass(frozen=True)
class Refusal:
    """Why the caller refuses an answer.

    Attributes
    ----------
    reason : str
        Sent to the model.
    remark : str
        Sent after it, followed by `data`.
    data : tuple of str
    """

    reason: str
    remark: str = ""
    data: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """Data that several questions are about, which is put into words once.

    Attributes
    ----------
    data : mapping
        Shown as JSON.
    """

    data: Mapping[str, Any]

    @cached_property
    def text(self) -> str:
        """The data in a block."""
        return block_of(self.data, indent=None)


@dataclass(frozen=True)
class Question:
    """What is asked about one thing.

    Attributes
    ----------
    subject : str
        What it is about, for the caller; not sent to the model.
    task : str
        What kind of question it is: it may have a model of its own, and costs are told apart by it.
    prompt : str
        The instructions for the model, which come first.
    data : mapping
        What the model is shown, as JSON; may be empty.
    form : type of BaseModel
        What it may answer: a closed form, whose lengths and choices are checked here.
    assumed : BaseModel
        An answer of the usual length, which an estimate goes on with.
    number : int
        Tells votes on the same data apart.
    refused : tuple of (str, Refusal)
        Earlier answers, as JSON, and why they were refused.
    context : Context or None
        What several questions have in common. It follows the prompt and is marked, so that a server may keep both.
    request : str
        What is asked of the context, after it.
    """

    subject: str
    task: str
    prompt: str
    data: Mapping[str, Any]
    form: type[BaseModel]
    assumed: BaseModel
    number: int = 0
    refused: tuple[tuple[str, Refusal], ...] = ()
    context: Context | None = None
    request: str = ""

    def kept(self) -> str:
        """Return the context as it is sent; empty where there is none."""
        return self.context.text if self.context else ""

    def turns(self) -> list[tuple[str, str]]:
        """Return what is said after the prompt and the context, each with its role: the data, and what was refused."""
        parts = [self.request, block_of(self.data) if self.data else ""]
        said = [("user", "\n\n".join(filter(None, parts)))]
        for answer, refusal in self.refused:
            request = f"This answer can't be used: {refusal.reason}. Answer again, in full."
            if refusal.remark:
                request += f" {refusal.remark}\n{block_of(refusal.data)}"
            said += [("assistant", answer), ("user", request)]
        return said

    def digest(self, model: str) -> str:
        """Return what the answer of a model is stored under: another model, prompt, form or setting has another."""
        asked = [model, schema_of(self.form), self.prompt, self.kept(), self.turns(), self.number, ROOM]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()

    def bytes_in(self) -> int:
        """Return the length in UTF-8 of all that is sent, the form included."""
        parts = [schema_of(self.form), self.prompt, self.kept(), *(text for _, text in self.turns())]
        return sum(len(part.encode()) for part in parts)


@dataclass(frozen=True)
class Request:
    """A question as it is sent.

    Attributes
    ----------
    system, context : str
    turns : list of (str, str)
        Role and text.
    form : type of BaseModel
    room : int
        Tokens that the answer may have.
    """

    system: str
    context: str
    turns: list[tuple[str, str]]
    form: type[BaseModel]
    room: int = ROOM


@cache
def schema_of(form: type[BaseModel]) -> str:
    """Return the JSON schema of a form."""
    return json.dumps(form.model_json_schema())


def schema_without_lengths(form: type[BaseModel]) -> Any:
    """Return the JSON schema of a form as the large providers take it, whose servers refuse lengths."""
    return _without_lengths(json.loads(schema_of(form)))


def _without_lengths(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: _without_lengths(part) for name, part in schema.items() if name not in ("minLength", "maxLength")}
    return [_without_lengths(part) for part in schema] if isinstance(schema, list) else schema


def block_of(data: Any, *, indent: int | None = 1) -> str:
    """Return data as JSON in a block that nothing in it can close."""
    # Half of a surrogate pair, as exports hold it, can't be sent.
    text = json.dumps(data, ensure_ascii=False, indent=indent).encode(errors="replace").decode()
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return f"<data>\n{text}\n</data>"
