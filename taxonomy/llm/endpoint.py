"""Which model is asked, and where; keys come from the environment alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from taxonomy.errors import LanguageModelError

OLLAMA = "http://localhost:11434/v1"
# Where each provider's key is, None where it needs none.
_KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY", "ollama": None}
# Where the providers' own clients look for another address.
_ADDRESSES = {"anthropic": "ANTHROPIC_BASE_URL", "openai": "OPENAI_BASE_URL"}


@dataclass(frozen=True)
class Endpoint:
    """A model and the address of its server.

    Attributes
    ----------
    model : str
        ``anthropic/NAME``, ``openai/NAME`` or ``ollama/NAME``.
    base_url : str or None
        Of a server that speaks the provider's protocol; ``openai/NAME`` with it is any server that speaks OpenAI's.

    Raises
    ------
    LanguageModelError
        If there is no such provider, or the URL is not one.
    """

    model: str
    base_url: str | None = None

    def __post_init__(self) -> None:
        if self.provider not in _KEYS or not self.name:
            known = ", ".join(f"{provider}/NAME" for provider in _KEYS)
            remedy = f"give one of {known}, and `base_url` for another server"
            raise LanguageModelError(f"there is no model {self.model!r}", remedy=remedy)
        if self.base_url is not None:
            parts = urlsplit(self.base_url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                problem = "`base_url` is not an http or https address"
                raise LanguageModelError(problem, remedy=f"give one such as {OLLAMA}")
            if parts.username or parts.password or parts.query:
                problem = "`base_url` holds a user, password or query"
                raise LanguageModelError(problem, remedy="set a key in the environment")

    @classmethod
    def parse(cls, asked_at: str) -> Endpoint:
        """Return the endpoint whose `asked_at` this is."""
        model, _, url = asked_at.partition(" at ")
        return cls(model, url or None)

    @property
    def provider(self) -> str:
        """The part of the model's name before the first slash."""
        return self.model.partition("/")[0]

    @property
    def name(self) -> str:
        """The part of the model's name that the server knows."""
        return self.model.partition("/")[2]

    @property
    def protocol(self) -> str:
        """The module of the protocol that the server speaks."""
        return f"taxonomy.llm.{'anthropic' if self.provider == 'anthropic' else 'openai'}_protocol"

    @property
    def url(self) -> str | None:
        """The address of the server, None for the provider's own."""
        if self.base_url is not None or self.provider == "ollama":
            return self.base_url or OLLAMA
        return os.environ.get(_ADDRESSES[self.provider]) or None

    @property
    def asked_at(self) -> str:
        """The model and where it is asked, which its answers are stored under."""
        return f"{self.model} at {self.url}" if self.url else self.model

    @property
    def is_priced(self) -> bool:
        """Whether the provider's prices hold: not for a server of one's own."""
        return self.base_url is None and self.provider != "ollama"

    def key(self) -> str:
        """Return the key from the environment.

        Raises
        ------
        LanguageModelError
            If there is none, and the provider's own server needs one.
        """
        variable = _KEYS[self.provider]
        key = os.environ.get(variable, "") if variable else ""
        if variable and not key and self.base_url is None:
            raise LanguageModelError(f"{self.model}: there is no key in the environment", remedy=f"set {variable}")
        # The clients require a key, even for a server that needs none.
        return key or "none"


def without_keys(text: str) -> str:
    """Mask the keys of the environment, which a server may have echoed."""
    for variable in filter(None, _KEYS.values()):
        if key := os.environ.get(variable):
            text = text.replace(key, "***")
    return text
