"""What runs a model: ONNX Runtime within 1e-5 of sentence-transformers, chosen once, by a graph that is whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from filelock import lock_descriptor

import embeddings
import taxonomy
from embeddings import GraphWarning, SentenceTransformerEncoder, StoredEncoder
from embeddings.errors import ModelDamagedError, ModelNotFoundError
from embeddings.progress import announcing
from embeddings.runtimes import ONNX_RUNTIME, SENTENCE_TRANSFORMERS, Runtime, choose_runtime
from taxonomy.model import ModelProvenance, Taxonomy
from taxonomy.quality.vectors import RuntimeChangeWarning, tree_encoder
from tests.conftest import ROOT

pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
pytest.importorskip("onnx", reason="the extra onnx is not installed")

SCRIPTS = (
    "Intellectual Honesty",
    "  respect for OTHERS' boundaries\tand privacy ",
    "naïve façade, Ångström, İstanbul, straße",
    "справедливость и достоинство",
    "δικαιοσύνη και ελευθερία",
    "العدالة والكرامة الإنسانية",
    "צדק וכבוד האדם",
    "न्याय और गरिमा",
    "诚实与同理心",
    "誠実さと思いやり",
    "정직함과 공감",
    "ความซื่อสัตย์",
    "🙂 care ≤ ½",
    "[MASK] </s> ##ing",
)


def texts(count: int) -> list[str]:
    """Texts of many scripts, of one word to more than the model reads."""
    rng = np.random.default_rng(0)
    words = [word for text in SCRIPTS for word in text.split()]
    lengths = np.minimum(rng.geometric(0.12, count), 300)
    made = [" ".join(rng.choice(words, length).tolist()) for length in lengths]
    return ["", *SCRIPTS, "honesty " * 600, *made][:count]


@pytest.fixture(scope="module")
def encoder(cache: Path) -> SentenceTransformerEncoder:
    """The encoder that tests share."""
    found = embeddings.load_encoder()
    assert found.runtime == ONNX_RUNTIME
    return found


# -- vectors ----------------------------------------------------------------------------------------------------------


def test_tokens_words_and_vectors_are_those_of_sentence_transformers(encoder: SentenceTransformerEncoder) -> None:
    strings = texts(60)
    theirs = embeddings.load_encoder(runtime=SENTENCE_TRANSFORMERS)
    try:
        assert theirs.runtime == SENTENCE_TRANSFORMERS
        assert theirs.digest != encoder.digest
        assert (theirs._ask("count", strings, 1) == encoder._ask("count", strings, 1)).all()
        assert (theirs.unknown_words(strings) == encoder.unknown_words(strings)).all()
        assert np.abs(theirs.encode(strings) - encoder.encode(strings)).max() <= 1e-5
    finally:
        theirs.close()


@pytest.mark.slow
def test_two_thousand_vectors_are_those_of_encode(encoder: SentenceTransformerEncoder) -> None:
    strings = texts(2000)
    script = """
        import json, sys
        from sentence_transformers import SentenceTransformer
        model = SentenceTransformer(sys.argv[1], device="cpu")
        vectors = model.encode(json.load(sys.stdin), batch_size=32, normalize_embeddings=True)
        sys.stdout.buffer.write(vectors.astype("<f4").tobytes())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(encoder.folder)],
        input=json.dumps(strings).encode(),
        capture_output=True,
        check=True,
    )
    theirs = np.frombuffer(done.stdout, dtype="<f4").reshape(len(strings), -1)
    assert np.abs(theirs - encoder.encode(strings)).max() <= 1e-5


def test_bits_hang_on_the_string_alone(encoder: SentenceTransformerEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    strings = texts(200)
    vectors = encoder.encode(strings)
    monkeypatch.setenv("PYTHONHASHSEED", "5")
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    runtime = choose_runtime(encoder.folder, encoder._model_digest)
    other = SentenceTransformerEncoder(
        encoder.folder,
        name=encoder.name,
        model_digest=encoder._model_digest,
        weights_sha256=encoder.weights_sha256,
        workers=2,
        expected=1000,
        runtime=runtime,
    )
    try:
        assert other.digest == encoder.digest
        assert other.encode(strings[::-1])[::-1].tobytes() == vectors.tobytes()
        parts = [other.encode(strings[start : start + 7]) for start in range(0, 70, 7)]
        assert np.concatenate(parts).tobytes() == vectors[:70].tobytes()
        assert len(other._pool._workers) == 2
    finally:
        other.close()


def test_a_worker_imports_nothing_heavy(encoder: SentenceTransformerEncoder) -> None:
    """Nor does the process that starts it."""
    (graph,) = choose_runtime(encoder.folder, encoder._model_digest).prepare()
    heavy = "sorted({'torch', 'transformers', 'sentence_transformers', 'pandas', 'scipy'} & set(sys.modules))"
    worker = f"""
        import runpy, sys
        sys.argv = [{str(ROOT / "embeddings" / "_worker.py")!r}, {str(encoder.folder)!r}, {graph!r}]
        runpy.run_path(sys.argv[0], run_name="__main__")
        print("heavy", {heavy}, file=sys.stderr)
    """
    request = json.dumps({"unknown": ["honesty"]}) + "\n" + json.dumps({"encode": ["honesty"], "rows": 1}) + "\n"
    starter = f"""
        import sys
        from embeddings import load_encoder
        load_encoder().encode(["honesty"])
        print("heavy", {heavy}, file=sys.stderr)
    """
    for script, given in ((worker, request), (starter, "")):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)], input=given.encode(), capture_output=True, check=True
        )
        assert done.stderr.decode().splitlines()[-1] == "heavy []"


