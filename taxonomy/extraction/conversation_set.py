"""Conversations of files, whatever their format: read once, told apart, and counted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import chain, groupby, islice
from pathlib import Path

from taxonomy.errors import InputError, LookupFailedError, TaxonomyError, check_type
from taxonomy.extraction.containers import Record, Source, find_sources
from taxonomy.extraction.conversation import Conversation
from taxonomy.extraction.detection import SAMPLE, Reader, all_readers, detect, reader_of, unwrap
from taxonomy.extraction.messages import UnreadableError
from taxonomy.extraction.spool import Spool

# What everything can be brought into.
_PLAIN = "conversation_id, role and content"
# Fields of a record that a message shows.
_SHOWN = 8


class Conversations:
    """The conversations that files hold.

    Iterating yields each that is kept as a `Conversation`, file by file in the order of their paths. `len` is their
    number.

    Attributes
    ----------
    counts : mapping of str to int
        ``read`` is the sum of ``unreadable``, ``duplicates``, ``nothing`` (no text of either side) and ``kept``.
    rejected : mapping of str to tuple of int and str
        Why conversations are unreadable: how many are, and the place of the first.
    paths : tuple of str
        What was named, as absolute paths.
    format : str or None
        The format that was named.
    formats : mapping of str to int
        Files by their format.
    left_aside : tuple of str
        Files of folders and archives that hold no conversations.
    contexts : tuple of str
        The names of what sources say of conversations beside the fields that all have.
    users : int
        How many different users the kept conversations have.
    ignored : mapping of str to int
        Fields that were not what they must be, and say nothing therefore. Calls that have a conversation's id and are
        about something else, too.
    """

    def __init__(
        self,
        spool: Spool,
        formats: Mapping[str, int],
        left_aside: Sequence[str],
        paths: Sequence[str | Path],
        format: str | None,
    ) -> None:
        self._spool = spool
        self.paths = tuple(os.path.abspath(path) for path in paths)
        self.format = format
        self.formats = dict(sorted(formats.items()))
        self.left_aside = tuple(left_aside)
        self.counts = spool.count()
        self.rejected = spool.rejections()
        self.contexts = tuple(sorted(spool.contexts))
        self.users = spool.count_users()
        self.ignored = dict(sorted(spool.ignored.items()))

    def __enter__(self) -> Conversations:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget what was said; the counts stay."""
        self._spool.close()

    def __iter__(self) -> Iterator[Conversation]:
        return self._spool.kept()

    def __len__(self) -> int:
        return self.counts["kept"]

    def find(self, conversation_id: str) -> Conversation:
        """Return the conversation with an id.

        Raises
        ------
        LookupFailedError
            If none that is kept has it.
        """
        found = self._spool.find(conversation_id)
        if found is None:
            problem = f"no conversation that was kept has the id {conversation_id!r}"
            raise LookupFailedError(problem, remedy="give an id as the file has it")
        return found


def open_conversations(paths: Sequence[str | Path] | str | Path, *, format: str | None = None) -> Conversations:
    """Read conversations, to use them inside a with block.

    Parameters
    ----------
    paths : str, Path or sequence of them
        Files, folders and globs; zip archives as exports come in. All folders of a folder are searched.
    format : str, optional
        Such as ``chatgpt`` or ``plain``: the name of a module of `taxonomy.extraction.readers`. Each file's own by
        default, as its first records tell it.

    Returns
    -------
    Conversations
        What was said is kept in a temporary file without a name, which goes with the block.

    Raises
    ------
    InputError
        If a file can't be read, or none holds conversations.
    OutputError
        If there is no room for the temporary file.
    TaxonomyError
        If the extra ``extract`` is missing.

    Examples
    --------
    >>> import taxonomy
    >>> with taxonomy.open_conversations("export.zip") as conversations:  # doctest: +SKIP
    ...     print(conversations.counts)
    ...     first = next(iter(conversations))
    """
    if find_spec("ijson") is None or find_spec("py3langid") is None:
        problem = "reading conversations needs ijson and py3langid"
        raise TaxonomyError(problem, remedy="run: pip install 'value-taxonomy[extract]'")
    check_type(paths, (str, Path, Sequence), "paths", "give a path, or a list of paths")
    if format is not None:
        check_type(format, str, "format", "give the name of a format, such as 'chatgpt'")
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    given = None if format is None else reader_of(format)
    spool = Spool()
    try:
        formats, left_aside = _read_all(named, given, spool)
    except BaseException:
        spool.close()
        raise
    return Conversations(spool, formats, left_aside, named, format)


