"""Which server is asked, and with which key."""

from __future__ import annotations

import pytest

pytest.importorskip("openai", reason="the extra llm is not installed")

from taxonomy.errors import LanguageModelError
from taxonomy.llm.endpoint import OLLAMA, Endpoint
from taxonomy.llm.reply import Tokens
from taxonomy.llm.spending import cost_of

BAD = ["ftp://host", "host", "http://[", "http://host:99999", "http://", "javascript:alert(1)"]
PRIVATE = ["http://user:secret@host/v1", "http://host/v1?key=secret", "http://user@host/v1"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("url", [*BAD, *PRIVATE])
def test_an_address_is_checked_wherever_it_is_from(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = "holds a user, password or query" if url in PRIVATE else "is not an http or https address"
    with pytest.raises(LanguageModelError) as raised:
        Endpoint("openai/x", url)
    assert str(raised.value).startswith(f"`base_url` {problem}")
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(LanguageModelError) as raised:
        Endpoint("openai/x")
    assert str(raised.value).startswith(f"OPENAI_BASE_URL {problem}")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("model", ["openai/gpt-4o", "anthropic/claude-haiku-4-5"])
def test_a_server_that_the_environment_names_is_not_the_providers_own(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Endpoint(model)
    assert (own.is_own, own.asked_at) == (True, model)
    assert cost_of(own, Tokens(1, 0, 0, 1)) is not None
    with pytest.raises(LanguageModelError, match="there is no key"):
        own.key()
    monkeypatch.setenv(f"{own.provider.upper()}_BASE_URL", "http://localhost:1/v1")
    other = Endpoint(model)
    assert (other.is_own, other.asked_at) == (False, f"{model} at http://localhost:1/v1")
    assert cost_of(other, Tokens(1, 0, 0, 1)) is None
    assert other.key() == "none"


def test_what_is_stored_names_its_server_whatever_the_environment_names_today(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [Endpoint("openai/x"), Endpoint("openai/x", "http://host/v1"), Endpoint("ollama/x")]
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    assert [Endpoint.parse(one.asked_at).asked_at for one in asked] == [one.asked_at for one in asked]
    assert asked[2].asked_at == f"ollama/x at {OLLAMA}"


def test_the_providers_own_server_may_be_named() -> None:
    assert Endpoint("openai/x", "https://api.openai.com/v1/").asked_at == "openai/x"
