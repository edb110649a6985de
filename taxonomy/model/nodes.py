"""The parts of a taxonomy: nodes, levels, provenance, and retired ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from taxonomy.english.polarity import Polarity

LabelSource = Literal["input", "domain", "keyphrase", "llm", "human", "imported"]
DORMANT, MADE, OUTLYING, UNKNOWN_WORDS = "dormant", "made", "outlying", "unknown-words"


class Record(BaseModel):
    """An immutable part of a taxonomy; its numbers are finite.

    Unknown fields are ignored, so that files of later versions can be read. A field added later is left
    out of the JSON at its default (see `Placement.votes`), so that older files keep their bytes and digests.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    def __dir__(self) -> list[str]:
        """Leave out pydantic's names, so that tab completion lists a record's own."""
        return sorted(set(super().__dir__()) - set(dir(BaseModel)))


class Placement(Record):
    """How clearly a node belongs to its parent.

    Attributes
    ----------
    confidence : float
        From 0 to 1, rounded to 6 places; 0.5 is a tie between the parent and the runner-up. Below it the runner-up is
        nearer, and the node is held by its other neighbours, its domain, a version before or a person.
    second_parent : str or None
        Id of the runner-up on the parent's level, None where there is no other.
    votes : float or None
        Share of a language model's votes for the parent, 0 to 1; None where no model voted.
    """

    confidence: float
    second_parent: str | None
    votes: float | None = Field(default=None, exclude_if=lambda votes: votes is None)


class Decision(Record):
    """What a person decided on a node, by an edit.

    Attributes
    ----------
    action : str
        That of the edit.
    node : str
        Id of the node that the edit names; for ``new``, of the parent.
    to : str or None
        The label, the definition, the other spelling, the id of the node it led to, or the version that was reviewed.
    note, author, date : str
        Why, who, and the day as YYYY-MM-DD; empty where the edit does not say.
    version : str
        The first version in which it holds.
    """

    action: str
    node: str
    to: str | None = None
    note: str = ""
    author: str = ""
    date: str = ""
    version: str = ""


class Conversations(Record):
    """Share of conversations in which a node occurs, computed from mention records alone.

    Attributes
    ----------
    count, total : int
        Conversations with the node, and all conversations.
    low, high : float
        Wilson interval of `count / total`.
    """

    count: int
    total: int
    low: float
    high: float


class LabelFit(Record):
    """How well a label fits its node, as `Node.label_rank` is measured.

    Attributes
    ----------
    covered : float
        Share of the node's weight in values that are at least as near to this label as to those of the nodes around it.
    margin : float
        Cosine of label and node, less that of the label and the nearest other node of the level.
    """

    covered: float
    margin: float


class Node(Record):
    """One node of a taxonomy. Level 0 is a value; the top level is a domain.

    Attributes
    ----------
    id : str
        Opaque and kept from version to version.
    level : int
        Counted from the leaves.
    label, slug, definition : str
        The name, its form for addresses, and what holding the value means.
    parent : str or None
        Id of the node one level up; None at the top.
    aliases : tuple of str
        Other spellings of a value, in code-point order.
    weight, share : float
        In the taxonomy's `weight_unit`, summed over children; and as part of the total weight, 0 to 1. Both are rounded
        to 6 places, so shares add up to 1 only approximately.
    conversations : Conversations or None
        Only where computed from mention records.
    placement : Placement or None
        Its `confidence` (0 to 1, 0.5 is a tie) and `second_parent` (an id); None at the top and where it was not
        computed.
    stability : float or None
        Share of repeated builds in which the node recurs, 0 to 1.
    label_source : {"input", "domain", "keyphrase", "llm", "human", "imported"}
        Where the label came from: the values, the domains, a phrase composed from the values below, a language model,
        a person's edit, or an imported file.
    definition_source : {"keyphrase", "llm", "human"} or None
        Where the definition came from; None where the label came from there, too.
    label_rank : int or None
        Rank of the node when its label is used as a query against its level; 1 is best.
    label_fit : LabelFit or None
        How much of the node its label covers, and its margin over other nodes; None where it was not measured.
    flags : tuple of str
        ``thin``: a single child. ``empty``: a domain that nothing belongs to. ``doubtful``: a confidence below 0.5.
        ``dormant``: a value that the last input did not mention, or a node whose values all are. ``made``: a value that
        a person made, and that no input mentioned yet. ``outlying``: a node that fits no parent; it is nearer to the
        mean of all others than to that of any parent. ``unknown-words``: a value with words that the embedding model
        does not know, so that its place says nothing, and its confidence is 0.
    absent_since : str or None
        Of a dormant value: the first version whose input did not mention it.
    absences : int
        Of a dormant value: how many builds in a row did not mention it.
    reviewed : bool
        Whether a person has reviewed it, and no machine has moved, named or defined it anew since.
    history : tuple of Decision
        What people decided on it, the first decision first.
    polarity : {"value", "vice", "opposition"}
        Whether a value's label names something held dear, something disvalued, or a stand against such.
    """

    id: str
    level: int
    label: str
    slug: str
    definition: str = ""
    parent: str | None = None
    aliases: tuple[str, ...] = ()
    weight: float = 0.0
    share: float = 0.0
    conversations: Conversations | None = None
    placement: Placement | None = None
    stability: float | None = None
    label_source: LabelSource = "input"
    label_rank: int | None = None
    flags: tuple[str, ...] = ()
    label_fit: LabelFit | None = Field(default=None, exclude_if=lambda fit: fit is None)
    definition_source: LabelSource | None = Field(default=None, exclude_if=lambda source: source is None)
    absent_since: str | None = Field(default=None, exclude_if=lambda version: version is None)
    absences: int = Field(default=0, exclude_if=lambda count: count == 0)
    reviewed: bool = Field(default=False, exclude_if=lambda reviewed: not reviewed)
    history: tuple[Decision, ...] = Field(default=(), exclude_if=lambda history: not history)
    polarity: Polarity = Field(default="value", exclude_if=lambda polarity: polarity == "value")

    def __repr__(self) -> str:
        flags = f", flags={', '.join(self.flags)!r}" if self.flags else ""
        return f"Node({self.label!r}, level={self.level}, share={self.share:.2%}{flags}, id={self.id!r})"

    __str__ = __repr__

    @property
    def is_dormant(self) -> bool:
        """Whether the last input mentioned nothing of it."""
        return DORMANT in self.flags

    @property
    def has_unknown_words(self) -> bool:
        """Whether it is a value with words that the embedding model does not know."""
        return UNKNOWN_WORDS in self.flags

    @property
    def polarity_mark(self) -> tuple[str, ...]:
        """Its polarity, to stand beside its label, or nothing where it is a value."""
        return () if self.polarity == "value" else (self.polarity,)

    def awakened(self) -> dict[str, Any]:
        """Return the fields of a dormant value that differ once an input mentions it."""
        return {"flags": tuple(flag for flag in self.flags if flag != DORMANT), "absent_since": None, "absences": 0}

    @property
    def has_machine_definition(self) -> bool:
        """Whether its definition is not a person's or a file's, and follows what the node holds."""
        return bool(self.definition) and (self.definition_source or self.label_source) in ("keyphrase", "llm")


