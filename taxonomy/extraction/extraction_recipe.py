"""How values are extracted: what is asked, of what, and in which form."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from taxonomy.errors import InputError
from taxonomy.extraction.answer_forms import PARTS
from taxonomy.extraction.extraction_defaults import DEFAULT_LEVEL, LEVELS, WINDOW, Subjectivity
from taxonomy.extraction.prompt_files import Prompt, read_prompt

_SHORTEST_WINDOW = 1_000


@dataclass(frozen=True)
class ExtractionRecipe:
    """How values are extracted from conversations.

    Attributes
    ----------
    screen : bool
        Whether to ask first how subjective a conversation is, and leave out those below `keep_from`.
    keep_from : {"objective", "mostly objective", "mostly subjective", "subjective"}
        The least subjective level that is kept.
    combined : bool
        Ask for all features in one question, instead of one each.
    language : str
        In which values and tasks are named, whatever the conversation's language.
    window : int
        Characters that a model is shown at once; longer conversations are shown in windows of whole turns.

    Raises
    ------
    InputError
        If a level is not known, the window is too small, or the language is no name of one.
    """

    screen: bool = True
    keep_from: Subjectivity = DEFAULT_LEVEL
    combined: bool = False
    language: str = "English"
    window: int = WINDOW

    def __post_init__(self) -> None:
        if self.keep_from not in LEVELS:
            remedy = f"give one of {', '.join(LEVELS)}"
            raise InputError(f"`keep_from` is {self.keep_from!r}, which is no level", remedy=remedy)
        if self.window < _SHORTEST_WINDOW:
            remedy = f"give {_SHORTEST_WINDOW:,} characters or more"
            raise InputError(f"`window` is {self.window:,} characters", remedy=remedy)
        if not self.language.replace(" ", "").replace("-", "").isalpha():
            problem = f"`language` is {self.language!r}, which is no name of a language"
            raise InputError(problem, remedy="give one such as English")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The parts that are asked together, of a conversation in one window."""
        return (PARTS,) if self.combined else tuple((part,) for part in PARTS)

    def prompts(self) -> dict[str, Prompt]:
        """Return the prompts that are used, by name."""
        names = (*(("screening",) if self.screen else ()), "reader", *PARTS)
        return {name: read_prompt(name) for name in names}

    def describe(self, model: str, screen_model: str) -> dict[str, Any]:
        """Return what figures depend on, with its digest: those of two digests can't be compared.

        Parameters
        ----------
        model, screen_model : str
            Names of the models that extract and that screen, without an address.
        """
        described: dict[str, Any] = {
            "model": model,
            "screening": {"model": screen_model, "keep_from": self.keep_from} if self.screen else None,
            "prompts": {name: prompt.digest for name, prompt in self.prompts().items()},
            "combined": self.combined,
            "language": self.language,
            "window": self.window,
        }
        digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
        return {"digest": digest, **described}
