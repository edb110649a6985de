"""One question to a language model over HTTP, through `instructor`; keys come from the environment alone."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from taxonomy.errors import LanguageModelError
from taxonomy.llm.limits import RETRIES, TIMEOUT

Messages = Sequence[dict[str, str]]

OLLAMA = "http://localhost:11434/v1"
# Where each provider's key is, None where it needs none.
_KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY", "ollama": None}
# Anthropic's protocol requires a limit; answers are short.
_MOST_TOKENS = 4096
# The same for every question: asking again does not help.
_FATAL = {401: "refused the key", 403: "refused the key", 404: "does not know the model or the address"}


class UnansweredError(Exception):
    """A question that got no answer of the form asked for, in spite of the retries; its text is fit to print."""


@dataclass(frozen=True)
class Wire:
    """The address of a model, and how it is called.

    Attributes
    ----------
    model : str
        ``anthropic/NAME``, ``openai/NAME`` or ``ollama/NAME``.
    base_url : str or None
        Of a server that speaks the provider's protocol; ``openai/NAME`` with it is any server that speaks OpenAI's.
    timeout : float
        Seconds that a server may keep silent.
    retries : int
        How often a failed call is made again (connection, time-out, rate limit, server error: with exponential
        back-off, or as the server says), and how often an answer of another form is asked again.
    """

    model: str
    base_url: str | None = None
    timeout: float = TIMEOUT
    retries: int = RETRIES

    def __post_init__(self) -> None:
        provider, _, name = self.model.partition("/")
        if provider not in _KEYS or not name:
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

    @property
    def provider(self) -> str:
        """The part of the model's name before the first slash."""
        return self.model.partition("/")[0]

    @property
    def name(self) -> str:
        """The part of the model's name that the server knows."""
        return self.model.partition("/")[2]

    def connect(self, *, keyless: bool = False) -> Connection:
        """Return a connection, which may be used from several threads and must be closed.

        Parameters
        ----------
        keyless : bool
            Do without a key, where nothing will be asked.

        Raises
        ------
        LanguageModelError
            If the extra is missing, or the key is not in the environment.
        """
        try:
            instructor, _ = import_module("instructor"), import_module("genai_prices")
            sdk = import_module("anthropic" if self.provider == "anthropic" else "openai")
        except ModuleNotFoundError as error:
            problem = f"asking a language model needs {error.name}, which is not installed"
            raise LanguageModelError(problem, remedy="run: pip install 'value-taxonomy[llm]'") from error
        # instructor logs answers as errors, which may quote the key; errors here never do.
        logging.getLogger("instructor").setLevel(logging.CRITICAL + 1)
        settings: dict[str, Any] = {
            "api_key": self._key(required=not keyless),
            "timeout": self.timeout,
            "max_retries": self.retries,
        }
        url = self.base_url or (OLLAMA if self.provider == "ollama" else None)
        if url is not None:
            settings["base_url"] = url
        if self.provider == "anthropic":
            raw = sdk.Anthropic(**settings)
            options = {"max_tokens": _MOST_TOKENS}
            return Connection(self, instructor.from_anthropic(raw), str(raw.base_url), options, raw.close)
        raw = sdk.OpenAI(**settings)
        # Servers other than OpenAI's own know the schema of an answer better than tools.
        mode = instructor.Mode.TOOLS if url is None else instructor.Mode.JSON_SCHEMA
        return Connection(self, instructor.from_openai(raw, mode=mode), str(raw.base_url), {}, raw.close)

    def _key(self, *, required: bool) -> str:
        variable = _KEYS[self.provider]
        key = os.environ.get(variable, "") if variable else ""
        if variable and not key and required and self.base_url is None:
            raise LanguageModelError(f"{self.model}: there is no key in the environment", remedy=f"set {variable}")
        # The clients require a key, even for a server that needs none.
        return key or "none"


@dataclass(frozen=True)
class Connection:
    """An open way to a model, to be closed; `url` is where its questions go."""

    wire: Wire
    client: Any
    url: str
    options: dict[str, Any]
    close: Callable[[], None]

    def ask(self, messages: Messages, form: type[BaseModel]) -> str:
        """Return the answer as JSON of the form.

        Raises
        ------
        UnansweredError
            If there was none after the retries.
        LanguageModelError
            If the server will answer no question: a wrong key, model or address.
        """
        problem, fatal = "", False
        try:
            answer: BaseModel = self.client.create(
                model=self.wire.name,
                messages=[dict(message) for message in messages],
                response_model=form,
                max_retries=self.wire.retries,
                **self.options,
            )
            return _without_keys(answer.model_dump_json())
        # Whatever goes wrong fails this question alone.
        except Exception as error:
            problem, fatal = _explain(error)
        # Outside of the handler, so that no traceback shows what the server said.
        if fatal:
            remedy = "see the name, the key and the URL"
            raise LanguageModelError(f"{self.wire.model} at {self.url}: the server {problem}", remedy=remedy)
        raise UnansweredError(problem)


def _explain(error: BaseException) -> tuple[str, bool]:
    """Return one line about a failed call, and whether every other call would fail in the same way."""
    chain = list(_causes(error))
    for cause in chain:
        status = getattr(cause, "status_code", None)
        if isinstance(status, int):
            return (f"{_FATAL[status]} ({status})", True) if status in _FATAL else (f"the server said {status}", False)
    names = {type(cause).__name__ for cause in chain}
    if "APITimeoutError" in names:
        return "the server did not answer in time", False
    if "APIConnectionError" in names:
        return "the connection failed or was dropped", False
    if "IncompleteOutputException" in names:
        return "the answer was cut off", False
    if names & {"ValidationError", "JSONDecodeError", "ResponseParsingError", "APIResponseValidationError"}:
        return "the answer was not JSON of the form asked for", False
    return f"the answer could not be used ({type(chain[-1]).__name__})", False


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _without_keys(text: str) -> str:
    """Mask keys, which a server may have echoed."""
    for variable in filter(None, _KEYS.values()):
        if key := os.environ.get(variable):
            text = text.replace(key, "***")
    return text
