"""Anthropic's protocol: messages with a JSON schema, and message batches."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2

from taxonomy.llm.anthropic_batches import MOST_BYTES_OF_RESULTS, AnthropicBatches
from taxonomy.llm.endpoint import Endpoint
from taxonomy.llm.question import Request, schema_without_lengths
from taxonomy.llm.reply import Outcome, Reply, Tokens, token_count
from taxonomy.llm.transport import open_http, reply_to

# What many questions have in common is kept by the server for some minutes.
_KEPT = {"cache_control": {"type": "ephemeral"}}
_STOPS = {
    "refusal": (Outcome.REFUSED, "the model declined"),
    "max_tokens": (Outcome.TRUNCATED, "the answer was cut off"),
    "model_context_window_exceeded": (Outcome.TOO_LONG, "the question is longer than the model takes"),
}


class Protocol:
    """A model behind a server that speaks Anthropic's protocol.

    Attributes
    ----------
    batches : AnthropicBatches
    """

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        def connect(http: httpx2.AsyncClient) -> anthropic.AsyncAnthropic:
            return anthropic.AsyncAnthropic(
                api_key=endpoint.key(), base_url=endpoint.url, http_client=http, max_retries=0
            )

        self._client = connect(open_http(timeout))
        # Results come in one reply.
        self._bulk = connect(open_http(timeout, MOST_BYTES_OF_RESULTS))
        self._model = endpoint.name
        self.batches = AnthropicBatches(self._bulk, self.parameters, read_message)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        await self._bulk.close()

    async def ask(self, request: Request) -> Reply:
        """Ask, and return what came of it."""
        create: Any = self._client.messages.create
        return await reply_to(create(**self.parameters(request)), read_message)

    def parameters(self, request: Request) -> dict[str, Any]:
        """Return a request in the form of the protocol."""
        (role, text), *rest = request.turns
        shown: Any = text
        if request.context:
            shown = [{"type": "text", "text": request.context, **_KEPT}, {"type": "text", "text": text}]
        schema = anthropic.transform_schema(schema_without_lengths(request.form))
        return {
            "model": self._model,
            "max_tokens": request.room,
            "system": [{"type": "text", "text": request.system, **_KEPT}],
            "messages": [{"role": role, "content": text} for role, text in ((role, shown), *rest)],
            "output_config": {"format": {"type": "json_schema", "schema": schema}},
        }


def read_message(said: Any) -> Reply:
    """Return what a message says; one that is none raises."""
    tokens = _tokens(said.usage)
    if said.stop_reason in _STOPS:
        outcome, reason = _STOPS[said.stop_reason]
        return Reply(outcome, reason=reason, tokens=tokens)
    text = "".join(block.text for block in said.content if block.type == "text")
    return Reply(Outcome.ANSWERED, text=text, tokens=tokens)


def _tokens(usage: Any) -> Tokens | None:
    # A server of one's own may not say it.
    if usage is None:
        return None
    cached, written = token_count(usage.cache_read_input_tokens), token_count(usage.cache_creation_input_tokens)
    # The protocol counts what was cached apart.
    shown = token_count(usage.input_tokens) + cached + written
    return Tokens(input=shown, cached=cached, written=written, output=token_count(usage.output_tokens))
