"""Children of this process: killed at the n-th thing that they do to files, for each n; or many at once."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

# What changes the names of files. Beside these, a file in the folder is opened, and synced.
EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"}


def count_moments(action: Callable[[], object], folder: Path) -> int:
    """Run an action to its end in a child, and return how many moments it has."""
    reader, writer = os.pipe()

    def tell(reached: int) -> None:
        os.write(writer, reached.to_bytes(4, "big"))

    assert killed(action, folder, sys.maxsize, reads=True, at_end=tell) is False
    os.close(writer)
    with open(reader, "rb") as pipe:
        return int.from_bytes(pipe.read(), "big")


def kill_at_each(action: Callable[[], object], folder: Path, moments: int | None = None) -> Iterator[int]:
    """Yield after a child was killed at each change of files, or at so many moments; once it is not killed."""
    if moments is not None:
        every = count_moments(action, folder)
        yield every
        for number in sorted({1 + round(step * (every - 1) / max(moments - 1, 1)) for step in range(moments)}):
            killed(action, folder, number, reads=True)
            yield number
        return
    number = 1
    while killed(action, folder, number):
        yield number
        number += 1


def killed(
    action: Callable[[], object],
    folder: Path,
    number: int,
    *,
    reads: bool = False,
    at_end: Callable[[int], None] | None = None,
) -> bool:
    """Run an action in a child that kills itself before its n-th change of files; tell whether that came.

    With `reads`, the opening of a file to read it counts, too. At the end, `at_end` is told how many there were.
    """

    def watched() -> None:
        count = _watch(folder, number, reads)
        action()
        if at_end is not None:
            at_end(count())

    _, status = os.waitpid(start_child(watched), 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def run_to_kill(action: Callable[[], object]) -> None:
    """Run an action in a child, which kills itself in it."""
    _, status = os.waitpid(start_child(action), 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def run_at_once(actions: Iterable[Callable[[], object]]) -> None:
    """Run each action in a child of its own; all begin together."""
    reader, writer = os.pipe()

    def when_told(action: Callable[[], object]) -> None:
        os.close(writer)
        os.read(reader, 1)
        action()

    children = [start_child(lambda action=action: when_told(action)) for action in actions]  # type: ignore[misc]
    os.close(writer)
    assert {os.waitpid(child, 0)[1] for child in children} == {0}
    os.close(reader)


def start_child(action: Callable[[], object]) -> int:
    """Run an action in a child of this process, and return its id."""
    with warnings.catch_warnings():
        # The child only runs what is loaded already.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    try:
        action()
    except BaseException as error:
        os.write(2, f"{error!r}\n".encode())
        os._exit(3)
    os._exit(0)


def _watch(folder: Path, number: int, reads: bool) -> Callable[[], int]:
    reached = 0
    inside = os.path.realpath(folder)

    def step() -> None:
        nonlocal reached
        reached += 1
        if reached == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int) or not (reads or flags & (os.O_WRONLY | os.O_RDWR)):
                return
            if os.path.realpath(os.fspath(path)).startswith(inside):
                step()
        elif event in EVENTS:
            step()

    sys.addaudithook(hook)
    synced = os.fsync

    def fsync(handle: int) -> None:
        step()
        synced(handle)
        step()

    os.fsync = fsync
    return lambda: reached
