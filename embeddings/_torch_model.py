"""A model run by sentence-transformers and torch, in a process of its own: see `embeddings._worker`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer


class TorchModel:
    """A model of a folder, in float32; only safetensors are read and no code of the folder is run.

    Parameters
    ----------
    folder : str
    make_vocabulary : callable
        Makes an `embeddings.vocabulary.Vocabulary` of a tokenizer.
    """

    def __init__(self, folder: str, make_vocabulary: Callable[[Any], Any]) -> None:
        torch.set_num_threads(1)
        model = SentenceTransformer(
            folder,
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
        self.model = model.float().eval()
        self.prefix: str = model.prompts.get(model.default_prompt_name or "", "") or ""
        self._make_vocabulary = make_vocabulary

    def features(self, strings: list[str]) -> dict[str, Any]:
        """Return the model's input tensors, one row per string, padded to the longest."""
        # `tokenize` is what sentence-transformers before 6 calls it.
        preprocess = getattr(self.model, "preprocess", None) or self.model.tokenize
        tensors: dict[str, Any] = preprocess([self.prefix + string for string in strings])
        return tensors

    def count(self, strings: list[str]) -> NDArray[np.float32]:
        """Return token counts after truncation, shape (n, 1)."""
        mask = self.features(strings)["attention_mask"]
        return np.asarray(mask.sum(1, keepdim=True).numpy(), dtype=np.float32)

    def unknown(self, strings: list[str]) -> NDArray[np.float32]:
        """Return 1 for each string with words that the model does not know, else 0, shape (n, 1)."""
        if not hasattr(self.model.tokenizer, "get_vocab"):
            # It reads other things than words, too.
            return np.zeros((len(strings), 1), dtype=np.float32)
        return np.array(self._vocabulary.unknown(strings), dtype=np.float32).reshape(-1, 1)

    def encode(self, strings: list[str], rows: int) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, dimension), computed as a batch of exactly `rows` rows.

        The bits of a matrix product depend on its shape, so the shape must not depend on how many strings came.
        """
        tensors = self.features(strings + strings[:1] * (rows - len(strings)))
        if not bool(tensors["attention_mask"].all()):
            raise ValueError("strings of several token counts in one batch")
        with torch.inference_mode():
            vectors = self.model(tensors)["sentence_embedding"]
            unit = torch.nn.functional.normalize(vectors, p=2, dim=1)[: len(strings)]
        return np.asarray(unit.numpy(), dtype=np.float32)

    @cached_property
    def _vocabulary(self) -> Any:
        return self._make_vocabulary(self.model.tokenizer)
