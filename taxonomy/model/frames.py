"""The nodes of a taxonomy as a pandas frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from taxonomy.model.nodes import Level, Node

if TYPE_CHECKING:
    import pandas as pd


def nodes_frame(nodes: Sequence[Node], levels: Sequence[Level]) -> pd.DataFrame:
    """Return nodes as rows, as `Taxonomy.to_frame` does; `nodes` has the top level first."""
    import pandas as pd

    rows = []
    for node in nodes:
        row = node.model_dump(exclude={"label_fit", "placement", "conversations"})
        row["polarity"] = None if node.level else node.polarity
        row["label_covered"] = node.label_fit.covered if node.label_fit else None
        row["label_margin"] = node.label_fit.margin if node.label_fit else None
        row["confidence"] = node.placement.confidence if node.placement else None
        row["second_parent"] = node.placement.second_parent if node.placement else None
        rows.append(row)
    frame = pd.DataFrame(rows)
    labels = _labels_by_level(nodes)
    for level in reversed(levels):
        name = level.name if level.name not in frame else f"level_{level.level}"
        frame[name] = [labels[node.id].get(level.level) for node in nodes]
    return frame.set_index("id")


def _labels_by_level(nodes: Sequence[Node]) -> dict[str, dict[int, str]]:
    """Return, by node id, the labels of the node and of its ancestors, by level."""
    labels: dict[str, dict[int, str]] = {}
    for node in nodes:
        above = {} if node.parent is None else labels[node.parent]
        labels[node.id] = {**above, node.level: node.label}
    return labels
