"""What a model or its server may say instead of a good answer, in the words of each protocol.

Said by both: "refusal", "filter", "length" (cut at the limit of tokens), "window" (the context is full), "broken",
"nothing", "fenced", "extra" (a key too many), "echo" (of the client's key), "canary" (of the system text). Errors:
"blocked" (by a filter of what was asked), "flagged" (the same, as 403), "overflow" (a request longer than the context),
"cramped" (no room for the answer that is asked for), "quota" (no money), and any status, such as "429".
"""

from __future__ import annotations

import json
from typing import Any

from tests.llm_server.answers import system_of

SORRY = "I can't help with that."

# The finish reason of OpenAI and the stop reason of Anthropic; None where the protocol has an error instead.
STOPS: dict[str, tuple[str | None, str | None]] = {
    "refusal": ("stop", "refusal"),
    "filter": ("content_filter", None),
    "length": ("length", "max_tokens"),
    "window": (None, "model_context_window_exceeded"),
}

_FILTERED = (400, {"type": "invalid_request_error", "message": "Output blocked by content filtering policy"})
ANTHROPIC: dict[str, tuple[int, dict[str, Any]]] = {
    "filter": _FILTERED,
    "blocked": _FILTERED,
    "flagged": (403, _FILTERED[1]),
    "cramped": (
        400,
        {
            "type": "invalid_request_error",
            "message": "max_tokens: 4096 > 2048, which is the maximum allowed number of output tokens",
        },
    ),
    "overflow": (
        400,
        {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"},
    ),
    "quota": (
        400,
        {
            "type": "invalid_request_error",
            "message": "Your credit balance is too low to access the Anthropic API. "
            "Please go to Plans & Billing to upgrade or purchase credits.",
        },
    ),
}
OPENAI: dict[str, tuple[int, dict[str, Any]]] = {
    "flagged": (403, {"message": "Your input was flagged by the content_filter", "code": "content_filter"}),
    # As the server of vLLM sends it.
    "cramped": (
        400,
        {
            "message": "This model's maximum context length is 4096 tokens. However, you requested 4396 tokens (300 in "
            "the messages, 4096 in the completion).",
            "type": "BadRequestError",
            "code": 400,
        },
    ),
    # As Azure sends it.
    "blocked": (
        400,
        {
            "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management "
            "policy. Please modify your prompt and retry.",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}},
        },
    ),
    "overflow": (
        400,
        {
            "message": "This model's maximum context length is 128000 tokens. However, your messages resulted in "
            "210000 tokens. Please reduce the length of the messages.",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        },
    ),
    # As the server of llama.cpp sends it.
    "window": (
        400,
        {
            "code": 400,
            "message": "request (9034 tokens) exceeds the available context size (4096 tokens), try increasing it",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 9034,
            "n_ctx": 4096,
        },
    ),
    "quota": (
        429,
        {
            "message": "You exceeded your current quota, please check your plan and billing details.",
            "type": "insufficient_quota",
            "param": None,
            "code": "insufficient_quota",
        },
    ),
}
_ANTHROPIC_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def error_of(fault: str | None, key: str, *, anthropic: bool) -> tuple[int, dict[str, Any]] | None:
    """Return a status and the body of an error; None where the fault is none."""
    known = ANTHROPIC if anthropic else OPENAI
    if fault in known:
        status, error = known[fault]
    elif fault is not None and fault.isdigit():
        # A careless server, which quotes the key.
        status, error = int(fault), {"type": "x", "message": f"no, {key}"}
        if anthropic:
            error["type"] = _ANTHROPIC_TYPES.get(status, "api_error")
    else:
        return None
    return status, {"type": "error", "error": error} if anthropic else {"error": error}


def spoil(answer: dict[str, Any], fault: str | None, request: dict[str, Any], key: str) -> str:
    """Return the text of an answer with a fault in it."""
    changed = {
        "extra": {**answer, "extra": "more"},
        "echo": {"name": f"Care for {key}", "definition": key},
        "canary": {**answer, "definition": system_of(request)},
    }
    text = json.dumps(changed.get(fault or "", answer))
    half = text[: len(text) // 2]
    spoilt = {
        "refusal": SORRY,
        "filter": half,
        "length": half,
        "window": half,
        "broken": text[:-5],
        "nothing": "",
        "fenced": f"```json\n{text}\n```",
    }
    return spoilt.get(fault or "", text)
