"""OpenAI's protocol, which many servers speak: chat completions with a JSON schema."""

from __future__ import annotations

import json
from typing import Any

import openai

from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.question import Request, schema_of, schema_without_lengths
from taxonomy.llm.reply import Outcome, Reply, Tokens, token_count
from taxonomy.llm.transport import open_http, reply_to


class Protocol:
    """A model behind a server that speaks OpenAI's protocol."""

    # There are none in what such servers share.
    batches = None

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        http = open_http(timeout)
        self._client = openai.AsyncOpenAI(
            api_key=endpoint.key(), base_url=endpoint.url, http_client=http, max_retries=0
        )
        self._model = endpoint.name
        self._own = endpoint.is_own

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def ask(self, request: Request) -> Reply:
        """Ask, and return what came of it."""
        opening, *rest = request.turns
        role, text = opening
        if request.context:
            text = f"{request.context}\n\n{text}"
        turns = [("system", request.system), (role, text), *rest]
        # OpenAI's newer models know only the one name, other servers only the other.
        room = {"max_completion_tokens" if self._own else "max_tokens": request.room}
        create: Any = self._client.chat.completions.create
        call = create(
            model=self._model,
            messages=[{"role": role, "content": text} for role, text in turns],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": request.form.__name__, "strict": True, "schema": self._schema(request)},
            },
            **room,
        )
        return await reply_to(call, _read)

    def _schema(self, request: Request) -> Any:
        # A small model may never end a text that its server does not bound.
        return schema_without_lengths(request.form) if self._own else json.loads(schema_of(request.form))


def _read(said: Any) -> Reply:
    """Return what a completion says; one that is none raises."""
    (choice, *_) = said.choices
    tokens, text, why = _tokens(said.usage), choice.message.content, choice.finish_reason
    if getattr(choice.message, "refusal", None):
        return Reply(Outcome.REFUSED, reason="the model declined", tokens=tokens)
    if why == "content_filter":
        return Reply(Outcome.FILTERED, reason="the server's filter stopped the answer", tokens=tokens)
    if why == "length":
        return Reply(Outcome.TRUNCATED, reason="the answer was cut off", tokens=tokens)
    return Reply(Outcome.ANSWERED, text=text if isinstance(text, str) else "", tokens=tokens)


def _tokens(usage: Any) -> Tokens | None:
    if usage is None:
        return None
    details = getattr(usage, "prompt_tokens_details", None)
    cached, written = (token_count(getattr(details, f"{name}_tokens", None)) for name in ("cached", "cache_write"))
    # Some servers count what was cached apart.
    shown = max(token_count(usage.prompt_tokens), cached + written)
    return Tokens(shown, cached, written, token_count(usage.completion_tokens))
