"""The graph of a model for ONNX Runtime, made and checked in a process of its own: see `embeddings._worker`."""

from __future__ import annotations

import io
import json
import warnings
from typing import Any

import numpy as np
import onnx
import torch
from tokenizers import Tokenizer

_OPSET = 18
# Largest difference of a component from what sentence-transformers computes.
_TOLERANCE = 1e-5
# Rows and tokens of the batch that is traced: no size of the model.
_TRACED = (3, 7)
_TEXTS = (
    "Honesty",
    "  Respect for OTHERS' boundaries;\tand privacy ",
    "everyone's right to life, liberty and security of person (art. 3), by 1948-12-10!",
    "naïve façade, Ångström, İstanbul, straße, coöperation, e\u0301galite\u0301",
    "Alle Menschen sind frei und gleich an Würde und Rechten geboren",
    "все люди рождаются свободными и равными в своём достоинстве и правах",
    "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι",
    "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق",
    "כל בני אדם נולדו בני חורין ושווים בערכם ובזכויותיהם",
    "सभी मनुष्यों को गौरव और अधिकारों के मामले में स्वतन्त्रता प्राप्त है",
    "人人生而自由,在尊严和权利上一律平等",
    "すべての人間は、生まれながらにして自由であり",
    "모든 인간은 태어날 때부터 자유로우며 존엄과 권리에 있어 동등하다",
    "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน",
    "🙂 👩‍👩‍👧 ❤️ ≤ ∞ ½ \u200bzero\u00a0width",
    "[CLS] [MASK] </s> <s> ##ing",
)
_LENGTHS = (1, 2, 3, 5, 8, 13, 21, 40, 80)
_LONGEST = 1200


class _Whole(torch.nn.Module):  # type: ignore[misc]
    """From the ids of tokens without padding to unit vectors."""

    def __init__(self, model: Any, names: list[str]) -> None:
        super().__init__()
        self._model = model
        self._names = names

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        features = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        features |= {name: torch.zeros_like(ids) for name in self._names if name not in features}
        vectors = self._model(features)["sentence_embedding"]
        return torch.nn.functional.normalize(vectors, p=2, dim=1)


def export(model: Any, onnx_model: Any) -> bytes:
    """Return the graph of a model, as `embeddings._onnx_model` reads it.

    Parameters
    ----------
    model : TorchModel
    onnx_model : module
        `embeddings._onnx_model`.

    Raises
    ------
    Exception
        If the model can't be exported, or is not the same then; of no one class.
    """
    written = _write(model, onnx_model)
    _check(model, onnx_model.OnnxModel(written, None))
    return written


def _write(model: Any, onnx_model: Any) -> bytes:
    features = model.features(["a"])
    names = [name for name, value in features.items() if isinstance(value, torch.Tensor)]
    backend = getattr(model.model.tokenizer, "backend_tokenizer", None)
    if backend is None or "input_ids" not in names:
        raise ValueError("its tokenizer is not one of the library tokenizers")
    tokenizer = Tokenizer.from_str(backend.to_str())
    tokenizer.no_padding()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # What it says of the code that it traces, the check after it answers.
        warnings.simplefilter("ignore")
        # The tracing exporter: a fifth of the time of the newer one, and one package less; their graphs are as fast.
        torch.onnx.export(
            _Whole(model.model, names),
            (torch.ones(_TRACED, dtype=torch.long),),
            buffer,
            input_names=["ids"],
            output_names=["vectors"],
            dynamic_axes={"ids": {0: "rows", 1: "tokens"}, "vectors": {0: "rows"}},
            opset_version=_OPSET,
            dynamo=False,
        )
    graph = onnx.load_model_from_string(buffer.getvalue())
    settings = {"prefix": model.prefix, "unknown_id": model.model.tokenizer.unk_token_id}
    metadata = {onnx_model.TOKENIZER: tokenizer.to_str(), onnx_model.SETTINGS: json.dumps(settings)}
    onnx.helper.set_model_props(graph, metadata)
    return bytes(graph.SerializeToString())


def _check(model: Any, exported: Any) -> None:
    """Raise ValueError if tokens or vectors are not those of sentence-transformers."""
    strings = [" ".join(text.split(" ")[:length]) for text in _TEXTS for length in _LENGTHS]
    strings = list(dict.fromkeys(["", *strings, " ".join(_TEXTS), "honesty " * _LONGEST]))
    for string, ids in zip(strings, exported.ids(strings), strict=True):
        if model.features([string])["input_ids"][0].tolist() != ids:
            raise ValueError(f"it reads {string[:40]!r} as other tokens")
    counts = exported.count(strings)[:, 0]
    vectors = model.model.encode(strings, normalize_embeddings=True, show_progress_bar=False)
    for count in np.unique(counts):
        at = np.flatnonzero(counts == count)
        found = exported.encode([strings[i] for i in at], len(at) + 1)
        difference = float(np.abs(found - vectors[at]).max())
        # True of what is no number, too.
        if not difference <= _TOLERANCE:
            raise ValueError(f"its vectors differ by {difference:.1e}")
