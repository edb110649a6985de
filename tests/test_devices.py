"""Devices: which is chosen, batches whose bits hang on the string alone, memory that runs out, trees of another."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import embeddings
import taxonomy
from embeddings import DeviceError, DeviceWarning, SentenceTransformerEncoder, StoredEncoder, using_device
from embeddings import devices as devices_module
from embeddings.devices import BF16, FP32, GPU_FROM, LEAST_TOKENS, MOST_TOKENS, Device, Wish, choose_device, wish
from embeddings.errors import ModelNotFoundError
from embeddings.runtimes import SENTENCE_TRANSFORMERS, sentence_transformers
from taxonomy.building.spaces import Space
from taxonomy.model import ModelProvenance, Taxonomy
from taxonomy.quality.vectors import RuntimeChangeWarning, tree_encoder
from tests.conftest import Run

H100, A100 = "cuda NVIDIA H100, capability 9.0", "cuda NVIDIA A100, capability 8.0"
# Stands for a GPU.
SLOW = Device("the processor by large batches", ("cpu",))


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say which GPUs torch sees."""
    return lambda *kinds: monkeypatch.setattr(devices_module, "visible_gpus", lambda: kinds)


def not_asked() -> tuple[str, ...]:
    raise AssertionError("torch was asked")


# -- the choice -------------------------------------------------------------------------------------------------------


def test_the_cpu_is_taken_without_asking_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices_module, "visible_gpus", not_asked)
    assert choose_device(Wish("auto", FP32), GPU_FROM - 1) is None
    assert choose_device(Wish("cpu", FP32), GPU_FROM) is None


def test_a_torch_for_the_cpu_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices_module, "version", lambda _: "2.13.0+cpu")
    monkeypatch.setattr(subprocess, "run", not_asked)
    devices_module.visible_gpus.cache_clear()
    assert choose_device(Wish("auto", FP32), GPU_FROM) is None
    devices_module.visible_gpus.cache_clear()


def test_many_strings_take_a_gpu_where_there_is_one(gpus: Callable[..., None]) -> None:
    gpus()
    assert choose_device(Wish("auto", FP32), GPU_FROM) is None
    gpus(H100, H100)
    assert choose_device(Wish("auto", FP32), GPU_FROM) == Device(H100, ("cuda:0", "cuda:1"), FP32)
    assert choose_device(Wish("auto", BF16)) == Device(H100, ("cuda:0", "cuda:1"), BF16)
    assert choose_device(Wish("cuda:1", FP32)) == Device(H100, ("cuda:1",), FP32)


def test_gpus_of_one_kind_work_together(gpus: Callable[..., None]) -> None:
    gpus(H100, A100, H100)
    with pytest.warns(DeviceWarning, match=r"like the first are used: cuda:0, cuda:2 \(cuda NVIDIA H100"):
        assert choose_device(Wish("cuda", FP32)) == Device(H100, ("cuda:0", "cuda:2"))
    assert choose_device(Wish("cuda:1", FP32)) == Device(A100, ("cuda:1",))
    assert devices_module.find_kind(A100) == "cuda:1"
    assert devices_module.find_kind(H100) == "cuda:0"


@pytest.mark.parametrize(
    ("kinds", "wanted", "said"),
    [
        ((), Wish("cuda", FP32), "the GPU cuda is asked for, and torch sees none; use the device cpu, or install"),
        ((), Wish("auto", BF16), "bf16 needs a GPU, and torch sees none; leave `precision` out"),
        ((H100,), Wish("cpu", BF16), "bf16 needs a GPU; name one with `device`"),
        ((H100,), Wish("cuda:1", FP32), "cuda:1 is asked for, and torch sees one GPU, cuda:0"),
        ((H100, A100), Wish("cuda:2", FP32), "sees 2 GPUs, cuda:0 to cuda:1; name one"),
    ],
)
def test_a_gpu_that_is_not_there_is_one_line(
    gpus: Callable[..., None], kinds: tuple[str, ...], wanted: Wish, said: str
) -> None:
    gpus(*kinds)
    with pytest.raises(DeviceError, match=said):
        choose_device(wanted)


def test_what_is_wished_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VALUE_TAXONOMY_DEVICE", raising=False)
    assert wish() == ("auto", FP32)
    monkeypatch.setenv("VALUE_TAXONOMY_DEVICE", "cuda:3")
    assert wish(precision=BF16) == ("cuda:3", BF16)
    with using_device("cpu"):
        assert wish() == ("cpu", FP32)
        with using_device(precision=BF16):
            assert wish() == ("cpu", BF16)
        assert wish("cuda") == ("cuda", FP32)
    assert wish() == ("cuda:3", FP32)
    with pytest.raises(DeviceError, match="`precision` is 'int8'; give fp32 or bf16"):
        wish(precision="int8")
    monkeypatch.setenv("VALUE_TAXONOMY_DEVICE", "gpu")
    with pytest.raises(DeviceError, match="VALUE_TAXONOMY_DEVICE is 'gpu'; give auto, cpu, cuda, or cuda:N"):
        wish()


