"""Worker processes that compute vectors, with one thread, or one GPU, each.

They are plain subprocesses: nothing is pickled, and the user's script is not imported again. What torch does to a
process (threads, warnings, progress bars, memory) does not reach the caller's.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings._worker import FULL, NO_MEMORY
from embeddings.errors import EmbeddingError, ModelDamagedError, WorkerError, WorkerMemoryError

# Settings that choose the instructions or the number of threads, on which the last bits depend.
_NUMERIC_SETTINGS = (
    *("ATEN_", "CUBLASLT_", "CUBLAS_", "CUDNN_", "DNNL_", "KMP_", "MKL_", "NVIDIA_TF32_", "OMP_", "ONEDNN_", "ORT_"),
    "TORCH_",
)
_ENVIRONMENT = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_OFFLINE": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_OFFLINE": "1",
}
# A GPU waits for the tokenizer, whose threads change no token; cuBLAS varies without a work space of its own.
_DEVICE_ENVIRONMENT = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8", "TOKENIZERS_PARALLELISM": "true"}


_NO_MEMORY_LEFT = "an embedding worker has no memory left; run again with more: stored vectors are kept"


def worker_command(folder: Path, *arguments: str) -> list[str]:
    """Return the command of a worker: see `embeddings._worker`."""
    return [sys.executable, "-P", str(Path(__file__).with_name("_worker.py")), str(folder), *arguments]


def worker_environment() -> dict[str, str]:
    """Return the environment variables of a worker."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONWARNINGS" and not name.startswith(_NUMERIC_SETTINGS)
    }
    return kept | _ENVIRONMENT


class WorkerPool:
    """Workers of one model, started when first needed and kept until closed.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    prepare : callable
        Called before the first worker is started; returns its arguments after the folder.
    devices : sequence of tuple of str
        Those further arguments of each worker that say on which device it runs; none on the CPU.
    """

    def __init__(
        self,
        folder: Path,
        prepare: Callable[[], tuple[str, ...]] = tuple,
        devices: Sequence[tuple[str, ...]] = (),
    ) -> None:
        self._folder = folder
        self._prepare = prepare
        self._devices = devices
        self._workers: list[_Worker] = []
        self._owner = os.getpid()
        self._finalizer = weakref.finalize(self, _stop, self._workers, self._owner)

    def run(self, requests: Sequence[dict[str, Any]], *, workers: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield the number of each request with its answer, as answers arrive.

        Parameters
        ----------
        requests : sequence of dict
            See `embeddings._worker`.
        workers : int
            How many to start if fewer are running; each takes requests as soon as its model is loaded.

        Raises
        ------
        WorkerError, ModelDamagedError
            If a worker ends; the others are then stopped.
        """
        idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for worker in self._start(workers):
            worker.when_loaded(idle.put)

        def ask(request: dict[str, Any]) -> NDArray[np.float32]:
            worker = idle.get()
            try:
                return worker.ask(request)
            finally:
                idle.put(worker)

        with ThreadPoolExecutor(len(self._workers)) as executor:
            try:
                numbers = {executor.submit(ask, request): number for number, request in enumerate(requests)}
                for future in as_completed(numbers):
                    yield numbers[future], future.result()
            except BaseException:
                # The threads wait for their workers, and the executor for its threads.
                executor.shutdown(wait=False, cancel_futures=True)
                self.close()
                raise

    def ask_each(self, request: dict[str, Any], *, workers: int) -> list[NDArray[np.float32]]:
        """Return the answer of each of so many workers to one request; parameters and errors as for `run`."""
        started = self._start(workers)[:workers]
        with ThreadPoolExecutor(workers) as executor:
            try:
                return list(executor.map(lambda worker: worker.ask(request), started))
            except WorkerMemoryError:
                # What is running goes on with less.
                if any(worker.process.poll() is not None for worker in started):
                    self.close()
                raise
            except BaseException:
                self.close()
                raise

    def dimension(self) -> int:
        """Return the number of components of a vector."""
        return self._start(1)[0].dimension()

    def close(self) -> None:
        """Stop the workers; they start again when needed."""
        _stop(self._workers, self._owner)

    def _start(self, workers: int) -> list[_Worker]:
        if self._owner != os.getpid():
            raise WorkerError("this encoder was loaded before a fork; load an encoder after the fork")
        if len(self._workers) < workers:
            arguments = self._prepare()
            while len(self._workers) < workers:
                device = self._devices[len(self._workers)] if self._devices else ()
                self._workers.append(_Worker(self._folder, (*arguments, *device), on_device=bool(device)))
        return self._workers


class _Worker:
    """One process and its pipes."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], *, on_device: bool) -> None:
        self._folder = folder
        self._loaded: Future[int] = Future()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self.process = subprocess.Popen(  # noqa: S603
                worker_command(folder, *arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=worker_environment() | (_DEVICE_ENVIRONMENT if on_device else {}),
            )
        except OSError as error:
            self._log.close()
            raise WorkerError(
                f"an embedding worker cannot be started with {sys.executable!r}: {error}; check the Python installation"
            ) from error
        threading.Thread(target=self._load, daemon=True).start()

    def _load(self) -> None:
        try:
            self._loaded.set_result(self._read().shape[1])
        except Exception as error:  # Raised where the result is asked for.
            self._loaded.set_exception(error)

    def when_loaded(self, call_back: Callable[[_Worker], None]) -> None:
        """Call back once the model is loaded or has failed to; at once if that has happened already."""
        self._loaded.add_done_callback(lambda _: call_back(self))

    def dimension(self) -> int:
        """Return the length of its vectors, once its model is loaded."""
        return self._loaded.result()

    def ask(self, request: dict[str, Any]) -> NDArray[np.float32]:
        self.dimension()
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise self._exit_error() from None
        return self._read()

    def _read(self) -> NDArray[np.float32]:
        rows, columns = np.frombuffer(self._bytes(8), dtype="<i4").tolist()
        if rows == NO_MEMORY:
            raise WorkerMemoryError(_NO_MEMORY_LEFT)
        values = np.frombuffer(self._bytes(4 * rows * columns), dtype="<f4")
        return values.reshape(rows, columns).astype(np.float32, copy=False)

    def _bytes(self, size: int) -> bytes:
        assert self.process.stdout is not None
        data = self.process.stdout.read(size)
        if len(data) < size:
            raise self._exit_error()
        return data

    def _exit_error(self) -> EmbeddingError:
        code = self.process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        if code == FULL:
            return WorkerMemoryError(_NO_MEMORY_LEFT)
        if code > 0 and not self._loaded.done():
            return ModelDamagedError(f"{self._folder}: the model cannot be loaded: {last}; install or copy it again")
        ended = f"signal {-code}" if code < 0 else f"exit status {code}"
        reason = f" ({last})" if code > 0 and last else ""
        return WorkerError(f"an embedding worker ended with {ended}{reason}; run again: stored vectors are kept")

    def stop(self) -> None:
        """End the process at once; it holds nothing that could be lost."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self._log):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()


def _stop(workers: list[_Worker], owner: int) -> None:
    if owner == os.getpid():
        while workers:
            workers.pop().stop()
