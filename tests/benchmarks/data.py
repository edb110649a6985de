"""Strings to measure on, and their vectors."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, StoredEncoder, load_encoder
from embeddings.stored import VectorStore
from taxonomy.domains import load_domains
from taxonomy.values import read_values
from tests.benchmarks.sizes import SMALL

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
PUBLISHED = SHARED / "values-in-the-wild" / "values_frequencies.csv"
FIXTURE = ROOT / "fixtures" / "values.csv"
WORK = ROOT / "build" / "benchmarks"
_CHUNK = 20_000


def strings_file(count: int) -> Path:
    """Return a CSV of `count` values: the published ones or made of their words; of the fixture's without them."""
    if count == SMALL:
        return PUBLISHED if PUBLISHED.is_file() else FIXTURE
    path = WORK / f"values-{count}.csv"
    if not path.is_file():
        WORK.mkdir(parents=True, exist_ok=True)
        maker = SHARED / "make_values.py"
        if maker.is_file():
            subprocess.run([sys.executable, str(maker), str(count), str(path)], check=True)
        else:
            _compose(count, path)
    return path


def vectors_of(source: Path, model: str = "minilm") -> NDArray[np.float32]:
    """Return the vectors that a build of the file clusters, from the store where they are there."""
    return StoredEncoder(load_encoder(model)).encode(read_values(source).labels)


def stored(source: Path, *, composed: bool) -> Path:
    """Return a cache folder that holds a vector for each string of a file and the domains' examples, but of no name.

    Composed vectors are the mean of their words', with some noise: embedding a million strings takes hours on two
    processors, and is not what is timed there.
    """
    folder = WORK / f"cache-{source.stem}"
    encoder = load_encoder()
    kept = StoredEncoder(encoder, folder=folder)
    labels = read_values(source).labels
    if composed:
        _compose_vectors(labels, encoder, kept.store)
    else:
        kept.store.put(labels, vectors_of(source))
    kept.unknown_words(labels)
    kept.encode([example for domain in load_domains() for example in domain.examples])
    for other in set(kept.store.path.parent.iterdir()) - {kept.store.path}:
        other.unlink()
    return folder


def _compose_vectors(labels: Sequence[str], encoder: Encoder, store: VectorStore) -> None:
    words = sorted({word for label in labels for word in label.split()})
    vectors = encoder.encode(words)
    place = {word: row for row, word in enumerate(words)}
    rng = np.random.default_rng(0)
    for start in range(0, len(labels), _CHUNK):
        part = labels[start : start + _CHUNK]
        missing = np.setdiff1d(np.arange(len(part)), store.get(part)[0])
        noise = 0.02 * rng.standard_normal((len(part), encoder.dimension))
        means = np.stack([vectors[[place[word] for word in label.split()]].mean(axis=0) for label in part]) + noise
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        store.put([part[row] for row in missing], means[missing].astype(np.float32))


def _compose(count: int, path: Path) -> None:
    words = sorted({word for label in read_values(FIXTURE).labels for word in label.split()})
    rng = np.random.default_rng(0)
    made: dict[str, None] = {}
    while len(made) < count:
        made.setdefault(" ".join(rng.choice(words, rng.integers(2, 4))))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["value", "count"])
        writer.writerows((value, 1 + 50 * count // rank) for rank, value in enumerate(made, 1))
