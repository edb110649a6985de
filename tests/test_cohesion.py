"""Silhouette and intruders: against scikit-learn, at their limits, and through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_score

from taxonomy.quality import cohesion
from taxonomy.quality.cohesion import intruders_found, silhouette
from tests.conftest import Run
from tests.trees import make_tree


def unit(n: int, seed: int = 0, centers: int = 0, noise: float = 0.2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 16))
    if centers:
        points = rng.normal(size=(centers, 16))[np.arange(n) % centers] + noise * points
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True), dtype=np.float32)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=8, max_size=60), st.integers(0, 5))
def test_silhouette_is_scikit_learns(drawn: list[int], seed: int) -> None:
    labels = np.unique(drawn, return_inverse=True)[1]
    vectors = unit(len(labels), seed)
    found = silhouette(vectors, labels)
    if 2 <= labels.max() + 1 < len(labels):
        assert found == pytest.approx(silhouette_score(vectors, labels, metric="cosine"), abs=1e-4)
    if labels.max() == 0:
        assert found is None


def test_values_that_are_all_the_same_have_no_silhouette_to_speak_of() -> None:
    vectors = np.repeat(unit(1), 6, axis=0)
    assert silhouette(vectors, np.array([0, 0, 0, 1, 1, 1])) == 0


def test_a_drawn_sample_gives_about_the_figure_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, labels = unit(3000, centers=30, noise=1.5), np.arange(3000) % 30
    exact = silhouette(vectors, labels)
    monkeypatch.setattr(cohesion, "SAMPLE", 800)
    assert silhouette(vectors, labels) == pytest.approx(exact, abs=0.03)


def test_intruders_are_found_among_blobs_and_rarely_among_noise() -> None:
    labels = np.arange(200) % 10
    assert intruders_found(unit(200, centers=10), labels) == 1
    by_chance = intruders_found(unit(200), labels)
    # One of six is the intruder.
    assert by_chance == pytest.approx(1 / 6, abs=0.08)
    assert intruders_found(unit(200), labels) == by_chance


def test_no_intruder_where_there_is_no_outside_or_no_pair() -> None:
    assert intruders_found(unit(5), np.zeros(5, dtype=np.intp)) is None
    assert intruders_found(unit(5), np.arange(5)) is None
    assert intruders_found(unit(3), np.array([0, 0, 1])) is not None


def test_every_level_stands_beside_a_random_one() -> None:
    vectors = unit(120, centers=12)
    tree = make_tree([f"v{i:03}" for i in range(120)], [i % 12 for i in range(120)], [i % 3 for i in range(12)])
    found = cohesion.measure_cohesion(tree, vectors)
    assert [(level.level, level.nodes) for level in found] == [(1, 12), (2, 3)]
    assert found[0].silhouette > 0.5 > 0 > found[0].random_silhouette
    assert found[0].intruder == 1
    assert found[0].random_intruder < 0.4
    assert cohesion.measure_cohesion(tree, vectors) == found


def test_the_build_reports_what_show_measures(tmp_path: Path, run: Run, small_build: Path) -> None:
    report = json.loads((small_build / "report.json").read_text(encoding="utf-8"))
    assert [level["level"] for level in report["quality"]] == [1, 2]
    cluster = report["quality"][0]
    assert cluster["silhouette"] > cluster["random_silhouette"]
    assert cluster["intruder"] > cluster["random_intruder"]
    # Elsewhere, without the report beside it.
    path = tmp_path / "taxonomy.json"
    path.write_bytes((small_build / "taxonomy.json").read_bytes())
    done = run("show", path, "--quality")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["level", "nodes", "silhouette", "random", "intruders", "found", "random"]
    assert lines[1].split() == [
        "cluster",
        str(cluster["nodes"]),
        f"{cluster['silhouette']:.3f}",
        f"{cluster['random_silhouette']:.3f}",
        f"{cluster['intruder']:.1%}",
        f"{cluster['random_intruder']:.1%}",
    ]
    assert run("show", path, "--quality", "--node", "x").returncode == 2
    assert run("show", path, "--model", "minilm").returncode == 2
