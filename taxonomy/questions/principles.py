"""How many mentions serve each principle, by a map from nodes to principles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pydantic

from taxonomy.errors import InputError, LookupFailedError, check_type
from taxonomy.mentions.disclosure import PUBLIC, Disclosure
from taxonomy.mentions.linked_cells import Cells
from taxonomy.mentions.placed import PlacedMentions, count_cells, count_conversations, count_nodes
from taxonomy.mentions.statistics import wilson_interval
from taxonomy.model import Taxonomy
from taxonomy.questions.answer import Answer
from taxonomy.questions.arguments import check_disclosure, check_mentions
from taxonomy.questions.asking import Asking, answer_alone
from taxonomy.toml import Text, Texts, read_tables

BUNDLED = Path(__file__).with_name("principles.toml")
NONE = "none of them"
_REMEDY = "write [[principle]] tables with key, name and nodes"


@pydantic.dataclasses.dataclass(frozen=True, config=pydantic.ConfigDict(extra="forbid", str_strip_whitespace=True))
class Principle:
    """A principle, and the nodes whose values serve it.

    Attributes
    ----------
    key, name : str
    nodes : tuple of str
        Labels, aliases or ids.
    """

    key: Text
    name: Text
    nodes: Texts


@dataclass(frozen=True)
class Principles:
    """How many mentions serve each principle.

    Attributes
    ----------
    table : DataFrame
        One row a principle, and one, ``none of them``, for values that serve none: ``principle``; ``mentions``, their
        ``mention_share`` of all that the taxonomy has, ``conversations`` with one, and their ``conversation_share`` of
        all. Their 95% Wilson intervals are ``mention_low`` to ``mention_high`` and ``conversation_low`` to
        ``conversation_high``. Where a value serves several principles, shares add up to more than 1.
    absent : tuple of str
        Names that the taxonomy does not have, or has on several nodes.
    suppressed : int
        Principles that are not disclosed.
    disclosure : Disclosure
        What `table` was disclosed by.
    """

    table: pd.DataFrame
    absent: tuple[str, ...]
    suppressed: int
    disclosure: Disclosure

    def answer(self) -> Answer:
        """Return it in the form of all answers.

        The figure is ``absent``, how many; the tables are ``principles`` and ``absent``.
        """
        return Answer(
            question="principles",
            sides=("ai",),
            figures={"absent": len(self.absent)},
            tables={"principles": self.table, "absent": pd.DataFrame({"name": list(self.absent)})},
            suppressed=self.suppressed,
            internal=self.disclosure.is_internal,
        )


def read_principles(path: Path = BUNDLED) -> tuple[Principle, ...]:
    """Read a file of principles, in its order.

    Parameters
    ----------
    path : Path
        TOML with one ``[[principle]]`` table a principle: ``key``, ``name``, ``nodes``.

    Raises
    ------
    InputError
        If it can't be read, or a principle is incomplete or a duplicate.
    """
    principles = [principle for _, principle in read_tables(path, "principle", Principle, remedy=_REMEDY)]
    if not principles:
        raise InputError("no [[principle]] table", path=str(path), remedy=_REMEDY)
    for field in ("key", "name"):
        names = Counter(getattr(principle, field) for principle in principles)
        # The table has a row of this name for what serves none.
        names.update([NONE] if field == "name" else [])
        for name, count in names.items():
            if count > 1:
                raise InputError(f"{field} {name!r} is taken", path=str(path), remedy="give it another")
    return tuple(principles)


def measure_principles(
    ai: PlacedMentions,
    principles: str | Path | Mapping[str, Sequence[str]] | None = None,
    *,
    disclosure: Disclosure = PUBLIC,
) -> Principles:
    """Measure what share of mentions serves each principle.

    Parameters
    ----------
    ai : PlacedMentions
        Of the AI's side.
    principles : str, Path or mapping of str to sequence of str, optional
        By the name of each principle, the labels, aliases or ids of the nodes that serve it; or a file in TOML with one
        ``[[principle]]`` table each, which has ``key``, ``name`` and ``nodes``. By default those that come with this
        package: helpful, honest, harmless. A value serves the principles that name the nearest node: the value itself
        or one above it.
    disclosure : Disclosure
        The least that a figure is disclosed from; by default 15 conversations and 5 users.

    Returns
    -------
    Principles
        Its `table` has a row for each principle.

    Raises
    ------
    InputError
        If the file can't be read, the taxonomy has none of the names, or an argument is of another type.

    Examples
    --------
    >>> mapping = {"Safe": ["Protective"], "Open": ["Epistemic", "transparency"]}
    >>> taxonomy.measure_principles(mentions.ai, mapping).table  # doctest: +SKIP
    """
    check_mentions(ai, "ai", side="ai")
    check_disclosure(disclosure)
    return answer_alone(ask_principles(ai, take_principles(principles), disclosure=disclosure), disclosure)


def ask_principles(ai: PlacedMentions, listed: Sequence[Principle], *, disclosure: Disclosure) -> Asking[Principles]:
    """Ask what `measure_principles` answers."""
    import pyarrow as pa

    tree = ai.tree
    served, absent = _served(tree, listed)
    if not served:
        problem = f"the taxonomy {tree.id!r} has none of the nodes that the principles name"
        raise InputError(problem, remedy="give principles that name nodes of it")
    rows = [(node.id, name) for node in tree.nodes if node.level == 0 for name in _of_value(tree, node.id, served)]
    lookup = pa.table({"level_0": [value for value, _ in rows], "principle": [name for _, name in rows]})
    frame = ai.frame.join(ai.records.engine.table(lookup), on="level_0", how="inner")
    counted = count_cells(ai, ["principle"], frame=frame)
    everything = count_cells(ai, [])
    order = [*(principle.name for principle in listed), NONE]
    disclosed, *_ = yield _cells(ai, counted, rows)
    shown = disclosed.table.dropna(subset="principle")
    shown = shown.sort_values("principle", key=lambda names: names.map(order.index))
    table = pd.DataFrame({"principle": shown["principle"]})
    conversations = int(count_conversations(ai.records)["conversations"].iloc[0])
    for unit, total in (("mention", int(everything["mentions"].iloc[0])), ("conversation", conversations)):
        count = shown[f"{unit}s"].to_numpy(dtype=int)
        table[f"{unit}s"], table[f"{unit}_share"] = count, count / total
        table[f"{unit}_low"], table[f"{unit}_high"] = wilson_interval(count, total)
    return Principles(table.reset_index(drop=True), absent, len(counted) - len(table), disclosure)


def _cells(ai: PlacedMentions, counted: pd.DataFrame, rows: Sequence[tuple[str, str]]) -> list[Cells]:
    """Return the cells of the principles, and of each with its values, whose mentions add up to its own."""
    counted = counted.assign(node="principle: " + counted["principle"])
    tables = [Cells(pd.concat([counted, count_conversations(ai.records)], ignore_index=True), {"node": ai.side})]
    values = count_nodes(ai, levels=[0])
    for name, principle in counted.groupby("principle"):
        whole = principle["node"].iloc[0]
        parents = {value: whole for value, of_value in rows if of_value == name}
        parts = values[values["node"].isin(parents)]
        tables.append(Cells(pd.concat([parts, principle], ignore_index=True), {"node": ai.side}, {"node": parents}))
    return tables


def take_principles(given: str | Path | Mapping[str, Sequence[str]] | None) -> tuple[Principle, ...]:
    """Return principles in whatever form they are given; see `measure_principles`.

    Raises
    ------
    InputError
    """
    if given is None:
        return read_principles()
    check_type(given, (str, Path, Mapping), "principles", "give a file in TOML, or a mapping of names to nodes")
    if not isinstance(given, Mapping):
        return read_principles(Path(given))
    for name, nodes in given.items():
        if not _is_list_of_names([name]) or not _is_list_of_names(nodes):
            problem = f"`principles` has {name!r}: {nodes!r}"
            raise InputError(problem, remedy="give lists of labels, aliases or ids of nodes, by name")
    if not given:
        raise InputError("`principles` is empty", remedy="give at least one")
    if NONE in given:
        raise InputError(f"`principles` names one {NONE!r}, as the row of all others is", remedy="give it another name")
    return tuple(Principle(key=name, name=name, nodes=tuple(nodes)) for name, nodes in given.items())


def _is_list_of_names(nodes: object) -> bool:
    if isinstance(nodes, str) or not isinstance(nodes, Collection) or not nodes:
        return False
    return all(isinstance(node, str) and node.strip() for node in nodes)


def _served(tree: Taxonomy, principles: Sequence[Principle]) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """Return the principles that name each node, and the names that no one node has."""
    served: dict[str, list[str]] = {}
    absent = []
    for principle in principles:
        for name in principle.nodes:
            try:
                served.setdefault(_find(tree, name), []).append(principle.name)
            except LookupFailedError:
                absent.append(name)
    return served, tuple(absent)


def _find(tree: Taxonomy, name: str) -> str:
    """Return the id of the node of a name: of the top level, else of the values, else of any."""
    for level in (len(tree.levels) - 1, 0):
        try:
            return tree.node(name, level=level).id
        except LookupFailedError:
            continue
    return tree.node(name).id


def _of_value(tree: Taxonomy, value: str, served: dict[str, list[str]]) -> list[str]:
    """Return the principles that a value serves: those of the nearest node that any names."""
    for node in reversed(tree.path(value)):
        if node.id in served:
            return served[node.id]
    return [NONE]
