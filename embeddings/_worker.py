"""One process, one thread, one model: strings in, vectors out.

Run by path, so that it does not depend on the program that started it, with the folder of a model; a graph after it is
run by ONNX Runtime instead of sentence-transformers. On stdin, one JSON object per line:
``{"count": [string, ...]}`` is answered by token counts (n, 1), ``{"unknown": [string, ...]}`` by ones where a string
holds words that the model does not know, else zeros (n, 1), and ``{"encode": [string, ...], "rows": r}`` by unit
vectors (n, dimension), whose strings have one token count. An answer on stdout is the shape as two little-endian int32,
then the float32 values. The first answer, of shape (0, dimension), says that the model is
loaded. The process ends with its stdin.

With ``--device NAME PRECISION`` after the folder, the model runs on that device of torch. There
``{"encode": [string, ...], "tokens": t}`` takes strings of any token counts, which are batched here, and ``{"fit": t}``
is answered by nothing (0, 0) if there is room for a batch of t tokens. Where there is none, the answer to any request
has -1 rows. With ``--gpus`` it writes a list of [name, compute capability] as JSON, and ends.

With ``--export`` after the folder it writes the graph to stdout, and ends; if there is none, the last line on stderr
says why, and the exit status is one of the two below where that is so every time.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXPORT, DEVICE, GPUS = "--export", "--device", "--gpus"
# Exit statuses: a model that can't be loaded, one that can't be exported, and a device without room for one.
UNLOADABLE, REFUSED, FULL = 3, 4, 5
# Rows of an answer that says that memory ran out.
NO_MEMORY = -1


def beside(name: str) -> Any:
    """Return a module that lies beside this one, loaded by path as well."""
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_vocabulary(tokenizer: Any) -> Any:
    """Return the vocabulary of a tokenizer."""
    return beside("vocabulary").Vocabulary(tokenizer)


def serve(model: Any, answers: BinaryIO) -> None:
    """Answer requests until stdin ends."""

    def answer(values: NDArray[np.float32]) -> None:
        write_shape(*values.shape)
        answers.write(values.astype("<f4", order="C", copy=False).data)
        answers.flush()

    def write_shape(rows: int, columns: int) -> None:
        answers.write(b"".join(number.to_bytes(4, "little", signed=True) for number in (rows, columns)))

    first = model.encode(["a"], 1)[:0]
    answer(first)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            if "count" in request:
                values = model.count(request["count"])
            elif "unknown" in request:
                values = model.unknown(request["unknown"])
            elif "fit" in request:
                model.fit(request["fit"])
                values = first[:, :0]
            else:
                values = model.encode(request["encode"], request["tokens" if "tokens" in request else "rows"])
        except MemoryError:
            write_shape(NO_MEMORY, 0)
            answers.flush()
        else:
            answer(values)


def main(folder: str, what: str = "", *options: str) -> None:
    """Answer requests, export the model, or list GPUs; what is none of these words is a graph."""
    # Ctrl-C reaches every process of the terminal; the parent process decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Answers go to a copy of stdout; what libraries print goes to stderr.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if what == EXPORT:
        export(folder, answers)
    elif what == GPUS:
        with answers:
            answers.write(json.dumps(beside("_device_model").list_gpus()).encode())
    elif what == DEVICE:
        try:
            serve(on_device(folder, *options), answers)
        except MemoryError:
            sys.exit(FULL)
    elif what:
        serve(beside("_onnx_model").OnnxModel(Path(what).read_bytes(), make_vocabulary), answers)
    else:
        serve(beside("_torch_model").TorchModel(folder, make_vocabulary), answers)


def on_device(folder: str, device: str, precision: str) -> Any:
    """Return a model on a device."""
    module = beside("_device_model")
    module.compute_exactly()
    return module.DeviceModel(beside("_torch_model").TorchModel(folder, make_vocabulary), device, precision)


def export(folder: str, out: BinaryIO) -> None:
    """Write the graph of a model."""
    with _exit_status(UNLOADABLE):
        model = beside("_torch_model").TorchModel(folder, make_vocabulary)
    with _exit_status(REFUSED):
        graph = beside("_export").export(model, beside("_onnx_model"))
    with out:
        out.write(graph)


@contextmanager
def _exit_status(status: int) -> Iterator[None]:
    """Exit with a status, and one line, for what another time would raise again."""
    try:
        yield
    except (MemoryError, OSError):
        raise
    except Exception as error:
        print(" ".join(str(error).split())[:300] or type(error).__name__, file=sys.stderr)
        sys.exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
