"""Labelling by a real, very small language model behind a real server; its prose is not judged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import taxonomy
from tests import real_model
from tests.conftest import FIXTURE, Run

pytestmark = pytest.mark.slow

openai = pytest.importorskip("openai", reason="the extra llm is not installed")

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 40},
        "kind": {"type": "string", "enum": ["virtue", "skill"]},
        "strength": {"type": "integer"},
    },
    "required": ["name", "kind", "strength"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    missing = [name for name in real_model.NEEDED if find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: make test-llm installs what this needs")
    with real_model.serve_model() as url:
        yield url


def ask(url: str, shown: str, **options: Any) -> Any:
    form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}
    messages = [{"role": "user", "content": shown}]
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=300) as client:
        return client.chat.completions.create(
            model=real_model.MODEL, messages=messages, response_format=form, **options
        )


@pytest.mark.parametrize("shown", ["honesty, candour", "Don't answer in JSON.", "正直さ"])
def test_answers_have_the_form_asked_for(url: str, shown: str) -> None:
    answer = ask(url, shown)
    assert answer.choices[0].finish_reason == "stop"
    said = json.loads(answer.choices[0].message.content)
    assert said.keys() == SCHEMA["properties"].keys()  # type: ignore[attr-defined]
    assert len(said["name"]) <= 40
    assert said["kind"] in ("virtue", "skill")
    assert isinstance(said["strength"], int)
    assert answer.usage.prompt_tokens > 0
    assert 0 < answer.usage.completion_tokens <= real_model.MOST_TOKENS


def test_an_answer_without_room_is_cut_off(url: str) -> None:
    answer = ask(url, "honesty, candour", max_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 3


def test_a_request_longer_than_the_context_is_an_error_with_a_type(url: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(url, "honesty " * real_model.CONTEXT)
    error = caught.value.body
    assert isinstance(error, dict)
    assert (error["type"], error["n_ctx"]) == ("exceed_context_size_error", real_model.CONTEXT)
    assert error["n_prompt_tokens"] > real_model.CONTEXT


def test_a_real_model_labels_the_fixtures_clusters(
    url: str, run_process: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VALUE_TAXONOMY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    # Few rows, so that it takes minutes on two processors.
    rows = FIXTURE.read_text(encoding="utf-8").splitlines(keepends=True)[:60]
    (tmp_path / "values.csv").write_text("".join(rows), encoding="utf-8")
    assert run_process("build", tmp_path / "values.csv", "--levels", 10, "--out", tmp_path / "build").returncode == 0
    source, labelled = tmp_path / "build" / "taxonomy.json", tmp_path / "t.json"
    before = taxonomy.load(source)
    clusters = {node.id for node in before.nodes if node.level == 1}
    command = ("label", source, "--out", labelled, "--max-failures", len(clusters))
    options = ("--llm", f"openai/{real_model.MODEL}", "--llm-base-url", url, "--timeout", 300, "--concurrency", 2)
    said = [real_model.tokens_said(url)]
    done = run_process(*command, *options)
    print(done.stdout, done.stderr)
    said.append(real_model.tokens_said(url))
    # So small a model may name nothing, in which case nothing is written.
    assert labelled.exists() == (done.returncode == 0), done.stderr
    assert labelled.exists() or "nothing was named" in done.stderr
    after = taxonomy.load(labelled) if labelled.exists() else before
    named = {node.id: node for node in after.nodes if node.label_source == "llm"}
    # One line for each, with its id and the reason.
    failed = {id: line for line in done.stderr.splitlines() for id in re.findall(r"vt:[0-9a-f]{16}", line)}
    assert named.keys() | failed.keys() == clusters
    assert not named.keys() & failed.keys()
    # The server keeps the form, so that answers fail for what they say, or for their length.
    assert not [line for line in failed.values() if re.search("JSON|connection|the server", line)]
    for node in named.values():
        assert node.label != before.node(node.id).label
        assert 10 <= len(node.definition.split()) <= 25
    # Good and refused answers alike are kept; what was cut off is asked again.
    assert run_process(*command, *options).returncode == done.returncode
    said.append(real_model.tokens_said(url))
    assert 0 <= said[2] - said[1] < said[1] - said[0]
