"""Where a model runs: on the CPU, or on GPUs of one kind, chosen before the first string."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import subprocess
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from embeddings._worker import GPUS
from embeddings.cache import note, recall
from embeddings.errors import DeviceError, DeviceWarning, WorkerMemoryError
from embeddings.pool import WorkerPool, worker_command, worker_environment

AUTO, CPU, CUDA = "auto", "cpu", "cuda"
FP32, BF16 = "fp32", "bf16"
PRECISIONS = (FP32, BF16)
VARIABLE = "VALUE_TAXONOMY_DEVICE"

# With fewer strings a GPU is no gain: two processors embed them in about the time that torch takes to look for one and
# to load a model on it.
GPU_FROM = 20_000
# Tokens in a batch on a GPU, at first and at least. Twice as many are hardly faster, and each token count of a request
# ends in a batch that is filled up.
MOST_TOKENS, LEAST_TOKENS = 16_384, 2_048
# Strings in a request to a GPU: the more, the less is filled up, and the more wait for their answer.
BLOCK = 100_000


class Wish(NamedTuple):
    """Where and how models are to run."""

    device: str
    precision: str


_wish: ContextVar[Wish | None] = ContextVar("_wish", default=None)


def wish(device: str | None = None, precision: str | None = None) -> Wish:
    """Return where models are to run: as given, else as by `using_device`, else by the environment, else ``auto``.

    Raises
    ------
    DeviceError
        If what is named is no device, or no precision.
    """
    outer = _wish.get() or Wish(_checked(os.environ.get(VARIABLE) or AUTO, VARIABLE), FP32)
    if precision not in (None, *PRECISIONS):
        raise DeviceError(f"`precision` is {precision!r}; give {FP32} or {BF16}")
    return Wish(outer.device if device is None else _checked(device, "`device`"), precision or outer.precision)


def _checked(device: str, where: str) -> str:
    if device not in (AUTO, CPU) and not re.fullmatch(r"cuda(:[0-9]+)?", device):
        raise DeviceError(f"{where} is {device!r}; give {AUTO}, {CPU}, {CUDA}, or {CUDA}:N for one of several GPUs")
    return device


@contextlib.contextmanager
def using_device(device: str | None = None, precision: str | None = None) -> Iterator[None]:
    """Let models run on a device, wherever none is named, within a ``with`` block.

    Parameters
    ----------
    device : str, optional
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``, as of `embeddings.load_encoder`; by default what holds outside.
    precision : {"fp32", "bf16"}, optional

    Raises
    ------
    DeviceError
        If it is none of these.
    """
    token = _wish.set(wish(device, precision))
    try:
        yield
    finally:
        _wish.reset(token)


@dataclass(frozen=True, slots=True)
class Device:
    """GPUs of one kind, and how they compute.

    Attributes
    ----------
    kind : str
        Name and compute capability, on which the bits of vectors depend.
    places : tuple of str
        What torch calls them, such as ``cuda:0``: a worker process runs on each.
    precision : {"fp32", "bf16"}
    """

    kind: str
    places: tuple[str, ...]
    precision: str = FP32


def choose_device(wanted: Wish, expected: int = 0) -> Device | None:
    """Return the GPUs that are to be used, None for the CPU.

    Parameters
    ----------
    wanted : Wish
    expected : int
        Strings expected in all: ``auto`` takes GPUs for many, if torch sees any, or where the precision asks for one.

    Raises
    ------
    DeviceError
        If there is no such GPU, or the precision needs one.

    Warns
    -----
    DeviceWarning
        If there are GPUs of another kind, which are left out.
    """
    device, precision = wanted
    if device == AUTO and precision == FP32 and (expected < GPU_FROM or not visible_gpus()):
        return None
    if device == CPU and precision == FP32:
        return None
    if device == CPU:
        raise DeviceError(f"the precision {precision} needs a GPU; name one with `device`, or leave `precision` out")
    kinds = visible_gpus()
    if not kinds:
        asked = f"the precision {precision} needs a GPU" if device == AUTO else f"the GPU {device} is asked for"
        instead = "leave `precision` out" if device == AUTO else f"use the device {CPU}"
        raise DeviceError(f"{asked}, and torch sees none; {instead}, or install a torch that is built for your GPU")
    if ":" in device:
        number = int(device.split(":")[1])
        if number >= len(kinds):
            seen = "one GPU, cuda:0" if len(kinds) == 1 else f"{len(kinds)} GPUs, cuda:0 to cuda:{len(kinds) - 1}"
            raise DeviceError(f"the device {device} is asked for, and torch sees {seen}; name one of these")
        return Device(kinds[number], (device,), precision)
    places = tuple(f"{CUDA}:{number}" for number, kind in enumerate(kinds) if kind == kinds[0])
    if len(places) < len(kinds):
        problem = f"GPUs are of several kinds; those like the first are used: {', '.join(places)} ({kinds[0]})"
        warnings.warn(f"{problem}, since the last bits of vectors depend on the kind", DeviceWarning, stacklevel=3)
    return Device(kinds[0], places, precision)


def find_kind(kind: str) -> str | None:
    """Return the name under which a GPU of a kind can be asked for, None where torch sees none."""
    kinds = visible_gpus()
    if kind not in kinds:
        return None
    return CUDA if set(kinds) == {kind} else f"{CUDA}:{kinds.index(kind)}"


@functools.cache
def visible_gpus() -> tuple[str, ...]:
    """Return the kind of each GPU that torch sees; torch is asked once, in a process of its own.

    Raises
    ------
    DeviceError
        If torch can't be asked.
    """
    if version("torch").endswith("+cpu"):
        return ()
    done = subprocess.run(  # noqa: S603
        worker_command(Path(), GPUS),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=worker_environment(),
        check=False,
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {done.returncode}"]
        raise DeviceError(f"torch can't say which GPUs there are ({lines[-1].strip()}); use the device {CPU}")
    return tuple(f"{CUDA} {name}, capability {capability}" for name, capability in json.loads(done.stdout))


def noted_device(encoder: object) -> str | None:
    """Return the kind of device of an encoder as provenance notes it: nothing for the CPU."""
    device = getattr(encoder, "device", CPU)
    return None if device == CPU else device


def noted_precision(encoder: object) -> str | None:
    """Return the precision of an encoder as provenance notes it: nothing for fp32."""
    precision = getattr(encoder, "precision", FP32)
    return None if precision == FP32 else precision


class Batches:
    """How many tokens a batch has on GPUs: what was found to fit is kept in the cache folder.

    Parameters
    ----------
    device : Device
    parts : tuple of str
        What decides how much memory a batch needs: the model and the versions of what runs it.

    Attributes
    ----------
    tokens : int
        Part of an encoder's digest.
    """

    def __init__(self, device: Device, parts: tuple[str, ...]) -> None:
        self._device = device
        self.parts = (*parts, f"device {device.kind}", f"precision {device.precision}")
        self._key = hashlib.sha256("\n".join(("batch tokens", *self.parts)).encode()).hexdigest()
        known = recall(self._key)
        self.tokens = known if isinstance(known, int) and LEAST_TOKENS <= known < MOST_TOKENS else MOST_TOKENS
        self._settled = 0

    def settle(self, pool: WorkerPool, workers: int, *, may_change: bool) -> None:
        """See that batches fit into the memory of each worker's GPU; where they don't, halve them if that is allowed.

        Raises
        ------
        DeviceError
            If they don't fit.

        Warns
        -----
        DeviceWarning
            If they were halved.
        """
        if workers <= self._settled:
            return
        first = self.tokens
        if not _fit(pool, workers, 1):
            raise self.full()
        while not _fit(pool, workers, self.tokens):
            if not may_change or self.tokens <= LEAST_TOKENS:
                raise self.full()
            self.tokens //= 2
        self._settled = workers
        if self.tokens < first:
            note(self._key, self.tokens)
            problem = f"{self._device.kind}: no memory for batches of {first:,} tokens; they have {self.tokens:,}"
            warnings.warn(f"{problem} from now on, and vectors stored before are not used", DeviceWarning, stacklevel=4)

    def full(self) -> DeviceError:
        """Return the error of a GPU whose memory is full."""
        where = f"{', '.join(self._device.places)} ({self._device.kind})"
        problem = f"{where}: no memory for the model and batches of {self.tokens:,} tokens"
        remedy = f"end what else uses it, name another GPU with `device`, or use the device {CPU}"
        return DeviceError(f"{problem}; {remedy}; stored vectors are kept")


def _fit(pool: WorkerPool, workers: int, tokens: int) -> bool:
    try:
        pool.ask_each({"fit": tokens}, workers=workers)
    except WorkerMemoryError:
        return False
    return True
