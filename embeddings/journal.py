"""Files of a folder that change together, by a journal: whoever comes next finishes what was cut short, or undoes it.

What is new is staged inside the folder, which may be a mount point, and committed by renaming one file, the record.
Until then nothing else was touched; from then on, the record says what is left to do.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from embeddings.files import Content, file_sha256, locked_handle, mode_of, sync, write_synced

_STAGING = ".files-being-replaced"
_RECORD = ".record"


def replace_files(
    folder: Path, contents: Mapping[str, Content], *, gone: Mapping[str, str] | None = None, private: bool = False
) -> None:
    """Write files of a folder, all or none; they are moved to their places in their order.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    contents : mapping of str to bytes or iterable of bytes
        By name. Parts are asked for in this order, each file's at once.
    gone : mapping of str to str, optional
        Files to remove, each with the sha256 of its content: with other content it stays.
    private : bool
        Whether only their owner can read the files.

    Raises
    ------
    OSError
        If they can't be written; `IsADirectoryError` where a folder is in the place of one. No file was touched, unless
        it failed while they were moved: then `settle_folder` tries again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        _settle(folder)
        for name in contents:
            if (folder / name).is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(folder / name))
        try:
            _stage(folder, contents, gone or {}, private=private)
        except BaseException:
            _undo(folder)
            raise
        _finish(folder)


def settle_folder(folder: Path) -> None:
    """Finish or undo what was cut short in a folder; what another process is about is left to it.

    Raises
    ------
    OSError
        If what was committed can't be finished.
    """
    # All that most calls do.
    if not _is_staging(folder):
        return
    is_committed = (folder / _STAGING / _RECORD).exists()
    try:
        with _lock(folder, wait=is_committed):
            _settle(folder)
    except BlockingIOError:
        # Who stages has not touched the old files yet.
        if is_committed:
            raise


def _settle(folder: Path) -> None:
    if not _is_staging(folder):
        return
    if (folder / _STAGING / _RECORD).exists():
        _finish(folder, checked=True)
    else:
        _undo(folder)


def _is_staging(folder: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(folder / _STAGING).st_mode)
    except OSError:
        return False


def _stage(folder: Path, contents: Mapping[str, Content], gone: Mapping[str, str], *, private: bool) -> None:
    """Write all that is new beside the old, and commit it."""
    staging = folder / _STAGING
    staging.mkdir()
    files = {}
    for name, content in contents.items():
        with open(staging / name, "xb") as file:
            mode = 0o600 if private else mode_of(folder / name)
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            files[name] = write_synced(file, content)
    prepared = staging / f"{_RECORD}.part"
    with open(prepared, "xb") as file:
        write_synced(file, json.dumps({"files": files, "gone": dict(gone)}).encode())
    sync(staging)
    sync(folder)
    os.replace(prepared, staging / _RECORD)


def _undo(folder: Path) -> None:
    """Remove what was not committed; where that is not allowed, it is in nobody's way."""
    shutil.rmtree(folder / _STAGING, ignore_errors=True)


def _finish(folder: Path, *, checked: bool = False) -> None:
    """Do what is left of what was committed; `checked` where it was written by a process that is gone."""
    staging = folder / _STAGING
    sync(staging)
    files, gone = _read_record(staging / _RECORD)
    left = [name for name in files if os.path.lexists(staging / name)]
    if checked and any(digest_of(staging / name) != files[name] for name in left):
        _refuse(staging)
    for name in left:
        os.replace(staging / name, folder / name)
    for name, digest in gone.items():
        if digest_of(folder / name) == digest:
            (folder / name).unlink()
    sync(folder)
    shutil.rmtree(staging)


def _read_record(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Read what was committed; nothing that it names is outside of its folder."""
    try:
        record = json.loads(path.read_bytes())
        files, gone = dict(record["files"]), dict(record["gone"])
        if any(Path(name).name != name for name in (*files, *gone)):
            raise ValueError
    except (ValueError, TypeError, KeyError):
        _refuse(path.parent)
    return files, gone


def _refuse(staging: Path) -> NoReturn:
    raise OSError(errno.EBADMSG, f"{staging.name} in it is damaged", str(staging))


def digest_of(path: Path) -> str | None:
    """Return the sha256 of a file's content, None where there is no such file."""
    try:
        return file_sha256(path)
    except (FileNotFoundError, IsADirectoryError):
        return None


@contextlib.contextmanager
def _lock(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a folder, which is on the folder itself, so that no file stays behind."""
    with locked_handle(lambda: os.open(folder, os.O_RDONLY), folder, wait=wait):
        yield
