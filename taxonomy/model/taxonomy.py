"""The tree of a taxonomy. The pydantic models here and in `nodes` define `taxonomy.json`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from taxonomy.errors import check_type
from taxonomy.model.canonical_form import digest_nodes, json_parts
from taxonomy.model.checks import check_invariants
from taxonomy.model.draft import subtree_nodes
from taxonomy.model.frames import nodes_frame
from taxonomy.model.ids import default_level_names
from taxonomy.model.lookup import Lookup
from taxonomy.model.nodes import Level, Node, Provenance, Record, Retired, ancestor_positions
from taxonomy.model.search import search_nodes
from taxonomy.values import WeightUnit

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    import plotly.graph_objects as go

    from taxonomy.quality.findings import Finding
    from taxonomy.versions.diff import Diff

SCHEMA_VERSION = 1
# Fields that follow from the nodes.
_OF_NODES = frozenset({"nodes", "levels", "digest"})


class Taxonomy(Record):
    """A multi-level tree of values with its provenance.

    Two are equal (``==``) where all fields are. Methods that take a node take a `Node`, or a key as `node` takes it; if
    none matches, they raise a `LookupFailedError`. In a notebook a taxonomy shows itself as an outline whose nodes open
    with a click.

    Attributes
    ----------
    id, title, version, digest : str
        The taxonomy's own id, kept across versions; its title; its version; and the sha256 of its nodes.
    weight_unit : {"pct_convos", "mentions", "strings"}
        What `Node.weight` counts.
    levels : tuple of Level
        Finest first, each with `level`, `name` and `size`.
    provenance : Provenance
    nodes : tuple of Node
        Top level first, then by label.
    retired : tuple of Retired
        Nodes that earlier versions had.
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

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:  # type: ignore[override]
        """Yield the nodes, top level first, then by label."""
        return iter(self.nodes)

    def __contains__(self, key: object) -> bool:
        """Return whether a node has this id, or this label or alias in any spelling."""
        key = key.id if isinstance(key, Node) else key
        return isinstance(key, str) and bool(self._lookup.find_all(key))

    # Layers above this one are imported where they are called.

    def _repr_html_(self) -> str:
        from taxonomy.views.outline import outline_html

        return outline_html(self)

    def nearest(self, node: Node | str, *, n: int = 10, model: str | None = None) -> list[tuple[Node, float]]:
        """Return the nodes of the same level that are most similar to a node.

        Parameters
        ----------
        node : Node or str
            A node, or a key as `node` takes it.
        n : int
            The most nodes to return.
        model : str, optional
            The embedding model; by default that of the taxonomy.

        Returns
        -------
        list of (Node, float)
            Nodes and the cosine of their vectors, most similar first. The vector of a node above the values is the
            mean of its values' vectors.

        Raises
        ------
        LookupFailedError
            If nothing matches `node`.
        embeddings.EmbeddingError
            If the model cannot be loaded.
        """
        from taxonomy.quality.vectors import nearest_nodes

        return nearest_nodes(self, self._resolve(node), n=n, model=model)

    def lint(self, *, vectors: bool = True, model: str | None = None) -> list[Finding]:
        """Return what a taxonomist should look at: see `taxonomy.lint`."""
        from taxonomy.quality.findings import lint

        return lint(self, vectors=vectors, model=model)

    def diff(self, new: Taxonomy) -> Diff:
        """Return what changed from this version to `new`: see `taxonomy.Diff`."""
        from taxonomy.versions.diff import Diff

        return Diff.between(self, new)

    def write(self, path: str | Path, *, base_iri: str | None = None, issued: date | None = None) -> None:
        """Check the taxonomy and write it; a file at `path` is replaced atomically.

        Parameters
        ----------
        path : str or Path
            Its ending is the format: .json (taxonomy.json, which holds everything), .csv (six columns, which
            `taxonomy.read` names), .ttl, .rdf or .jsonld (SKOS), .graphml, .node-link.json, .parquet, .md, or .html
            (a page).
        base_iri : str, optional
            For SKOS: the IRI before each id.
        issued : date, optional
            For SKOS: when this version was published.

        Raises
        ------
        InvariantError
            If it is not a taxonomy.
        OutputError
            If it can't be written, or has no such format.
        TaxonomyError
            If the format needs a package that is not installed.
        """
        from taxonomy.publishing import write_taxonomy

        write_taxonomy(self, path, base_iri=base_iri, issued=issued)

    def plot(self, kind: Literal["treemap", "icicle", "sunburst", "map"] = "treemap") -> go.Figure:
        """Draw the taxonomy as a plotly figure, in one of seven colours for each node of the top level.

        Parameters
        ----------
        kind : {"treemap", "icicle", "sunburst", "map"}
            Nested areas sized by weight, three levels at a time: a click on a node opens those below it. Or a map with
            each value as a point near to similar values, which embeds them and takes seconds.

        Returns
        -------
        plotly.graph_objects.Figure
            ``write_html("tree.html")`` saves it as a page. ``write_image("tree.png")`` saves it as a picture, which
            needs the package kaleido and Chrome.

        Raises
        ------
        TaxonomyError
            If plotly is not installed, or `kind` is unknown.
        embeddings.EmbeddingError
            If the model for a map cannot be loaded.
        """
        from taxonomy.views.plots import plot

        return plot(self, kind)

    @classmethod
    def from_nodes(cls, nodes: Iterable[Node], *, level_names: Sequence[str] | None = None, **fields: Any) -> Self:
        """Make a taxonomy of nodes in any order, and check it.

        Parameters
        ----------
        nodes : iterable of Node
        level_names : sequence of str, optional
            Finest first; "value", "cluster", "group", ..., "domain" by default.
        **fields
            The other fields of `Taxonomy`.

        Raises
        ------
        InvariantError
            If the nodes break an invariant; the error names them.
        """
        ordered = tuple(sorted(nodes, key=lambda node: (-node.level, node.label, node.id)))
        sizes = Counter(node.level for node in ordered)
        names = level_names or default_level_names(max(sizes, default=0) + 1)
        levels = tuple(Level(level=i, name=name, size=sizes[i]) for i, name in enumerate(names))
        tree = cls(nodes=ordered, levels=levels, **fields)
        tree = tree.model_copy(update={"digest": tree.compute_digest()})
        tree.check()
        return tree

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; cached properties are computed again, since its fields may differ."""
        copy = super().model_copy(update=update, deep=deep)
        for name in copy.__dict__.keys() - type(self).model_fields.keys():
            del copy.__dict__[name]
        return copy

    def with_nodes(self, nodes: Iterable[Node], **fields: Any) -> Self:
        """Return this taxonomy with other nodes, checked; its levels keep their names.

        Parameters
        ----------
        nodes : iterable of Node
            In any order.
        **fields
            Other fields that change.

        Raises
        ------
        InvariantError
            If the nodes break an invariant; the error names them.
        """
        kept = {name: getattr(self, name) for name in type(self).model_fields if name not in _OF_NODES}
        names = [level.name for level in self.levels]
        return self.from_nodes(nodes, level_names=names, **(kept | fields))

    # -- reading the tree -------------------------------------------------------------------------------------------

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.nodes, self.retired)

    @cached_property
    def _children(self) -> dict[str | None, list[Node]]:
        children: dict[str | None, list[Node]] = defaultdict(list)
        for node in self.nodes:
            children[node.parent].append(node)
        return children

    @property
    def top(self) -> list[Node]:
        """The nodes of the top level, by label."""
        return list(self._children[None])

    @cached_property
    def leaves(self) -> tuple[Node, ...]:
        """The values (level 0), in the order of `nodes`."""
        return tuple(node for node in self.nodes if node.level == 0)

    @cached_property
    def inner(self) -> tuple[Node, ...]:
        """The nodes above the values, in the order of `nodes`."""
        return tuple(node for node in self.nodes if node.level > 0)

    @cached_property
    def top_ids(self) -> dict[str, str]:
        """The id of each node's ancestor on the top level, by id."""
        top_ids: dict[str, str] = {}
        for node in sorted(self.nodes, key=lambda node: -node.level):
            top_ids[node.id] = node.id if node.parent is None else top_ids[node.parent]
        return top_ids

    @cached_property
    def ancestors(self) -> NDArray[np.intp]:
        """The ancestors of each value as positions in `nodes`, of shape (n_levels - 1, n_values).

        Level 1 first, values in the order of `leaves`.
        """
        return ancestor_positions(self.nodes, len(self.levels))

    def node(self, key: str, *, level: int | None = None) -> Node:
        """Find a node by id, else by label or alias.

        Parameters
        ----------
        key : str
            An id, or a label or alias. In labels, case, spaces, hyphens and underscores do not count, nor do quotes or
            punctuation around the whole; accents do. Where several nodes match, one whose label is written exactly so
            is taken: "Prudence" may be a cluster, and "prudence" a value in it.
        level : int, optional
            Search this level only.

        Returns
        -------
        Node

        Raises
        ------
        LookupFailedError
            If no node matches; for a retired id the error names its successors.
        AmbiguousKeyError
            If several nodes match; the error lists them.
        """
        check_type(key, str, "key", "give an id, a label or an alias")
        return self._lookup.find(key, level)

    def search(self, text: str) -> list[Node]:
        """Return the nodes of all levels whose label, aliases or definition contain a text, the best match first.

        Case and accents are ignored. A label that is the text comes first, then one that begins with it, one with a
        word that does, and one that contains it; an alias ranks one and a half steps lower. Last are definitions with
        each of its words. A blank text finds nothing.
        """
        check_type(text, str, "text", "give a word or part of one")
        return search_nodes(self.nodes, text)

    def retired_node(self, id: str) -> Retired:
        """Look up a retired id.

        Raises
        ------
        LookupFailedError
            If no such id was retired.
        """
        return self._lookup.find_retired(id)

    def _resolve(self, node: Node | str) -> Node:
        return self.node(node.id if isinstance(node, Node) else node)

    def parent(self, node: Node | str) -> Node | None:
        """Return the node one level up, None for a node of the top level."""
        parent = self._resolve(node).parent
        return None if parent is None else self._lookup.by_id[parent]

    def children(self, node: Node | str) -> list[Node]:
        """Return the nodes one level down, by label; none for a value."""
        return list(self._children.get(self._resolve(node).id, []))

    def path(self, node: Node | str) -> list[Node]:
        """Return the nodes from the top level down to `node`, itself included."""
        steps = [self._resolve(node)]
        while steps[-1].parent is not None:
            steps.append(self._lookup.by_id[steps[-1].parent])
        return steps[::-1]

    def values(self, node: Node | str) -> list[Node]:
        """Return the values (level 0) below `node`, or the value itself, by label."""
        frontier = [self._resolve(node)]
        values = []
        while frontier:
            current = frontier.pop()
            if current.level == 0:
                values.append(current)
            frontier.extend(self._children.get(current.id, []))
        return sorted(values, key=lambda value: (value.label, value.id))

    @cached_property
    def graph(self) -> nx.DiGraph[str]:
        """The tree as a networkx graph: edges from parent to child, node fields as attributes."""
        import networkx as nx

        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from((node.id, node.model_dump(exclude={"id"})) for node in self.nodes)
        graph.add_edges_from((node.parent, node.id) for node in self.nodes if node.parent is not None)
        return graph

    def to_frame(self) -> pd.DataFrame:
        """Return the nodes as a pandas frame, one per row, in the order of `nodes`, with the id as index.

        The columns are ``level``, ``label``, ``slug``, ``definition``, ``parent``, ``aliases``, ``weight``, ``share``,
        ``stability``, ``label_source``, ``label_rank`` and ``flags``, as of `Node`; ``label_covered`` and
        ``label_margin``, as of its `LabelFit`; ``confidence`` and ``second_parent``, as of its `Placement`; and one for
        each level, top first (``domain``, ..., ``value``), with the label of the node or its ancestor there, missing
        below the node's own level. A level named like another column is called ``level_N``.
        """
        return nodes_frame(self.nodes, self.levels)

    def subtree(self, node: Node | str) -> Taxonomy:
        """Return a node and all nodes below it as a taxonomy, with the node as its top.

        Shares are of the node's weight. Nodes keep their ids; the taxonomy's id is this one's and the node's slug. Its
        provenance names the model and this taxonomy, but no build: it was not built by itself.

        Raises
        ------
        LookupFailedError
            If nothing matches.
        """
        root = self._resolve(node)
        names = [level.name for level in self.levels[: root.level + 1]]
        return Taxonomy.from_nodes(
            subtree_nodes(self.nodes, root),
            level_names=names,
            id=f"{self.id}-{root.slug}",
            title=f"{self.title or self.id}: {root.label}",
            weight_unit=self.weight_unit,
            version=self.version,
            provenance=self._provenance_of_part(),
        )

    def _provenance_of_part(self) -> Provenance:
        """Return what is true of a part as well: how values are embedded, and where they come from."""
        previous = {"id": self.id, "version": self.version, "digest": self.digest}
        return Provenance(model=self.provenance.model, previous=previous)

    # -- checking and writing ---------------------------------------------------------------------------------------

    def check(self) -> None:
        """Check every invariant of a taxonomy.

        Raises
        ------
        InvariantError
            Naming the nodes that break the first.
        """
        check_invariants(self.nodes, self.levels, self.retired)

    def compute_digest(self) -> str:
        """Return ``sha256:`` and the digest of the nodes in their canonical JSON."""
        return digest_nodes(self.nodes)

    def to_json(self) -> str:
        """Return the text of taxonomy.json: equal taxonomies have equal bytes."""
        return b"".join(json_parts(self)).decode()
