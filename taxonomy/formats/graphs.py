"""GraphML and node-link JSON, for graph tools."""

from __future__ import annotations

import io
import json
from typing import Any

from taxonomy.formats.xml import xml_text
from taxonomy.model import Node, Taxonomy

_HEAD = ("id", "title", "version", "digest", "weight_unit")


def taxonomy_graphml(tree: Taxonomy) -> bytes:
    """Return the tree as GraphML: edges from parent to child, lists as JSON, unknown fields left out.

    Raises
    ------
    OutputError
        If a text has a character that XML can't hold.
    """
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph(**_head(tree))
    graph.add_nodes_from((node.id, _scalars(node)) for node in tree.nodes)
    graph.add_edges_from(tree.graph.edges)
    text = io.BytesIO()
    # Not write_graphml, which writes other bytes if lxml is installed.
    nx.write_graphml_xml(graph, text, prettyprint=True)
    return xml_text(text.getvalue().decode()).encode()


def taxonomy_node_link(tree: Taxonomy) -> str:
    """Return the tree as networkx's node-link JSON, with every field of a node."""
    import networkx as nx

    graph = tree.graph.copy()
    graph.graph.update(_head(tree))
    return json.dumps(nx.node_link_data(graph, edges="edges"), ensure_ascii=False, indent=1) + "\n"


def _head(tree: Taxonomy) -> dict[str, str]:
    return {name: getattr(tree, name) for name in _HEAD}


def _scalars(node: Node) -> dict[str, Any]:
    """Return the fields of a node in types that GraphML has."""
    fields = node.model_dump(exclude={"id", "label_fit", "placement", "conversations", "aliases", "flags", "history"})
    fields["aliases"] = json.dumps(node.aliases, ensure_ascii=False)
    fields["flags"] = json.dumps(node.flags)
    if node.level == 0:
        fields["polarity"] = node.polarity
    if node.history:
        fields["history"] = json.dumps([one.model_dump() for one in node.history], ensure_ascii=False)
    if node.label_fit:
        fields |= {f"label_{name}": figure for name, figure in node.label_fit.model_dump().items()}
    if node.placement:
        fields |= node.placement.model_dump()
    if node.conversations:
        fields |= {f"conversations_{name}": figure for name, figure in node.conversations.model_dump().items()}
    return {name: value for name, value in fields.items() if value is not None}
