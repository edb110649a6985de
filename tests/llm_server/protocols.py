"""The body of an answer, in the form of each protocol."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from tests.llm_server.faults import STOPS, error_of, spoil

if TYPE_CHECKING:
    from tests.llm_server.server import Server


class Usage(TypedDict):
    """Tokens: of the input, none twice, those that no cache knew, that one held, that one now holds; of the output."""

    input: int
    cached: int
    written: int
    output: int


class Reply(NamedTuple):
    """A status, a body, and the usage that the body reports; errors report none."""

    status: int
    body: dict[str, Any]
    usage: Usage | None = None


def reply_to(server: Server, request: dict[str, Any], fault: str | None, key: str, *, anthropic: bool) -> Reply:
    """Return what the model says to a request, or the error."""
    error = error_of(fault, key, anthropic=anthropic)
    if error is not None:
        status, body = error
        return Reply(status, body)
    try:
        answer = server.answer(request)
    except Exception as raised:
        server.errors.append(raised)
        return reply_to(server, request, "500", "", anthropic=anthropic)
    said = spoil(answer, fault, request, key)
    told = server.usage(request, said)
    usage = told or Usage(input=0, cached=0, written=0, output=0)
    form: Callable[..., dict[str, Any]] = message if anthropic else completion
    body = form(request, said, usage, fault)
    if told is None:
        del body["usage"]
    return Reply(200, body, usage)


def message(request: dict[str, Any], said: str, usage: Usage, fault: str | None) -> dict[str, Any]:
    """Return an answer of Anthropic's."""
    content: list[dict[str, Any]] = [{"type": "text", "text": said}] if said else []
    stop = STOPS.get(fault or "", (None, "end_turn"))[1]
    if "tools" in request and stop == "end_turn":
        # The input of a tool is parsed, so that a broken one stays a text.
        try:
            parsed = json.loads(said)
        except ValueError:
            pass
        else:
            content = [{"type": "tool_use", "id": "t", "name": request["tools"][0]["name"], "input": parsed}]
            stop = "tool_use"
    tokens = {
        "input_tokens": usage["input"],
        "cache_read_input_tokens": usage["cached"],
        "cache_creation_input_tokens": usage["written"],
        "output_tokens": usage["output"],
    }
    return {"id": "m", "type": "message", "role": "assistant", "model": request.get("model", "m"), "content": content,
            "stop_reason": stop, "stop_sequence": None, "usage": tokens}  # fmt: skip


def completion(request: dict[str, Any], said: str, usage: Usage, fault: str | None) -> dict[str, Any]:
    """Return an answer of OpenAI's."""
    finish = STOPS.get(fault or "", ("stop", None))[0]
    answer: dict[str, Any] = {"role": "assistant", "content": said, "refusal": None}
    if fault == "refusal":
        answer |= {"content": None, "refusal": said}
    elif "tools" in request:
        call = {"name": request["tools"][0]["function"]["name"], "arguments": said}
        answer |= {"content": None, "tool_calls": [{"id": "t", "type": "function", "function": call}]}
    shown = usage["input"] + usage["cached"] + usage["written"]
    tokens = {
        "prompt_tokens": shown,
        "completion_tokens": usage["output"],
        "total_tokens": shown + usage["output"],
        "prompt_tokens_details": {"cached_tokens": usage["cached"], "cache_write_tokens": usage["written"]},
    }
    choice = {"index": 0, "message": answer, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": request.get("model", "m"),
            "choices": [choice], "usage": tokens}  # fmt: skip
