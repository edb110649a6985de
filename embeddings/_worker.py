"""One process, one torch thread, one model: strings in, vectors out.

Run by path, so that it does not depend on the program that started it. On stdin, one JSON object per line:
``{"count": [string, ...]}`` is answered by token counts (n, 1), ``{"unknown": [string, ...]}`` by ones where a string
holds words that the model does not know, else zeros (n, 1), and ``{"encode": [string, ...], "rows": r}`` by unit
vectors (n, dimension), whose strings have one token count. An answer on stdout is the shape as two little-endian int32,
then the float32 values. The first answer, of shape (0, dimension), says that the model is
loaded. The process ends with its stdin.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer


def load(folder: str) -> SentenceTransformer:
    """Return the model of a folder, in float32; only safetensors are read and no code of the folder is run."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(
        folder,
        device="cpu",
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    )
    return model.float().eval()


def features(model: SentenceTransformer, strings: list[str]) -> dict[str, Any]:
    """Return the model's input tensors, one row per string, padded to the longest."""
    prefix = model.prompts.get(model.default_prompt_name or "", "") or ""
    # `tokenize` is what sentence-transformers before 6 calls it.
    preprocess = getattr(model, "preprocess", None) or model.tokenize
    tensors: dict[str, Any] = preprocess([prefix + string for string in strings])
    return tensors


def count(model: SentenceTransformer, strings: list[str]) -> NDArray[np.float32]:
    """Return token counts after truncation, shape (n, 1)."""
    mask = features(model, strings)["attention_mask"]
    return np.asarray(mask.sum(1, keepdim=True).numpy(), dtype=np.float32)


@cache
def load_vocabulary(model: SentenceTransformer) -> Any:
    """Return the model's vocabulary; its module lies beside this one, and is loaded by path as well."""
    spec = spec_from_file_location("vocabulary", Path(__file__).with_name("vocabulary.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Vocabulary(model.tokenizer)


def unknown(model: SentenceTransformer, strings: list[str]) -> NDArray[np.float32]:
    """Return 1 for each string with words that the model does not know, else 0, shape (n, 1)."""
    if not hasattr(model.tokenizer, "get_vocab"):
        # It reads other things than words, too.
        return np.zeros((len(strings), 1), dtype=np.float32)
    return np.array(load_vocabulary(model).unknown(strings), dtype=np.float32).reshape(-1, 1)


def encode(model: SentenceTransformer, strings: list[str], rows: int) -> NDArray[np.float32]:
    """Return unit vectors, shape (n, dimension), computed as a batch of exactly `rows` rows.

    The bits of a matrix product depend on its shape, so the shape must not depend on how many strings came.
    """
    import torch

    tensors = features(model, strings + strings[:1] * (rows - len(strings)))
    if not bool(tensors["attention_mask"].all()):
        raise ValueError("strings of several token counts in one batch")
    with torch.inference_mode():
        vectors = model(tensors)["sentence_embedding"]
        unit = torch.nn.functional.normalize(vectors, p=2, dim=1)[: len(strings)]
    return np.asarray(unit.numpy(), dtype=np.float32)


def main(folder: str) -> None:
    """Answer requests until stdin ends."""
    # Ctrl-C reaches every process of the terminal; the parent process decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Answers go to a copy of stdout; what libraries print goes to stderr.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def answer(values: NDArray[np.float32]) -> None:
        answers.write(np.array(values.shape, dtype="<i4").tobytes() + values.astype("<f4").tobytes())
        answers.flush()

    model = load(folder)
    answer(encode(model, ["a"], 1)[:0])
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if "count" in request:
            answer(count(model, request["count"]))
        elif "unknown" in request:
            answer(unknown(model, request["unknown"]))
        else:
            answer(encode(model, request["encode"], request["rows"]))


if __name__ == "__main__":
    main(sys.argv[1])