def _read_all(paths: Sequence[str | Path], given: Reader | None, spool: Spool) -> tuple[Counter[str], list[str]]:
    """Read files into the spool, and return how many are of which format, and those that hold no conversations."""
    formats: Counter[str] = Counter()
    left_aside = []
    for _, parts in groupby(find_sources(paths), key=lambda source: source.table):
        for source in parts:
            found = _read(source, given, spool)
            if isinstance(found, Reader):
                formats[found.name] += 1
            else:
                left_aside.append(f"{source.name}{found}")
        spool.end_table(source.short_name)
    spool.end()
    if not spool.count()["read"]:
        files = ", ".join(map(str, paths))
        why = next((f" ({name})" for name in left_aside if name.endswith(")")), "")
        raise InputError(f"no file holds conversations in a format that is known{why}", path=files, remedy=_remedy())
    return formats, left_aside


def _read(source: Source, given: Reader | None, spool: Spool) -> Reader | str:
    """Read a file into the spool, and return the reader that did; where it holds no conversations, why not if known."""
    records = _unwrapped(source.records())
    try:
        sample = list(islice(records, SAMPLE))
    except InputError as error:
        if source.is_named:
            raise
        return f" ({error.problem})"
    # Much else is in a folder or an archive; a file that was named is meant.
    candidates = [given] if given is not None and not source.is_named else all_readers().values()
    reader = detect((record.content for record in sample), candidates)
    if source.is_named:
        reader = given or reader
    elif reader is None:
        return ""
    if reader is None:
        raise _unknown(sample, source)
    for record in chain(sample, records):
        _add(record, reader, source, spool)
    return reader


def _unwrapped(records: Iterator[Record]) -> Iterator[Record]:
    """Yield records, and those that a record lists in its place."""
    for record in records:
        items = unwrap(record.content)
        if items is None:
            yield record
        else:
            yield from (Record(record.place, item) for item in items)


def _add(record: Record, reader: Reader, source: Source, spool: Spool) -> None:
    place = f"{source.name}, {record.place}"
    if record.problem is not None:
        spool.lose(record.problem, place)
        return
    if not isinstance(record.content, Mapping):
        spool.reject("a record is not an object", place)
        return
    try:
        for draft in reader.read(record.content):
            if isinstance(draft, UnreadableError):
                spool.reject(str(draft), place, draft.conversation_id)
            else:
                spool.add(draft, source.short_name)
    except UnreadableError as error:
        spool.reject(str(error), place, error.conversation_id)


def _unknown(sample: Sequence[Record], source: Source) -> InputError:
    if not sample:
        return InputError("the file holds no records", path=source.name, remedy="give one that does")
    if sample[0].problem is not None:
        problem = f"no record could be read ({sample[0].place}: {sample[0].problem})"
        return InputError(problem, path=source.name, remedy="see that the file is whole, and what its name says")
    problem = "the records are in no format of conversations that is known"
    fields = [str(name) for name in sample[0].content][:_SHOWN] if isinstance(sample[0].content, Mapping) else []
    if fields:
        problem += f"; the first has the fields {', '.join(fields)}"
    return InputError(problem, path=source.name, remedy=_remedy())


def _remedy() -> str:
    return f"give one of {', '.join(all_readers())}, name it by `format`, or write a table of {_PLAIN}"
