"""What runs a model: ONNX Runtime where it is installed and can take the model, else sentence-transformers.

It is chosen before the first string, once per model and versions; what was decided is remembered in the cache folder,
where the graphs for ONNX Runtime are kept, too. Two runtimes differ in the last bits of a vector.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from embeddings._onnx_model import OPTIONS
from embeddings._worker import EXPORT, REFUSED, UNLOADABLE
from embeddings.cache import cache_folder, remember
from embeddings.devices import Device
from embeddings.errors import GraphWarning, ModelDamagedError, ModelNotFoundError
from embeddings.files import file_sha256, replacing
from embeddings.pool import worker_command, worker_environment
from embeddings.progress import announce

SENTENCE_TRANSFORMERS = "sentence-transformers"
ONNX_RUNTIME = "onnxruntime"

_LIBRARIES = ("sentence-transformers", "tokenizers", "torch", "transformers")
_ONNX_LIBRARIES = ("onnx", "onnxruntime")
# Raise it when a change of `_export` or `_onnx_model` may move a bit.
_GRAPH_VERSION = 1


@dataclass(frozen=True, slots=True)
class Runtime:
    """What runs a model.

    Attributes
    ----------
    name : str
        ``sentence-transformers`` or ``onnxruntime``.
    parts : tuple of str
        All that decides the bits of vectors, besides the model and how strings are batched.
    prepare : callable
        Returns the arguments of a worker after the model's folder; called before the first is started.
    device : Device or None
        The GPUs that it runs on, None for the CPU.
    """

    name: str
    parts: tuple[str, ...]
    prepare: Callable[[], tuple[str, ...]]
    device: Device | None = None


def sentence_transformers(device: Device | None = None) -> Runtime:
    """Return the runtime that takes every model, on every device."""
    return Runtime(SENTENCE_TRANSFORMERS, _versions(_LIBRARIES), lambda: (), device)


def noted_runtime(encoder: object) -> str | None:
    """Return the runtime of an encoder as provenance notes it: nothing for what every older tree was made with."""
    runtime = getattr(encoder, "runtime", None)
    return None if runtime == SENTENCE_TRANSFORMERS else runtime


def choose_runtime(folder: Path, model_digest: str, name: str | None = None) -> Runtime:
    """Return what runs a model.

    The first time, a model is exported for ONNX Runtime, which takes some ten seconds.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    model_digest : str
        Digest of its files.
    name : str, optional
        The runtime that it must be.

    Raises
    ------
    ModelNotFoundError
        If the runtime that it must be is not installed, or can't take the model.
    ModelDamagedError
        If the model can't be loaded.

    Warns
    -----
    GraphWarning
        If ONNX Runtime is installed and the model can't be exported. Of a model that it can't take, that is said once.
    """
    if name == SENTENCE_TRANSFORMERS:
        return sentence_transformers()
    if name not in (None, ONNX_RUNTIME):
        raise ModelNotFoundError(f"{name} runs no model; name {SENTENCE_TRANSFORMERS} or {ONNX_RUNTIME}")
    try:
        libraries = _versions(_ONNX_LIBRARIES)
    except PackageNotFoundError:
        if name is None:
            return sentence_transformers()
        raise ModelNotFoundError(f"{name} is not installed; run: pip install 'value-taxonomy[onnx]'") from None
    graph = _Graph(folder, ("graph " + str(_GRAPH_VERSION), model_digest, *_versions(_LIBRARIES), *libraries))
    sha256 = graph.find()
    if sha256 is None:
        if name is None:
            return sentence_transformers()
        raise ModelNotFoundError(f"{name} can't run the model in {folder}; name another with `model`")
    tokenizers = _versions(("onnxruntime", "tokenizers"))
    parts = (*tokenizers, f"graph {sha256}", f"options {json.dumps(OPTIONS, sort_keys=True)}")
    return Runtime(ONNX_RUNTIME, parts, lambda: (str(graph.verified(sha256)),))


def _versions(packages: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{name} {version(name)}" for name in packages)


class _Refused(Exception):
    """The model can't be exported, this time or another; the text says why."""


class _Failed(Exception):
    """It was not exported this time; the text says why."""


class _Graph:
    """The exported graph of a model, a file of the cache folder.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    parts : tuple of str
        What decides the bytes of the graph: it is exported again when one of them changes.
    """

    def __init__(self, folder: Path, parts: tuple[str, ...]) -> None:
        self._folder = folder
        self._key = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        self._path = cache_folder() / "graphs" / f"{self._key}.onnx"

    def find(self) -> str | None:
        """Return the sha256 of the graph, which is exported if need be; None where that is not possible."""
        try:
            return remember(self._key, self._decide).get("sha256")
        except _Failed as failure:
            self._warn(str(failure))
            return None

    def verified(self, sha256: str) -> Path:
        """Return the file of the graph, which is exported again if it is not what it was."""
        with contextlib.suppress(OSError):
            if file_sha256(self._path) == sha256:
                return self._path
        warnings.warn(f"{self._path}: the graph is missing or damaged; exporting it again", GraphWarning, stacklevel=2)
        try:
            again = self._export()
        except (_Failed, _Refused) as failure:
            raise ModelDamagedError(f"{self._path}: it can't be exported again: {failure}; run again") from None
        if again != sha256:
            raise ModelDamagedError(f"{self._path}: exported again, it is another graph; remove it and run again")
        return self._path

    def _decide(self) -> dict[str, str]:
        """Return what to remember of the model: the sha256 of its graph, or why there is none."""
        try:
            return {"sha256": self._export()}
        except _Refused as refusal:
            self._warn(str(refusal))
            return {"refused": str(refusal)}

    def _export(self) -> str:
        """Write the graph, whole or not at all, and return its sha256."""
        announce("preparing the model, once")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._path) as file:
                # The process writes to the file itself, which its lock keeps from others as long as it lives.
                done = subprocess.run(  # noqa: S603
                    worker_command(self._folder, EXPORT),
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.PIPE,
                    env=worker_environment(),
                    check=False,
                )
                if done.returncode:
                    raise self._why(done)
            return file_sha256(self._path)
        except OSError as error:
            raise _Failed(f"{self._path}: {error.strerror or error}") from error

    def _why(self, done: subprocess.CompletedProcess[bytes]) -> Exception:
        lines = done.stderr.decode(errors="replace").splitlines()
        last = next((line.strip() for line in reversed(lines) if line.strip()), f"exit status {done.returncode}")
        if done.returncode == UNLOADABLE:
            return ModelDamagedError(f"{self._folder}: the model cannot be loaded: {last}; install or copy it again")
        return _Refused(last) if done.returncode == REFUSED else _Failed(last)

    def _warn(self, reason: str) -> None:
        problem = f"ONNX Runtime can't run this model ({reason}); sentence-transformers runs it"
        warnings.warn(f"{self._folder}: {problem}", GraphWarning, stacklevel=2)