class Level(Record):
    """A level of a taxonomy.

    Attributes
    ----------
    level : int
        Counted from the leaves: 0 is the level of the values.
    name : str
        Such as ``value``, ``cluster``, ``group`` or ``domain``.
    size : int
        How many nodes it has.
    """

    level: int
    name: str
    size: int


class InputProvenance(Record):
    """The values that a taxonomy was built from.

    Attributes
    ----------
    sha256 : str
        Digest of labels, aliases and weights.
    strings : int
        Distinct cleaned spellings.
    mentions : float
        Their total weight.
    """

    sha256: str
    strings: int
    mentions: float


class ModelProvenance(Record):
    """The embedding model.

    Attributes
    ----------
    name : str
    sha256 : str
        Digest of its weights.
    dimension : int
        Components of a vector.
    runtime : str or None
        ``onnxruntime`` where that ran the model; None for sentence-transformers, and for an encoder of the user's own.
    device : str or None
        The kind of GPU that it ran on; None for the CPU.
    precision : str or None
        ``bf16`` where it was run in that; None for fp32.
    """

    name: str
    sha256: str
    dimension: int
    runtime: str | None = Field(default=None, exclude_if=lambda runtime: runtime is None)
    device: str | None = Field(default=None, exclude_if=lambda device: device is None)
    precision: str | None = Field(default=None, exclude_if=lambda precision: precision is None)


class Provenance(Record):
    """What a taxonomy was made from and how: enough to build it again. What is not known is None, or empty.

    Attributes
    ----------
    input : InputProvenance or None
    model : ModelProvenance or None
    method : str or None
        The method of clustering.
    parameters : dict of str to object
        Fields of the recipe: ``levels``, ``top``, ``min_children``, ``domains``. Where a language model named nodes,
        ``llm`` says how it was asked.
    seed : int or None
    labeller : str or None
        What named the nodes: ``keyphrase``, or ``llm:`` and the name of a language model.
    software : dict of str to str
        Versions of the packages that decide the result.
    previous : dict of str to str, or None
        ``id``, ``version`` and ``digest`` of the version that a build or an assignment started from, with its ``stay``;
        of a subtree, those of the taxonomy that it is part of.
    """

    input: InputProvenance | None = None
    model: ModelProvenance | None = None
    method: str | None = None
    parameters: dict[str, Any] = {}
    seed: int | None = None
    labeller: str | None = None
    software: dict[str, str] = {}
    previous: dict[str, str] | None = None


def ancestor_positions(nodes: Sequence[Node], n_levels: int) -> NDArray[np.intp]:
    """Return the ancestors of each value as positions in `nodes`.

    Parameters
    ----------
    nodes : sequence of Node
        Of a whole tree.
    n_levels : int

    Returns
    -------
    ndarray of shape (n_levels - 1, n_values)
        Level 1 first, values in the order of `nodes`.
    """
    position = {node.id: index for index, node in enumerate(nodes)}
    parents = np.array([-1 if node.parent is None else position[node.parent] for node in nodes], dtype=np.intp)
    at = np.array([index for index, node in enumerate(nodes) if node.level == 0], dtype=np.intp)
    rows = np.empty((n_levels - 1, len(at)), dtype=np.intp)
    for row in rows:
        at = parents[at]
        row[:] = at
    return rows


class Retired(Record):
    """A node that was removed. Its id is not reused; the same value or node revives it.

    Attributes
    ----------
    id, label : str
    level : int or None
        None where it is not known.
    since : str
        The first version without it.
    replaced_by : tuple of str
        Its successors, possibly none or several; these may have been retired since.
    history : tuple of Decision
        What people decided on it, the last of which may have retired it.
    """

    id: str
    level: int | None = None
    label: str
    since: str
    replaced_by: tuple[str, ...] = ()
    history: tuple[Decision, ...] = Field(default=(), exclude_if=lambda history: not history)
