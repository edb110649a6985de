"""A model run by torch in large batches, as a GPU wants them, in a process of its own: see `embeddings._worker`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

# Strings that are tokenised while the GPU computes those before.
_TOKENISED = 8192
# Tokens, about, of the string with which a batch is tried; longer ones may need more memory.
_TRIED = 512

# A batch is a matrix of ids without padding, with what else the model reads.
Features = dict[str, torch.Tensor]


def compute_exactly() -> None:
    """Let torch take no short cuts, and no algorithm whose result varies; for the whole process."""
    torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.backends.cudnn.allow_tf32 = False


def list_gpus() -> list[tuple[str, str]]:
    """Return the name and the compute capability of each GPU that torch sees."""
    properties = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return [(one.name, f"{one.major}.{one.minor}") for one in properties]


class DeviceModel:
    """A model on a device, where all strings of one token count are computed in batches of one shape.

    Parameters
    ----------
    loaded : TorchModel
    device : str
        ``cuda:0``, or any other that torch knows.
    precision : {"fp32", "bf16"}

    Raises
    ------
    MemoryError
        If the device has no room for it.
    """

    def __init__(self, loaded: Any, device: str, precision: str) -> None:
        self._loaded = loaded
        self._device = torch.device(device)
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        with _memory_errors():
            self._model = loaded.model.to(self._device).to(dtype)
        read = loaded.features(["a"])
        self._names = [name for name, value in read.items() if isinstance(value, torch.Tensor)]
        self._tokenizer = self._fast_tokenizer()

    def unknown(self, strings: list[str]) -> NDArray[np.float32]:
        """Return 1 for each string with words that the model does not know, else 0, shape (n, 1)."""
        found: NDArray[np.float32] = self._loaded.unknown(strings)
        return found

    def encode(self, strings: list[str], tokens: int) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, dimension), computed in batches of `tokens` tokens.

        Batches are begun while later strings are tokenised. What is left of a token count is filled up with a row of
        its own, since the bits of a matrix product depend on its shape.

        Raises
        ------
        MemoryError
            If the device has no room for a batch.
        """
        order: list[NDArray[np.intp]] = []
        vectors: list[torch.Tensor] = []
        with _memory_errors(), torch.inference_mode():
            for positions, features in self._batches(strings, tokens):
                order.append(positions)
                vectors.append(self._compute(features)[: len(positions)])
            computed = torch.cat(vectors).cpu().numpy()
        unit: NDArray[np.float32] = np.empty_like(computed)
        unit[np.concatenate(order)] = computed
        return unit

    def fit(self, tokens: int) -> None:
        """Compute a batch of `tokens` tokens of long strings, to see whether there is room for it.

        Raises
        ------
        MemoryError
            If there is not.
        """
        self.encode(["a " * _TRIED], tokens)

    def _batches(self, strings: list[str], tokens: int) -> Iterator[tuple[NDArray[np.intp], Features]]:
        """Yield the positions of strings of one token count with their features, filled up to the rows of a batch."""
        waiting: dict[int, tuple[NDArray[np.intp], Features]] = {}
        for count, positions, features in self._tokenised(strings):
            rows = max(1, tokens // count)
            if count in waiting:
                before, those = waiting.pop(count)
                positions = np.concatenate([before, positions])
                features = {name: torch.cat([those[name], one]) for name, one in features.items()}
            whole = len(positions) - len(positions) % rows
            for at in range(0, whole, rows):
                yield positions[at : at + rows], {name: one[at : at + rows] for name, one in features.items()}
            if whole < len(positions):
                waiting[count] = positions[whole:], {name: one[whole:] for name, one in features.items()}
        for count, (positions, features) in sorted(waiting.items()):
            missing = max(1, tokens // count) - len(positions)
            yield positions, {name: _filled(one, missing) for name, one in features.items()}

    def _compute(self, features: Features) -> torch.Tensor:
        """Begin to compute a batch, and return its unit vectors, which are there once the device is done."""
        if self._device.type == "cuda":
            # From ordinary memory a copy would wait until all batches before are done.
            features = {name: one.pin_memory() for name, one in features.items()}
        there = {name: one.to(self._device, non_blocking=True) for name, one in features.items()}
        vectors = self._model(there)["sentence_embedding"]
        return torch.nn.functional.normalize(vectors.float(), p=2, dim=1)

    def _tokenised(self, strings: list[str]) -> Iterator[tuple[int, NDArray[np.intp], Features]]:
        """Yield token counts with the positions of strings and their features, a part of the strings after the other.

        The next part is tokenised meanwhile.
        """
        starts = range(0, len(strings), _TOKENISED)
        with ThreadPoolExecutor(1) as executor:
            ahead = [executor.submit(self._read, strings[:_TOKENISED])]
            for start in starts:
                following = start + _TOKENISED
                ahead.append(executor.submit(self._read, strings[following : following + _TOKENISED]))
                for count, positions, features in self._by_count(ahead.pop(0).result()):
                    yield count, positions + start, features

    def _by_count(self, read: Any) -> Iterator[tuple[int, NDArray[np.intp], Features]]:
        if self._tokenizer is None:
            counts = read["attention_mask"].sum(1).numpy()
            if not all(mask[:count].all() for mask, count in zip(read["attention_mask"], counts, strict=True)):
                raise ValueError("its tokenizer pads in front")
        else:
            read = [found.ids for found in read]
            counts = np.fromiter(map(len, read), dtype=np.intp, count=len(read))
        for count in np.unique(counts).tolist():
            positions = np.flatnonzero(counts == count)
            if self._tokenizer is None:
                yield count, positions, {name: read[name][positions][:, :count] for name in self._names}
            else:
                tokens = chain.from_iterable(read[position] for position in positions.tolist())
                ids = np.fromiter(tokens, dtype=np.int64, count=count * len(positions))
                yield count, positions, self._features(torch.from_numpy(ids).view(-1, count))

    def _features(self, ids: torch.Tensor) -> Features:
        others = {name: torch.zeros_like(ids) for name in self._names}
        return {**others, "input_ids": ids, "attention_mask": torch.ones_like(ids)}

    def _read(self, strings: list[str]) -> Any:
        """Return what the tokenizer makes of strings: encodings of the library tokenizers, else padded features."""
        if not strings:
            return []
        if self._tokenizer is None:
            return self._loaded.features(strings)
        prefix = self._loaded.prefix
        return self._tokenizer.encode_batch_fast([prefix + string for string in strings] if prefix else strings)

    def _fast_tokenizer(self) -> Tokenizer | None:
        """Return the tokenizer by itself, which is several times as fast; None where it does not say all."""
        backend = getattr(self._loaded.model.tokenizer, "backend_tokenizer", None)
        if backend is None or "input_ids" not in self._names:
            return None
        tokenizer = Tokenizer.from_str(backend.to_str())
        tokenizer.no_padding()
        for text in ("a", "a " * 2 * _TRIED):
            read = self._loaded.features([text])
            ours = self._features(torch.tensor([tokenizer.encode(self._loaded.prefix + text).ids]))
            if any(not torch.equal(read[name], ours[name]) for name in self._names):
                return None
        return tokenizer


def _filled(rows: torch.Tensor, missing: int) -> torch.Tensor:
    return torch.cat([rows, rows[:1].expand(missing, *rows.shape[1:])])


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Raise MemoryError where the device has no memory left, after what was kept for later is given back."""
    try:
        yield
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
    else:
        return
    # After the error is gone, and with it the tensors that it holds.
    torch.cuda.empty_cache()
    raise MemoryError("the device has no memory left")