@pytest.mark.parametrize(("option", "value"), [("--device", "cpu"), ("--precision", "fp32")])
def test_a_cluster_takes_no_device(run: Run, option: str, value: str) -> None:
    done = run("assign", "v.parquet", "--taxonomy", "t", "--out", "o", "--spark-master", "local", option, value)
    assert done.returncode == 2
    assert f"a Spark cluster embeds on its CPUs, by fp32: leave {option} out" in done.stderr


def test_the_command_line_names_a_device(run: Run, small_build: Path, gpus: Callable[..., None]) -> None:
    gpus()
    tree = small_build / "taxonomy.json"
    for options, env, said in (
        (("--device", "gpu"), {}, "--device is 'gpu'; give auto, cpu, cuda"),
        (("--precision", "int8"), {}, "--precision is 'int8'; give fp32 or bf16"),
        (("--device", "cpu", "--precision", "bf16"), {}, "name one with --device, or leave --precision out"),
        (("--device", "cuda:0"), {}, "the GPU cuda:0 is asked for, and torch sees none"),
        ((), {"VALUE_TAXONOMY_DEVICE": "gpu"}, "VALUE_TAXONOMY_DEVICE is 'gpu'"),
    ):
        done = run("lint", tree, *options, env=env)
        assert done.returncode == 2
        assert said in done.stderr.splitlines()[-1]
    assert run("lint", tree, "--device", "cpu", env={"VALUE_TAXONOMY_DEVICE": "cuda"}).returncode == 0


def test_what_runs_on_the_cpu_alone_takes_no_gpu(cache: Path, gpus: Callable[..., None]) -> None:
    gpus(H100)
    many = embeddings.load_encoder(expected=GPU_FROM)
    assert (many.runtime, many.device, many.precision) == (SENTENCE_TRANSFORMERS, H100, FP32)
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    assert embeddings.load_encoder(runtime="onnxruntime", expected=GPU_FROM).device == "cpu"
    with pytest.raises(ModelNotFoundError, match="onnxruntime runs models on the CPU alone"):
        embeddings.load_encoder(runtime="onnxruntime", device="cuda")


# -- batches ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_vectors_are_those_of_the_cpu(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices_module, "MOST_TOKENS", 512)
    theirs = embeddings.load_encoder(runtime=SENTENCE_TRANSFORMERS)
    ours = encoder_on(SLOW, theirs.folder, theirs._model_digest)
    strings = ["", *("honesty " * (number % 7) + f"value {number % 60}, 诚实" for number in range(300))]
    try:
        vectors = ours.encode(strings)
        assert np.abs(vectors - theirs.encode(strings)).max() <= 1e-5
        assert ours.digest != theirs.digest
        assert ours.encode(strings[::-1])[::-1].tobytes() == vectors.tobytes()
        assert (
            np.concatenate([ours.encode(strings[:9]), ours.encode(strings[9:40])]).tobytes() == vectors[:40].tobytes()
        )
        assert (ours.unknown_words(strings) == theirs.unknown_words(strings)).all()
    finally:
        ours.close()
        theirs.close()


class Loaded:
    """Stands for a model that was loaded: a token is a word, and a vector depends on the rows of its batch, too."""

    prefix = ""

    def __init__(self, room: int = 10**9) -> None:
        import torch

        self.room = room
        self.shapes: list[tuple[int, ...]] = []
        loaded = self

        class Model(torch.nn.Module):  # type: ignore[misc]
            tokenizer = SimpleNamespace()

            def __init__(self) -> None:
                super().__init__()
                torch.manual_seed(0)
                self.embedding = torch.nn.Embedding(1000, 8)

            def forward(self, features: dict[str, Any]) -> dict[str, Any]:
                ids = features["input_ids"]
                assert features["attention_mask"].all()
                loaded.shapes.append(tuple(ids.shape))
                if ids.numel() > loaded.room:
                    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
                return {"sentence_embedding": self.embedding(ids).mean(1) + 1e-3 * ids.shape[0]}

        self.model = Model()

    def features(self, strings: list[str]) -> dict[str, Any]:
        import torch

        ids = [[sum(map(ord, word)) % 999 + 1 for word in string.split()] or [1] for string in strings]
        longest = max(map(len, ids))
        padded = torch.tensor([row + [0] * (longest - len(row)) for row in ids])
        return {"input_ids": padded, "attention_mask": (padded > 0).long(), "modality": "text"}


