"""All questions of a report, and what is disclosed of all their answers together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from embeddings.progress import Progress
from taxonomy.english.plurals import count_of
from taxonomy.errors import InputError
from taxonomy.mentions.columns import CONVERSATION
from taxonomy.mentions.linked_cells import Cells
from taxonomy.mentions.placed import count_conversations
from taxonomy.mentions.records import Records
from taxonomy.mentions.rejected import count_reasons
from taxonomy.mentions.suppression import Disclosed, Previous, suppress_together
from taxonomy.model import Taxonomy
from taxonomy.questions.asking import Asking, finish, split
from taxonomy.report.inputs import Inputs
from taxonomy.report.parts import Report, Section
from taxonomy.report.release import Release, digest_ids, gather_release
from taxonomy.report.sections import ALERTS, QUESTIONS, ask_facts

Ask = Callable[[Inputs], Asking[Section]]


def answer_questions(inputs: Inputs, previous: Release | None, progress: Progress | None) -> tuple[Report, Release]:
    """Answer every question that the records allow.

    Parameters
    ----------
    inputs : Inputs
    previous : Release or None
        The report before this one, from which it must not be possible to subtract.
    progress : callable or None
        Called with (questions answered, questions in all).

    Raises
    ------
    InputError
        If the number of conversations itself changed by too few since.
    """
    codes, digests = _list_conversations(inputs)
    notices: tuple[str, ...] = ()
    earlier = None
    if previous is not None:
        inputs, is_new, notices = _hold_back(inputs, previous, codes, digests)
        new = replace(inputs, only=_table(codes[is_new]), split_at=_split_of(inputs))
        earlier = Previous(previous.cells, _count_users(new) if is_new.any() else pd.Series(dtype=float))
        codes, digests = (codes, digests) if inputs.only is None else (codes[~is_new], digests[~is_new])
    asked = _ask(inputs, QUESTIONS, progress)
    facts = ask_facts(inputs)
    tables = [*next(facts), *asked.tables]
    disclosed = suppress_together(tables, disclosure=inputs.disclosure, previous=earlier)
    n_facts = len(tables) - len(asked.tables)
    sections, left_out = asked.finish(disclosed[n_facts:])
    records = next(iter(inputs.sides.values())).records
    report = Report(
        taxonomy=_describe(next(iter(inputs.sides.values())).tree),
        origins=records.origins.described,
        facts=finish(facts, disclosed[:n_facts]),
        rejected=count_reasons(records.rejected),
        sections=sections,
        left_out=left_out,
        disclosure=inputs.disclosure,
        users_known=records.users_known,
        notices=notices,
    )
    return report, gather_release(tables, disclosed, digests)


@dataclass
class _Asked:
    """Questions that were asked and not yet answered.

    Attributes
    ----------
    askings : dict of str to Asking
        By title.
    cells : dict of str to sequence of Cells
        What each would publish.
    left_out : dict of str to str
        Questions that the records do not allow, and why.
    """

    askings: dict[str, Asking[Section]] = field(default_factory=dict)
    cells: dict[str, Sequence[Cells]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> list[Cells]:
        """The cells of all."""
        return [table for tables in self.cells.values() for table in tables]

    def finish(self, disclosed: Sequence[Disclosed]) -> tuple[dict[str, Section], dict[str, str]]:
        """Return the answers by what is disclosed, and what could not be answered, and why."""
        sections: dict[str, Section] = {}
        left_out = dict(self.left_out)
        parts = split(disclosed, [len(tables) for tables in self.cells.values()])
        for (title, asking), part in zip(self.askings.items(), parts, strict=True):
            try:
                sections[title] = finish(asking, part)
            except InputError as error:
                left_out[title] = str(error)
        return sections, left_out


def _ask(inputs: Inputs, questions: Mapping[str, Ask], progress: Progress | None = None) -> _Asked:
    asked = _Asked()
    for done, (title, ask) in enumerate(questions.items()):
        if progress is not None:
            progress(done, len(questions))
        asking = ask(inputs)
        try:
            asked.cells[title] = next(asking)
        except InputError as error:
            asked.left_out[title] = str(error)
        else:
            asked.askings[title] = asking
    if progress is not None:
        progress(len(questions), len(questions))
    return asked


def _list_conversations(inputs: Inputs) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the code of each conversation, and a digest of its id."""
    records = next(iter(inputs.sides.values())).records
    listed = records.engine.collect(records.conversations.select(CONVERSATION, "conversation_id")).to_pandas()
    return listed[CONVERSATION].to_numpy(dtype=np.int64), digest_ids(listed["conversation_id"])


def _hold_back(
    inputs: Inputs, previous: Release, codes: NDArray[np.int64], digests: NDArray[np.int64]
) -> tuple[Inputs, NDArray[np.bool_], tuple[str, ...]]:
    """Leave out new conversations that are too few; return the inputs, which conversations are new, and what to say."""
    least = inputs.disclosure
    before = previous.cells.loc["conversations"].to_dict()
    is_new = ~np.isin(digests, previous.conversations)
    records = next(iter(inputs.sides.values())).records
    difference = len(codes) - int(before["conversations"])
    few = abs(difference) < least.min_conversations
    if records.users_known and pd.notna(before["users"]):
        parts = (records, _among(inputs, codes[is_new]))
        now, new = (int(count_conversations(part)["users"].iloc[0]) for part in parts)
        few |= max(abs(now - int(before["users"])), new) < least.min_users
    if not difference or not few:
        return inputs, is_new, ()
    if is_new.sum() == difference:
        held = count_of(difference, "conversation")
        notice = f"{held} since the previous release: too few to be disclosed, and left out until there are more"
        return replace(inputs, only=_table(codes[~is_new])), np.zeros_like(is_new), (notice,)
    problem = f"the number of conversations changed by {difference:+,} since the previous release: a subtraction tells"
    remedy = f"wait until {least.min_conversations} conversations of {least.min_users} users differ"
    raise InputError(problem, remedy=remedy)


def _count_users(new: Inputs) -> pd.Series[float]:
    """Return how many users each cell has among new conversations; alerts are not counted again."""
    asked = _ask(new, {title: ask for title, ask in QUESTIONS.items() if title != ALERTS})
    parts = [
        pd.Series(cells.table["users"].to_numpy(dtype=np.float64), index=cells.keys())
        for cells in asked.tables
        if "users" in cells.table
    ]
    counted = pd.concat(parts) if parts else pd.Series(dtype=float)
    return counted[~counted.index.duplicated()]


def _split_of(inputs: Inputs) -> datetime | None:
    try:
        return inputs.split
    except InputError:
        return None


def _among(inputs: Inputs, codes: NDArray[np.int64]) -> Records:
    return next(iter(inputs.sides.values())).among(_table(codes)).records


def _table(codes: NDArray[np.int64]) -> pa.Table:
    return pa.table({CONVERSATION: codes})


def _describe(tree: Taxonomy) -> str:
    sizes = " / ".join(count_of(level.size, level.name) for level in reversed(tree.levels))
    return f"{tree.title or tree.id} {tree.version}: {sizes}"
