"""Vectors of a GPU, where torch sees one: ``make test-gpu``."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from embeddings import SentenceTransformerEncoder
from embeddings.devices import BF16, FP32, LEAST_TOKENS, MOST_TOKENS, visible_gpus
from embeddings.models import load_encoder
from taxonomy.values import read_values
from tests.conftest import FIXTURE

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module", autouse=True)
def _gpu() -> None:
    if not visible_gpus():
        pytest.skip("torch sees no GPU")


@pytest.fixture(scope="module")
def strings() -> list[str]:
    values = list(read_values(FIXTURE).labels)
    return [*values, *(f"{one}, and not {two}" for one, two in zip(values, values[7:], strict=False)), "long " * 400]


@pytest.fixture(scope="module")
def encoder(cache: Path) -> Iterator[SentenceTransformerEncoder]:
    found = load_encoder(device="cuda:0")
    yield found
    found.close()


@pytest.fixture(scope="module")
def vectors(encoder: SentenceTransformerEncoder, strings: list[str]) -> NDArray[np.float32]:
    return encoder.encode(strings)


def test_bits_hang_on_the_string_alone(
    encoder: SentenceTransformerEncoder, strings: list[str], vectors: NDArray[np.float32]
) -> None:
    shuffled = np.random.default_rng(0).permutation(len(strings))
    assert encoder.encode([strings[at] for at in shuffled]).tobytes() == vectors[shuffled].tobytes()
    for part in (strings[:1], strings[3:50], strings[-5:]):
        start = strings.index(part[0])
        assert encoder.encode(part).tobytes() == vectors[start : start + len(part)].tobytes()
    encoder.close()
    assert encoder.encode(strings[:50]).tobytes() == vectors[:50].tobytes()


def test_vectors_are_near_those_of_the_cpu(strings: list[str], vectors: NDArray[np.float32]) -> None:
    on_cpu = load_encoder(device="cpu")
    try:
        assert (on_cpu.encode(strings) * vectors).sum(axis=1).min() >= 1 - 1e-4
    finally:
        on_cpu.close()


def test_bf16_is_near_fp32(strings: list[str], vectors: NDArray[np.float32], cache: Path) -> None:
    coarse = load_encoder(device="cuda:0", precision=BF16)
    try:
        found = coarse.encode(strings)
        assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
        assert (found * vectors).sum(axis=1).min() >= 0.99
        assert coarse.encode(strings[:50]).tobytes() == found[:50].tobytes()
    finally:
        coarse.close()


def test_memory_that_runs_out_is_told(encoder: SentenceTransformerEncoder) -> None:
    import torch

    from embeddings._device_model import DeviceModel
    from embeddings._torch_model import TorchModel

    model = DeviceModel(TorchModel(str(encoder.folder), lambda tokenizer: tokenizer), "cuda:0", FP32)
    model.fit(LEAST_TOKENS)
    before = model.encode(["care"], LEAST_TOKENS)
    torch.cuda.empty_cache()
    held = torch.cuda.memory_allocated() / torch.cuda.get_device_properties(0).total_memory
    try:
        torch.cuda.set_per_process_memory_fraction(held)
        with pytest.raises(MemoryError):
            model.fit(MOST_TOKENS)
        torch.cuda.set_per_process_memory_fraction(1.0)
        assert model.encode(["care"], LEAST_TOKENS).tobytes() == before.tobytes()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        del model
        gc.collect()
        torch.cuda.empty_cache()
