"""The taxonomy as a graph: its nodes, its invariants and its JSON form.

`taxonomy.json` is the source of truth; the pydantic models here are its one definition.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import networkx as nx
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, ValidationError, model_serializer

from taxonomy.errors import AmbiguousKeyError, InputError, InvariantError, LookupFailedError, OutputError
from taxonomy.values import canonical_key

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1
WeightUnit = Literal["pct_convos", "mentions", "strings"]
LabelSource = Literal["input", "domain", "keyphrase", "llm", "human", "imported"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Placement(_Record):
    """How surely a node belongs to its parent.

    Attributes
    ----------
    confidence : float
        From 0 to 1; 0.5 is a tie between the parent and the runner-up.
    second_parent : str or None
        Id of the runner-up on the parent's level, None where there is no other.
    votes : float or None
        Share of a language model's votes for the parent, 0 to 1; None where none was asked.
    """

    confidence: float
    second_parent: str | None
    votes: float | None = None

    @model_serializer(mode="wrap")
    def _without_no_votes(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Absent where none was asked: a tree without votes keeps its bytes and its digest.
        return {name: value for name, value in dump(self).items() if name != "votes" or value is not None}


class Conversations(_Record):
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


class Node(_Record):
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
        In the taxonomy's `weight_unit`, summed over children; and as part of the total weight, 0 to 1.
    conversations : Conversations or None
        Only where computed from mention records.
    placement : Placement or None
        None at the top and where it was not computed.
    stability : float or None
        How often the node comes back when the tree is built again, 0 to 1.
    label_source : str
        Where the label came from.
    label_rank : int or None
        Rank of the node when its label is used as a query against its level; 1 is best.
    flags : tuple of str
        ``thin``: a single child. ``empty``: a domain that nothing belongs to. ``doubtful``: a low confidence.
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

    def __repr__(self) -> str:
        return f"Node({self.label!r}, level={self.level}, share={self.share:.4f}, id={self.id!r})"

    __str__ = __repr__


class Level(_Record):
    """A level: its number from the leaves, its name and how many nodes it has."""

    level: int
    name: str
    size: int


class InputProvenance(_Record):
    """What was read: digest of the canonical input, distinct strings, and their total weight."""

    sha256: str
    strings: int
    mentions: float


class ModelProvenance(_Record):
    """Which embedding model made the vectors; `sha256` is of its weights."""

    name: str
    sha256: str
    dimension: int


class Provenance(_Record):
    """What a taxonomy was made from and how, enough to make it again."""

    input: InputProvenance | None = None
    model: ModelProvenance | None = None
    method: str | None = None
    parameters: dict[str, Any] = {}
    seed: int | None = None
    labeller: str | None = None
    software: dict[str, str] = {}
    previous: dict[str, str] | None = None


class Retired(_Record):
    """A node that went: its id is never used for anything else; the same value or node coming back revives it.

    Attributes
    ----------
    id, label : str
    level : int or None
        None where it is not known.
    since : str
        The first version without it.
    replaced_by : tuple of str
        What took its place, none, one or several; these may have been retired since.
    """

    id: str
    level: int | None = None
    label: str
    since: str
    replaced_by: tuple[str, ...] = ()


class Taxonomy(_Record):
    """A multi-level tree of values with its provenance.

    Attributes
    ----------
    id, title, version, digest : str
        The taxonomy's own id, kept across versions; its title; its version; and the sha256 of its nodes.
    weight_unit : {"pct_convos", "mentions", "strings"}
        What `Node.weight` counts.
    levels : tuple of Level
        Finest first.
    provenance : Provenance
    nodes : tuple of Node
        Top level first, then by label.
    retired : tuple of Retired
    """

    format: Literal["value-taxonomy"] = "value-taxonomy"
    schema_version: Literal[1] = 1
    id: str
    title: str = ""
    weight_unit: WeightUnit
    version: str = "1.0.0"
    digest: str = ""
    levels: tuple[Level, ...]
    provenance: Provenance = Provenance()
    nodes: tuple[Node, ...]
    retired: tuple[Retired, ...] = ()

    def __repr__(self) -> str:
        sizes = " / ".join(str(level.size) for level in reversed(self.levels))
        return f"Taxonomy({self.id!r}, version={self.version!r}, levels={sizes})"

    __str__ = __repr__

    @classmethod
    def from_nodes(cls, nodes: Iterable[Node], *, level_names: Sequence[str] | None = None, **fields: Any) -> Self:
        """Make a taxonomy of nodes in any order, and check it.

        Parameters
        ----------
        nodes : iterable of Node
        level_names : sequence of str, optional
            Finest first; the names of DESIGN's levels by default.
        **fields
            The other fields of `Taxonomy`.

        Raises
        ------
        InvariantError
            If the nodes are no taxonomy; it names them.
        """
        ordered = tuple(sorted(nodes, key=lambda node: (-node.level, node.label, node.id)))
        sizes = Counter(node.level for node in ordered)
        names = level_names or default_level_names(max(sizes, default=0) + 1)
        levels = tuple(Level(level=i, name=name, size=sizes[i]) for i, name in enumerate(names))
        tree = cls(nodes=ordered, levels=levels, **fields)
        tree = tree.model_copy(update={"digest": tree.compute_digest()})
        tree.check()
        return tree

    # -- reading the tree -------------------------------------------------------------------------------------------

    @cached_property
    def _by_id(self) -> dict[str, Node]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def _children(self) -> dict[str | None, list[Node]]:
        children: dict[str | None, list[Node]] = defaultdict(list)
        for node in self.nodes:
            children[node.parent].append(node)
        return children

    @cached_property
    def _by_key(self) -> dict[str, list[Node]]:
        found: dict[str, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for key in {canonical_key(name) for name in (node.label, *node.aliases)}:
                found[key].append(node)
        return found

    @property
    def top(self) -> list[Node]:
        """The nodes of the top level, by label."""
        return list(self._children[None])

    def node(self, key: str, *, level: int | None = None) -> Node:
        """Find a node by id, else by label or alias.

        Parameters
        ----------
        key : str
            An id, or a label or alias in any spelling with the same canonical key.
        level : int, optional
            Look on this level only.

        Raises
        ------
        LookupFailedError
            If nothing matches; for a retired id it says what replaced it (see `retired_node`).
        AmbiguousKeyError
            If several nodes match; the error lists them.
        """
        by_id = self._by_id.get(key)
        if by_id is not None and level in (None, by_id.level):
            return by_id
        found = [node for node in self._by_key.get(canonical_key(key), []) if level in (None, node.level)]
        if not found:
            where = "" if level is None else f" on level {level}"
            if key in self._retired_by_id:
                raise LookupFailedError(self._say_retired(key))
            raise LookupFailedError(f"no node {key!r}{where}: give an id, a label or an alias of this taxonomy")
        if len(found) > 1:
            listed = [f"{node.id} (level {node.level}, {node.label!r})" for node in found]
            raise AmbiguousKeyError(
                f"{key!r} names {len(found)} nodes: {', '.join(listed)}; give an id or a level", listed
            )
        return found[0]

    def retired_node(self, id: str) -> Retired:
        """Look up an id that went.

        Raises
        ------
        LookupFailedError
            If no such id was ever retired.
        """
        if id not in self._retired_by_id:
            raise LookupFailedError(f"no id {id!r} was retired from this taxonomy: give an id that once was in it")
        return self._retired_by_id[id]

    @cached_property
    def _retired_by_id(self) -> dict[str, Retired]:
        return {gone.id: gone for gone in self.retired}

    def _say_retired(self, id: str) -> str:
        gone = self._retired_by_id[id]
        instead = " and ".join(self._say(heir) for heir in gone.replaced_by) or "nothing"
        return f"{id} ({gone.label!r}) was retired in version {gone.since} and replaced by {instead}"

    def _say(self, id: str) -> str:
        known = self._by_id.get(id) or self._retired_by_id.get(id)
        return f"{id} ({known.label!r})" if known else id

    def _resolve(self, node: Node | str) -> Node:
        return self.node(node if isinstance(node, str) else node.id)

    def parent(self, node: Node | str) -> Node | None:
        """Return the node one level up, None for a node of the top level."""
        parent = self._resolve(node).parent
        return None if parent is None else self._by_id[parent]

    def children(self, node: Node | str) -> list[Node]:
        """Return the nodes one level down, by label."""
        return list(self._children.get(self._resolve(node).id, []))

    def path(self, node: Node | str) -> list[Node]:
        """Return the nodes from the top level down to `node`, itself included."""
        steps = [self._resolve(node)]
        while steps[-1].parent is not None:
            steps.append(self._by_id[steps[-1].parent])
        return steps[::-1]

    def values(self, node: Node | str) -> list[Node]:
        """Return the values (level 0) below `node`, or the value itself, by label."""
        frontier = [self._resolve(node)]
        found = []
        while frontier:
            one = frontier.pop()
            if one.level == 0:
                found.append(one)
            frontier.extend(self._children.get(one.id, []))
        return sorted(found, key=lambda value: (value.label, value.id))

    @cached_property
    def graph(self) -> nx.DiGraph[str]:
        """The tree as a networkx graph: edges from parent to child, node fields as attributes."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from((node.id, node.model_dump(exclude={"id"})) for node in self.nodes)
        graph.add_edges_from((node.parent, node.id) for node in self.nodes if node.parent is not None)
        return graph

    def to_frame(self) -> pd.DataFrame:
        """Return the nodes as a pandas frame, one a row, in the order of `nodes`, with the id as index."""
        import pandas as pd

        rows = []
        for node in self.nodes:
            row = node.model_dump(exclude={"placement", "conversations"})
            row["confidence"] = node.placement.confidence if node.placement else None
            row["second_parent"] = node.placement.second_parent if node.placement else None
            rows.append(row)
        return pd.DataFrame(rows).set_index("id")

    # -- invariants -------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Check every invariant of a taxonomy.

        Raises
        ------
        InvariantError
            Naming the first nodes that break one.
        """
        _check_levels(self)
        _check_ids(self)
        _check_parents(self)
        _check_labels(self)

    # -- JSON -------------------------------------------------------------------------------------------------------

    def compute_digest(self) -> str:
        """Return ``sha256:`` and the digest of the nodes in their canonical form."""
        digest = hashlib.sha256()
        for node in self.nodes:
            digest.update(_to_json(node).encode())
            digest.update(b"\n")
        return f"sha256:{digest.hexdigest()}"

    def to_json(self) -> str:
        """Return the canonical JSON text: the same taxonomy gives the same bytes."""
        fields = []
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name in ("levels", "nodes", "retired"):
                items = ",\n  ".join(_to_json(item) for item in value)
                text = f"[\n  {items}\n ]" if items else "[]"
            else:
                text = _to_json(value)
            fields.append(f' "{name}": {text}')
        return "{\n" + ",\n".join(fields) + "\n}\n"

    def save(self, path: str | Path) -> None:
        """Check the taxonomy and write it as JSON; what stood at `path` is replaced at once or not at all.

        Raises
        ------
        InvariantError, OutputError
        """
        self.check()
        replace_file(Path(path), self.to_json().encode())


def replace_file(target: Path, content: bytes) -> None:
    """Write a file beside `target`, sync it and move it there, so that what stood there is replaced at once or not.

    Raises
    ------
    OutputError
    """
    staged = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(staged, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(staged, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write {target}: {reason}; choose another place or free some space") from error
    finally:
        with suppress(OSError):
            staged.unlink()


def load(path: str | Path) -> Taxonomy:
    """Read a `taxonomy.json` and check it.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    InputError
        If it can't be read, is no JSON, or is no taxonomy of a schema this version knows.
    InvariantError
        If it breaks an invariant.
    """
    source = Path(path)
    try:
        data = json.loads(source.read_bytes())
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error.strerror}; give the path of a taxonomy.json") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: not UTF-8 at byte {error.start}; give the path of a taxonomy.json") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{source}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from error
    if not isinstance(data, dict) or data.get("format") != "value-taxonomy":
        raise InputError(f'{source}: not a taxonomy: its "format" is not "value-taxonomy"')
    if isinstance(data.get("schema_version"), int) and data["schema_version"] > SCHEMA_VERSION:
        raise InputError(
            f"{source}: schema_version {data['schema_version']} is newer than {SCHEMA_VERSION}, the newest that "
            "this version reads: update value-taxonomy"
        )
    try:
        tree = Taxonomy.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{source}: {where}: {first['msg']}") from error
    tree.check()
    return tree


def default_level_names(count: int) -> list[str]:
    """Return the names of `count` levels, finest first."""
    if count <= 2:
        return ["value", "domain"][:count]
    middle = ["cluster", "group", *(f"level-{i}" for i in range(3, count))]
    return ["value", *middle[: count - 2], "domain"]


def mint_id(kind: str, level: int, content: Iterable[str]) -> str:
    """Return the id of new content: ``vt:`` and 16 hex digits of a sha256 over kind, level and content.

    Parameters
    ----------
    kind : {"value", "node", "domain"}
    level : int
    content : iterable of str
        A value's canonical key, the keys of an inner node's values in order, or a domain's key.
    """
    text = json.dumps([kind, level, *content], ensure_ascii=False)
    return f"vt:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def slugify(label: str) -> str:
    """Return `label` in lower case with runs of anything but letters and digits as one hyphen."""
    return re.sub(r"[\W_]+", "-", label.casefold()).strip("-") or "node"


def _to_json(item: Any) -> str:
    plain = item.model_dump(mode="json") if isinstance(item, BaseModel) else item
    return json.dumps(plain, ensure_ascii=False, allow_nan=False)


def _fail(problem: str, nodes: Sequence[Node]) -> None:
    raise InvariantError(problem, [f"{node.id} ({node.label!r})" for node in nodes])


def _check_levels(tree: Taxonomy) -> None:
    if not tree.nodes:
        raise InvariantError("a taxonomy without nodes")
    if [level.level for level in tree.levels] != list(range(len(tree.levels))):
        raise InvariantError("levels must be numbered 0, 1, 2, ... from the leaves")
    outside = [node for node in tree.nodes if not 0 <= node.level < len(tree.levels)]
    if outside:
        _fail("nodes on a level that the taxonomy does not have", outside)
    sizes = Counter(node.level for node in tree.nodes)
    for level in tree.levels:
        if level.size != sizes[level.level]:
            raise InvariantError(f"level {level.level} has {sizes[level.level]} nodes but says {level.size}")
    bad = [node for node in tree.nodes if not (math.isfinite(node.weight) and node.weight >= 0)]
    if bad:
        _fail("weights must be numbers of 0 or more", bad)


def _check_ids(tree: Taxonomy) -> None:
    counts = Counter(node.id for node in tree.nodes)
    twice = [node for node in tree.nodes if counts[node.id] > 1]
    if twice:
        _fail("ids used more than once", twice)
    blank = [node for node in tree.nodes if not (node.id.strip() and node.label.strip())]
    if blank:
        _fail("every node needs an id and a label", blank)
    retired = {gone.id for gone in tree.retired}
    back = [node for node in tree.nodes if node.id in retired]
    if back:
        _fail("ids both in use and retired", back)


def _check_parents(tree: Taxonomy) -> None:
    top = len(tree.levels) - 1
    ids = tree._by_id
    orphans = [node for node in tree.nodes if (node.parent is None) != (node.level == top)]
    if orphans:
        _fail("a parent is needed below the top and nowhere else", orphans)
    lost = [node for node in tree.nodes if node.parent is not None and node.parent not in ids]
    if lost:
        _fail("parents that do not exist", lost)
    # A parent exactly one level up also rules out cycles.
    skewed = [node for node in tree.nodes if node.parent is not None and ids[node.parent].level != node.level + 1]
    if skewed:
        _fail("parents that are not one level up", skewed)
    parents = {node.parent for node in tree.nodes}
    childless = [
        node
        for node in tree.nodes
        if node.level > 0 and node.id not in parents and not (node.level == top and "empty" in node.flags)
    ]
    if childless:
        _fail("inner nodes without children", childless)


def _check_labels(tree: Taxonomy) -> None:
    names = Counter(name for node in tree.nodes if node.level == 0 for name in (node.label, *node.aliases))
    twice = [
        node for node in tree.nodes if node.level == 0 and any(names[name] > 1 for name in (node.label, *node.aliases))
    ]
    if twice:
        _fail("strings that are a value or alias twice", twice)
    siblings = Counter((node.parent, node.label) for node in tree.nodes)
    same = [node for node in tree.nodes if siblings[node.parent, node.label] > 1]
    if same:
        _fail("siblings with the same label", same)
