"""Which model is asked, and where; keys come from the environment alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from taxonomy.errors import LanguageModelError

OLLAMA = "http://localhost:11434/v1"
# What local servers are given is shorter: no secret, and a word that answers may hold.
_SHORTEST_KEY = 12


@dataclass(frozen=True)
class _Provider:
    """Its own server, and the variables of the environment that hold a key and the address of another server."""

    server: str
    key: str | None = None
    address: str | None = None


_PROVIDERS = {
    "anthropic": _Provider("https://api.anthropic.com", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "openai": _Provider("https://api.openai.com/v1", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "ollama": _Provider(OLLAMA),
}


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
        if self.provider not in _PROVIDERS or not self.name:
            known = ", ".join(f"{provider}/NAME" for provider in _PROVIDERS)
            remedy = f"give one of {known}, and `base_url` for another server"
            raise LanguageModelError(f"there is no model {self.model!r}", remedy=remedy)
        where = "`base_url`" if self.base_url is not None else self._provider.address
        try:
            parts = urlsplit(self.url)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            raise LanguageModelError(f"{where} is not an http or https address", remedy=f"give one such as {OLLAMA}")
        if parts.username or parts.password or parts.query:
            raise LanguageModelError(f"{where} holds a user, password or query", remedy="set a key in the environment")

    @classmethod
    def parse(cls, asked_at: str) -> Endpoint:
        """Return the endpoint whose `asked_at` this is."""
        model, _, url = asked_at.partition(" at ")
        endpoint = cls(model, url or None)
        # The environment may name another server today.
        return endpoint if url else cls(model, endpoint._provider.server)

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
    def url(self) -> str:
        """The address of the server."""
        if self.base_url is not None:
            return self.base_url
        address = self._provider.address
        return (os.environ.get(address) if address else None) or self._provider.server

    @property
    def is_own(self) -> bool:
        """Whether the server is the provider's own: it needs a key, and the provider's prices hold."""
        return self._provider.key is not None and self.url.rstrip("/") == self._provider.server

    @property
    def asked_at(self) -> str:
        """The model and where it is asked, which its answers are stored under."""
        return self.model if self.is_own else f"{self.model} at {self.url}"

    def key(self) -> str:
        """Return the key from the environment.

        Raises
        ------
        LanguageModelError
            If there is none, and the provider's own server needs one.
        """
        variable = self._provider.key
        key = os.environ.get(variable, "") if variable else ""
        if not key and self.is_own:
            raise LanguageModelError(f"{self.model}: there is no key in the environment", remedy=f"set {variable}")
        # The clients require a key, even for a server that needs none.
        return key or "none"

    @property
    def _provider(self) -> _Provider:
        return _PROVIDERS[self.provider]


def holds_key(text: str) -> bool:
    """Say whether a text holds a key of the environment, which a server may have echoed."""
    keys = [os.environ.get(provider.key, "") for provider in _PROVIDERS.values() if provider.key]
    return any(key in text for key in keys if len(key) >= _SHORTEST_KEY)
