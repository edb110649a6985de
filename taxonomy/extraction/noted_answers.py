"""The digests under which answers about an extraction are stored, so that they can be told from others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from taxonomy.extraction.extraction_files import read_parquet
from taxonomy.extraction.extraction_folder import PRIVATE
from taxonomy.extraction.table_files import table_bytes
from taxonomy.files import replace_file

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS = ("digest", "model")
ANSWERS = "answers.parquet"


class NotedAnswers:
    """Digests of questions, with the model that each was for.

    Parameters
    ----------
    earlier : iterable of (str, str), optional
        Those that are noted already.
    """

    def __init__(self, earlier: Iterable[tuple[str, str]] = ()) -> None:
        self._digests: dict[str, set[bytes]] = {}
        for digest, model in earlier:
            self.add(digest, model)

    def add(self, digest: str, model: str) -> None:
        """Note the digest of a question for a model."""
        self._digests.setdefault(model, set()).add(bytes.fromhex(digest))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for model, digests in sorted(self._digests.items()):
            yield from ((digest.hex(), model) for digest in sorted(digests))

    def table(self) -> pa.Table:
        """Return them as a table."""
        import pyarrow as pa

        columns = zip(*self, strict=True) if self._digests else ((), ())
        return pa.table([pa.array(column, pa.string()) for column in columns], names=list(_COLUMNS))


def read_noted(folder: Path) -> NotedAnswers | None:
    """Return what is noted in the folder of an extraction; None where nothing ever was.

    Raises
    ------
    InputError
        If the table can't be read.
    """
    path = folder / PRIVATE / ANSWERS
    if not path.exists():
        return None
    frame = read_parquet(path, _COLUMNS)
    return NotedAnswers(zip(frame["digest"], frame["model"], strict=True))


def write_noted(folder: Path, noted: NotedAnswers) -> None:
    """Write what is noted into the folder of an extraction.

    Raises
    ------
    OutputError
        If it can't be written.
    """
    replace_file(folder / PRIVATE / ANSWERS, table_bytes(noted.table()), private=True)
