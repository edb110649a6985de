"""Strings in, unit vectors out; each string is embedded once.

>>> from embeddings import StoredEncoder, load_encoder
>>> encoder = StoredEncoder(load_encoder())  # doctest: +SKIP
>>> encoder.encode(["patience", "honesty"]).shape  # doctest: +SKIP
(2, 384)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from embeddings.model_names import DEFAULT_MODEL

if TYPE_CHECKING:
    from embeddings.cache import cache_folder
    from embeddings.devices import using_device
    from embeddings.encoder import Encoder, SentenceTransformerEncoder
    from embeddings.errors import DeviceError, DeviceWarning, EmbeddingError, GraphWarning, StoreWarning
    from embeddings.models import load_encoder
    from embeddings.neighbors import nearest_neighbors
    from embeddings.stored import StoredEncoder

__all__ = [
    "DEFAULT_MODEL",
    "DeviceError",
    "DeviceWarning",
    "EmbeddingError",
    "Encoder",
    "GraphWarning",
    "SentenceTransformerEncoder",
    "StoreWarning",
    "StoredEncoder",
    "cache_folder",
    "load_encoder",
    "nearest_neighbors",
    "using_device",
]

_HOMES = {
    "DeviceError": "errors",
    "DeviceWarning": "errors",
    "EmbeddingError": "errors",
    "Encoder": "encoder",
    "GraphWarning": "errors",
    "SentenceTransformerEncoder": "encoder",
    "StoreWarning": "errors",
    "StoredEncoder": "stored",
    "cache_folder": "cache",
    "load_encoder": "models",
    "nearest_neighbors": "neighbors",
    "using_device": "devices",
}


def __getattr__(name: str) -> Any:
    # Imported where used, so that importing the package costs nothing.
    if name not in _HOMES:
        raise AttributeError(f"module 'embeddings' has no attribute {name!r}")
    return getattr(import_module(f"embeddings.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
