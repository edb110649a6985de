"""A server, a store of answers, and a tree to label."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import taxonomy
from embeddings.encoder import SentenceTransformerEncoder
from taxonomy.domains import BUNDLED
from taxonomy.labels.language_model import LanguageModel
from taxonomy.llm import pacing
from taxonomy.model import Taxonomy
from tests.conftest import FIXTURE, Run, link_cache
from tests.llm.batching import Ask, ask_in_batches
from tests.llm.labelling import CANARY, Done, Label, label_by, sizes
from tests.llm_server import GIBBERISH, Server, serve


@pytest.fixture(autouse=True)
def known_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know the server's gibberish by its length: the start of a worker, which tells words, takes seconds."""
    monkeypatch.setattr(
        SentenceTransformerEncoder,
        "unknown_words",
        lambda self, strings: np.array([len(one) == GIBBERISH for one in strings], dtype=bool),
    )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    keys = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL")
    for name in (*keys, "http_proxy", "HTTP_PROXY", "ALL_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    # Each client would read all certificates of the system, which takes longer than its calls over http.
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setattr(pacing, "FIRST_PAUSE", 0.002)
    monkeypatch.setattr(pacing, "LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(pacing, "PATIENCE", 5.0)
    with serve() as one:
        yield one


@pytest.fixture
def answers(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache without answers, with the vectors that tests share."""
    folder = link_cache(cache, tmp_path / "cache", "vectors", "models", "graphs")
    monkeypatch.setenv("VALUE_TAXONOMY_CACHE", str(folder))
    return folder


@pytest.fixture(scope="module")
def source(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of four levels: values, clusters, groups, domains."""
    folder = tmp_path_factory.mktemp("llm")
    rows = FIXTURE.read_text(encoding="utf-8").splitlines(keepends=True)[:70]
    (folder / "values.csv").write_text("".join(rows), encoding="utf-8")
    # Two domains need less nodes below them than five do.
    domains = BUNDLED.read_text(encoding="utf-8").split("[[domain]]")
    (folder / "domains.toml").write_text("[[domain]]".join(domains[:3]), encoding="utf-8")
    done = run("build", folder / "values.csv", *sizes(folder), "--out", folder / "build", "--quiet")
    assert done.returncode == 0, done.stderr
    return folder / "build" / "taxonomy.json"


@pytest.fixture(scope="module")
def tree(source: Path) -> Taxonomy:
    return taxonomy.load(source)


@pytest.fixture(scope="module")
def vectors(tree: Taxonomy) -> NDArray[np.float32]:
    from taxonomy.quality.vectors import embed_tree

    return embed_tree(tree, labels=False).values


@pytest.fixture
def label(server: Server, answers: Path, tree: Taxonomy, vectors: NDArray[np.float32]) -> Label:
    """Label the tree through the server."""

    def labelled(
        tree: Taxonomy = tree, model: str = "openai/fake", timeout: float = 30.0, retries: int = 2, **options: Any
    ) -> Done:
        labeller = LanguageModel(model, server.url, timeout=timeout, retries=retries, **options)
        return label_by(labeller, tree, vectors)

    return labelled


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The store of the fixture `ask`."""
    return tmp_path / "answers-of-batches"


@pytest.fixture
def ask(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask in batches, with Anthropic's prices, and by default with the one store."""
    server.stand_in(monkeypatch, "anthropic")
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    # Needs the extra.
    batches = import_module("taxonomy.llm.batches")
    monkeypatch.setattr(batches, "POLL", 0.01)
    return partial(ask_in_batches, folder)
