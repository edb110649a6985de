"""A model run by ONNX Runtime, in a process of its own: see `embeddings._worker`.

It needs numpy, onnxruntime and tokenizers alone, which are imported in a fraction of the time that torch takes. All
that it needs of the model is in one file, which `embeddings._export` makes: the graph from token ids to unit vectors,
and as its metadata the tokenizer and the settings.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

# How the graph is run, on which the last bits depend: part of the digest of an encoder. Optimisations that depend on
# the kind of CPU come after the extended ones.
OPTIONS = {
    "execution_mode": "ORT_SEQUENTIAL",
    "graph_optimization_level": "ORT_ENABLE_EXTENDED",
    "inter_op_num_threads": 1,
    "intra_op_num_threads": 1,
    "use_deterministic_compute": True,
}
# Keys of the metadata.
TOKENIZER, SETTINGS = "tokenizer", "settings"
# Errors alone: what it warns of is for those who tune it.
_LOG_SEVERITY = 3


class OnnxModel:
    """A model as `embeddings._export` writes it.

    Parameters
    ----------
    graph : bytes
        The content of the file.
    make_vocabulary : callable
        Makes an `embeddings.vocabulary.Vocabulary` of a tokenizer.
    """

    def __init__(self, graph: bytes, make_vocabulary: Callable[[Any], Any]) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _LOG_SEVERITY
        for name, value in OPTIONS.items():
            enum = {"execution_mode": "ExecutionMode", "graph_optimization_level": "GraphOptimizationLevel"}.get(name)
            setattr(options, name, value if enum is None else getattr(getattr(onnxruntime, enum), str(value)))
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        metadata = self._session.get_modelmeta().custom_metadata_map
        settings = json.loads(metadata[SETTINGS])
        self._prefix: str = settings["prefix"]
        self._unknown_id: int | None = settings["unknown_id"]
        self._tokenizer = Tokenizer.from_str(metadata[TOKENIZER])
        self._make_vocabulary = make_vocabulary

    def ids(self, strings: list[str]) -> list[list[int]]:
        """Return the ids of the tokens of each string, after truncation."""
        return [found.ids for found in self._tokenizer.encode_batch([self._prefix + string for string in strings])]

    def count(self, strings: list[str]) -> NDArray[np.float32]:
        """Return token counts after truncation, shape (n, 1)."""
        return np.array([len(ids) for ids in self.ids(strings)], dtype=np.float32).reshape(-1, 1)

    def unknown(self, strings: list[str]) -> NDArray[np.float32]:
        """Return 1 for each string with words that the model does not know, else 0, shape (n, 1)."""
        return np.array(self._vocabulary.unknown(strings), dtype=np.float32).reshape(-1, 1)

    def encode(self, strings: list[str], rows: int) -> NDArray[np.float32]:
        """Return unit vectors, shape (n, dimension), computed as a batch of exactly `rows` rows.

        The bits of a matrix product depend on its shape, so the shape must not depend on how many strings came.
        """
        # Of several token counts they make no matrix.
        ids = np.array(self.ids(strings), dtype=np.int64)
        batch = np.concatenate([ids, np.repeat(ids[:1], rows - len(ids), axis=0)])
        (vectors,) = self._session.run(None, {self._session.get_inputs()[0].name: batch})
        return np.asarray(vectors[: len(strings)], dtype=np.float32)

    @cached_property
    def _vocabulary(self) -> Any:
        return self._make_vocabulary(_WordTokenizer(self._tokenizer.to_str(), self._unknown_id))


class _WordTokenizer:
    """A tokenizer without truncation that answers as those of transformers do."""

    def __init__(self, written: str, unk_token_id: int | None) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(written)
        self._tokenizer.no_truncation()
        self.unk_token_id = unk_token_id

    def __call__(self, words: list[str], *, add_special_tokens: bool) -> dict[str, list[list[int]]]:
        found = self._tokenizer.encode_batch(words, add_special_tokens=add_special_tokens)
        return {"input_ids": [one.ids for one in found]}

    def get_vocab(self) -> dict[str, int]:
        """Return the id of each token."""
        return self._tokenizer.get_vocab(with_added_tokens=True)

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Return the text that tokens stand for."""
        decoder = self._tokenizer.decoder
        return " ".join(tokens) if decoder is None else str(decoder.decode(tokens))
