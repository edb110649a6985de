"""The texts that a model is asked with: one file each in `prompts/`, with a version and a digest."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("prompts")


@dataclass(frozen=True)
class Prompt:
    """A text that a model is asked with.

    Attributes
    ----------
    name : str
    version : int
        Raised with each change of meaning.
    text : str
        As in the file: `{language}` stands for the language of the answers.
    """

    name: str
    version: int
    text: str

    @property
    def digest(self) -> str:
        """The sha256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def fill(self, language: str) -> str:
        """Return the text with the language of the answers. What conversations say never goes through here."""
        return self.text.replace("{language}", language)


@cache
def read_prompt(name: str) -> Prompt:
    """Return the prompt of a name."""
    found = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return Prompt(name, found["version"], found["text"].strip())


def list_prompts() -> list[Prompt]:
    """Return all prompts, by name."""
    return [read_prompt(path.stem) for path in sorted(_FOLDER.glob("*.toml"))]