# -- the choice -------------------------------------------------------------------------------------------------------

# Stands for the worker: what it does instead of exporting.
EXPORTER = """
    import os, sys, time
    out = sys.stdout.buffer
    with open(__file__ + ".log", "a") as log:
        log.write("asked ")
"""
WRITES = 'out.write(b"graph")'
Choose = Callable[..., Runtime]


@pytest.fixture
def choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Choose]:
    """Choose the runtime of a model whose export is the code given."""
    monkeypatch.setenv("VALUE_TAXONOMY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("embeddings.pool.__file__", str(tmp_path / "pool.py"))

    def chosen(does: str = WRITES, name: str | None = None) -> Runtime:
        (tmp_path / "_worker.py").write_text(textwrap.dedent(EXPORTER) + textwrap.dedent(does), encoding="utf-8")
        return choose_runtime(tmp_path / "model", "digest", name)

    yield chosen
    assert not list(tmp_path.rglob("*.part"))


def asked(tmp_path: Path) -> int:
    """How often an export was begun."""
    return (tmp_path / "_worker.py.log").read_text().count("asked")


def graph_of(tmp_path: Path) -> Path:
    (graph,) = (tmp_path / "cache" / "graphs").iterdir()
    return graph


def test_a_model_is_exported_once(choose: Choose, tmp_path: Path) -> None:
    announced: list[str] = []
    with announcing(announced.append):
        first, again = choose(), choose()
    assert announced == ["preparing the model, once"]
    assert (first.name, first.parts, asked(tmp_path)) == (ONNX_RUNTIME, again.parts, 1)
    assert first.prepare() == (str(graph_of(tmp_path)),)
    assert graph_of(tmp_path).read_bytes() == b"graph"
    assert choose(name=SENTENCE_TRANSFORMERS).name == SENTENCE_TRANSFORMERS


def test_what_cannot_be_exported_is_said_once(choose: Choose, tmp_path: Path) -> None:
    refuses = 'print("unsupported layer", file=sys.stderr); sys.exit(4)'
    with pytest.warns(GraphWarning, match=r"model: ONNX Runtime can't run this model \(unsupported layer\); sentence-"):
        assert choose(refuses).name == SENTENCE_TRANSFORMERS
    assert (choose(refuses).name, asked(tmp_path)) == (SENTENCE_TRANSFORMERS, 1)
    with pytest.raises(ModelNotFoundError, match=r"onnxruntime can't run the model in .*name another"):
        choose(refuses, ONNX_RUNTIME)


def test_what_failed_this_time_is_tried_again(choose: Choose, tmp_path: Path) -> None:
    with pytest.warns(GraphWarning, match="exit status -9"):
        assert choose(f"{WRITES}; out.flush(); os.kill(os.getpid(), 9)").name == SENTENCE_TRANSFORMERS
    assert not list((tmp_path / "cache" / "graphs").iterdir())
    assert choose().name == ONNX_RUNTIME


def test_a_model_that_is_damaged_is_one_error(choose: Choose) -> None:
    with pytest.raises(ModelDamagedError, match="model: the model cannot be loaded: no such tensor; install"):
        choose('print("no such tensor", file=sys.stderr); sys.exit(3)')


def test_without_the_package_nothing_is_said(choose: Choose, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name.startswith("onnx"):
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr("embeddings.runtimes.version", version)
    assert choose().name == SENTENCE_TRANSFORMERS
    with pytest.raises(ModelNotFoundError, match=r"onnxruntime is not installed; .*value-taxonomy\[onnx\]"):
        choose(name=ONNX_RUNTIME)


def test_where_no_graph_can_be_kept_the_other_runs(choose: Choose, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "graphs").touch()
    with pytest.warns(GraphWarning, match="graphs.*sentence-transformers runs it"):
        assert choose().name == SENTENCE_TRANSFORMERS
    assert not (tmp_path / "_worker.py.log").exists()


@pytest.mark.parametrize("content", [b"grap", b"graqh", b"another model's", None])
def test_a_graph_that_is_not_what_it_was_is_exported_again(
    choose: Choose, tmp_path: Path, content: bytes | None
) -> None:
    runtime = choose()
    if content is None:
        graph_of(tmp_path).unlink()
    else:
        graph_of(tmp_path).write_bytes(content)
    with pytest.warns(GraphWarning, match="missing or damaged; exporting it again"):
        runtime.prepare()
    assert graph_of(tmp_path).read_bytes() == b"graph"
    runtime.prepare()
    assert asked(tmp_path) == 2


@pytest.mark.parametrize(
    ("does", "said"),
    [('out.write(b"new")', "it is another graph"), ('sys.exit("no memory")', "can't be exported again: no memory")],
)
def test_no_other_runtime_takes_over_in_the_middle(choose: Choose, tmp_path: Path, does: str, said: str) -> None:
    runtime = choose()
    graph_of(tmp_path).unlink()
    choose(does)
    with pytest.warns(GraphWarning), pytest.raises(ModelDamagedError, match=said):
        runtime.prepare()


SCRIPT = """
    import sys
    from pathlib import Path
    import embeddings.pool
    from embeddings.runtimes import choose_runtime
    embeddings.pool.__file__ = sys.argv[1]
    print(choose_runtime(Path(sys.argv[1]).parent / "model", "digest").parts)
"""


def start(tmp_path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path / "pool.py")],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


def test_an_export_that_is_killed_leaves_no_graph(choose: Choose, tmp_path: Path) -> None:
    choose(name=SENTENCE_TRANSFORMERS, does=f"{WRITES}; out.flush(); time.sleep(600)")
    process = start(tmp_path)
    graphs = tmp_path / "cache" / "graphs"
    while not (parts := [part for part in graphs.glob(".*.part") if part.stat().st_size]):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    with parts[0].open() as part:
        # The exporter holds it as long as it lives.
        while not lock_descriptor(part.fileno(), blocking=False):
            time.sleep(0.01)
    assert not list(graphs.glob("*.onnx"))
    assert choose().name == ONNX_RUNTIME
    assert graph_of(tmp_path).read_bytes() == b"graph"


def test_two_may_export_at_once(choose: Choose, tmp_path: Path) -> None:
    # Each waits until the other has begun.
    choose(
        name=SENTENCE_TRANSFORMERS,
        does=f"""
        while open(__file__ + ".log").read().count("asked") < 2:
            time.sleep(0.01)
        {WRITES}
    """,
    )
    processes = [start(tmp_path) for _ in range(2)]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert said[0] == said[1]
    assert graph_of(tmp_path).read_bytes() == b"graph"


# -- trees ------------------------------------------------------------------------------------------------------------


def with_runtime(tree: Taxonomy, runtime: str | None) -> Taxonomy:
    """The tree as if that had made its vectors."""
    assert tree.provenance.model is not None
    model = tree.provenance.model.model_copy(update={"runtime": runtime})
    return tree.model_copy(update={"provenance": tree.provenance.model_copy(update={"model": model})})


def test_a_tree_says_what_made_its_vectors(small_build: Path, encoder: SentenceTransformerEncoder) -> None:
    tree = taxonomy.read(small_build / "taxonomy.json")
    assert tree.provenance.model is not None
    assert tree.provenance.model.runtime == ONNX_RUNTIME
    assert tree_encoder(tree).digest == encoder.digest
    # Trees built before keep their bytes.
    assert "runtime" not in ModelProvenance(name="a", sha256="b", dimension=2).model_dump()


def test_one_runtime_embeds_all_that_is_compared(
    small_build: Path, encoder: SentenceTransformerEncoder, cache: Path
) -> None:
    tree = with_runtime(taxonomy.read(small_build / "taxonomy.json"), None)
    with pytest.warns(RuntimeChangeWarning, match="made by sentence-transformers; all are made again by onnx"):
        assert tree_encoder(tree).digest == encoder.digest
    before = StoredEncoder(embeddings.load_encoder(runtime=SENTENCE_TRANSFORMERS))
    labels = [value.label for value in tree.leaves]
    try:
        before.store.put(labels, np.eye(len(labels), before.dimension, dtype=np.float32))
        assert tree_encoder(tree).digest == before.digest
    finally:
        before.store.path.unlink()


def test_a_tree_of_a_runtime_that_is_not_here(small_build: Path, encoder: SentenceTransformerEncoder) -> None:
    tree = with_runtime(taxonomy.read(small_build / "taxonomy.json"), "another")
    with pytest.warns(RuntimeChangeWarning, match="were made by another; all are made"):
        assert tree_encoder(tree).digest == encoder.digest