def on_device(loaded: Loaded) -> Any:
    from embeddings._device_model import DeviceModel

    return DeviceModel(loaded, "cpu", FP32)


def texts(count: int) -> list[str]:
    words = ("care", "truth", "honesty", "patience", "fair play")
    return [" ".join(words[(number + at) % 5] for at in range(number % 6)) for number in range(count)]


def test_bits_hang_on_the_string_alone() -> None:
    loaded = Loaded()
    model, strings = on_device(loaded), texts(200)
    vectors = model.encode(strings, 64)
    assert {(rows, count) for rows, count in loaded.shapes} == {(64 // count, count) for _, count in loaded.shapes}
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert model.encode(strings[::-1], 64)[::-1].tobytes() == vectors.tobytes()
    alone = np.concatenate([model.encode([string], 64) for string in strings[:12]])
    assert alone.tobytes() == vectors[:12].tobytes()
    assert model.encode(strings, 32).tobytes() != vectors.tobytes()


def test_the_next_strings_are_tokenised_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embeddings._device_model._TOKENISED", 16)
    loaded = Loaded()
    strings = ["care"] * 50
    vectors = on_device(loaded).encode(strings, 8)
    assert loaded.shapes == [(8, 1)] * 7
    assert vectors.tobytes() == vectors[:1].tobytes() * 50


def test_memory_that_runs_out_is_told_from_other_errors() -> None:
    loaded = Loaded(room=1000)
    model = on_device(loaded)
    with pytest.raises(MemoryError):
        model.encode(["care"], 1001)
    model.fit(64)
    with pytest.raises(MemoryError):
        model.fit(1024)
    loaded.model.embedding = None
    with pytest.raises(TypeError):
        model.encode(["care"], 64)


# -- memory -----------------------------------------------------------------------------------------------------------

# A worker with room for batches of so many tokens; its vectors say how large a batch was.
WORKER = """
    import json, sys
    from pathlib import Path
    import numpy as np

    def answer(rows, columns, values=()):
        sys.stdout.buffer.write(np.array((rows, columns), dtype="<i4").tobytes() + np.array(values, "<f4").tobytes())
        sys.stdout.buffer.flush()

    room = Path(__file__).with_name("room")
    assert sys.argv[2:] == ["--device", "cuda:0", "fp32"], sys.argv
    answer(0, 2)
    for line in sys.stdin:
        request = json.loads(line)
        tokens = request.get("fit") or request["tokens"]
        if tokens > int(room.read_text()):
            answer(-1, 0)
        elif "fit" in request:
            answer(0, 0)
        else:
            answer(len(request["encode"]), 2, [(np.cos(tokens), np.sin(tokens))] * len(request["encode"]))
"""


def encoder_on(device: Device, folder: Path, model_digest: str = "model") -> SentenceTransformerEncoder:
    return SentenceTransformerEncoder(
        folder, name="model", model_digest=model_digest, weights_sha256="", runtime=sentence_transformers(device)
    )


Room = Callable[[int], SentenceTransformerEncoder]


@pytest.fixture
def with_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """Make encoders on a GPU with room for batches of so many tokens."""
    monkeypatch.setenv("VALUE_TAXONOMY_CACHE", str(tmp_path / "cache"))
    (tmp_path / "_worker.py").write_text(textwrap.dedent(WORKER), encoding="utf-8")
    monkeypatch.setattr("embeddings.pool.__file__", str(tmp_path / "pool.py"))
    made = []

    def make(room: int) -> SentenceTransformerEncoder:
        (tmp_path / "room").write_text(str(room))
        made.append(encoder_on(Device(H100, ("cuda:0",)), tmp_path))
        return made[-1]

    yield make
    for encoder in made:
        encoder.close()


def tokens_of(vectors: NDArray[np.float32]) -> set[int]:
    sizes = (MOST_TOKENS, MOST_TOKENS // 2, MOST_TOKENS // 4, LEAST_TOKENS)
    return {next(size for size in sizes if np.allclose(row, (np.cos(size), np.sin(size)))) for row in vectors}


def test_batches_are_halved_once_and_vectors_stored_apart(with_room: Room) -> None:
    wide = StoredEncoder(with_room(MOST_TOKENS))
    assert tokens_of(wide.encode(["care"])) == {MOST_TOKENS}
    narrow = StoredEncoder(with_room(MOST_TOKENS // 4))
    assert narrow.digest == wide.digest
    with pytest.warns(DeviceWarning, match=r"no memory for batches of 16,384 tokens; they have 4,096 from now on"):
        vectors = narrow.encode(["care", "honesty"])
    # What was stored of larger batches is left alone.
    assert tokens_of(vectors) == {MOST_TOKENS // 4}
    assert narrow.digest == narrow._encoder.digest != wide.digest
    later = StoredEncoder(with_room(MOST_TOKENS))
    assert later.digest == narrow.digest
    assert later.holds(["care", "honesty"])
    assert tokens_of(later.encode(["care", "trust"])) == {MOST_TOKENS // 4}


@pytest.mark.parametrize("room", [0, LEAST_TOKENS - 1])
def test_a_full_gpu_is_one_line(with_room: Room, room: int) -> None:
    with pytest.raises(DeviceError, match=rf"cuda:0 \({H100}\): no memory .* tokens; end what else .* stored vectors"):
        with_room(room).encode(["care"])


def test_no_batch_is_halved_after_the_first_vector(with_room: Room, tmp_path: Path) -> None:
    stored = StoredEncoder(with_room(MOST_TOKENS))
    stored.encode(["care"])
    (tmp_path / "room").write_text(str(LEAST_TOKENS))
    with pytest.raises(DeviceError, match=r"batches of 16,384 tokens"):
        stored.encode(["honesty"])
    # Nor after a vector that was stored.
    again = StoredEncoder(with_room(LEAST_TOKENS))
    again.encode(["care"])
    with pytest.raises(DeviceError, match=r"batches of 16,384 tokens"):
        again.encode(["honesty"])


# -- trees ------------------------------------------------------------------------------------------------------------


def made_on(tree: Taxonomy, **fields: str | None) -> Taxonomy:
    """The tree as if its vectors had been made so."""
    assert tree.provenance.model is not None
    model = tree.provenance.model.model_copy(update=fields)
    return tree.model_copy(update={"provenance": tree.provenance.model_copy(update={"model": model})})


def test_a_tree_says_where_its_vectors_were_made(with_room: Room) -> None:
    model = Space.of_encoder(with_room(MOST_TOKENS)).model
    assert (model.device, model.precision, model.runtime) == (H100, None, None)
    # Trees built before keep their bytes.
    assert not {"device", "precision"} & set(ModelProvenance(name="a", sha256="b", dimension=2).model_dump())


def test_a_tree_has_its_own_device_where_that_is_here(
    small_build: Path, gpus: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = taxonomy.read(small_build / "taxonomy.json")
    cpu = tree_encoder(tree).digest
    on_gpu = made_on(tree, runtime=None, device=A100, precision=BF16)
    gpus()
    with pytest.warns(RuntimeChangeWarning, match=f"made by sentence-transformers on {A100} in bf16; all are made"):
        assert tree_encoder(on_gpu).digest == cpu
    gpus(H100, A100)
    own = tree_encoder(on_gpu)
    assert isinstance(own, StoredEncoder)
    assert (own._encoder.device, own._encoder.precision) == (A100, BF16)  # type: ignore[attr-defined]
    gpus(H100)
    # Many strings would take the GPU, but the tree's own vectors are of the CPU and stored.
    monkeypatch.setattr("embeddings.models.choose_device", lambda wanted, _: choose_device(wanted, GPU_FROM))
    assert tree_encoder(tree).digest == cpu


def test_a_device_that_is_named_is_taken(small_build: Path, gpus: Callable[..., None]) -> None:
    tree = taxonomy.read(small_build / "taxonomy.json")
    gpus(H100)
    with using_device("cuda"), pytest.warns(RuntimeChangeWarning, match=f"again by sentence-transformers on {H100}"):
        assert tree_encoder(tree)._encoder.device == H100  # type: ignore[attr-defined]
    with using_device("cpu"), pytest.warns(RuntimeChangeWarning):
        assert tree_encoder(made_on(tree, runtime=None, device=H100)).digest == tree_encoder(tree).digest


def test_the_next_version_is_made_where_the_last_was(small_build: Path, gpus: Callable[..., None]) -> None:
    tree = taxonomy.read(small_build / "taxonomy.json")
    gpus(A100)
    assert Space.of_model("minilm", previous=made_on(tree, runtime=None, device=A100)).model.device == A100
    assert Space.of_model("minilm", previous=tree, expected=GPU_FROM).model == tree.provenance.model


def test_torch_is_asked_in_a_process_of_its_own() -> None:
    worker = Path(embeddings.__file__).with_name("_worker.py")
    done = subprocess.run([sys.executable, "-P", worker, "", "--gpus"], capture_output=True, check=True, text=True)
    assert done.stdout.startswith("[")
