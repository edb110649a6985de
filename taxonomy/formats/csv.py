"""The six columns of the published release, and the tables that go with them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from taxonomy.model import Taxonomy
from taxonomy.values import Rejection

COLUMNS = ("cluster_id", "description", "name", "level", "parent_cluster_id", "pct_total_occurrences")
# A spreadsheet runs a cell that begins so as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")


def taxonomy_csv(tree: Taxonomy) -> str:
    """Return the nodes in the columns of the published release, shares in percent."""
    return _table(
        COLUMNS,
        (
            (node.id, node.definition, node.label, node.level, node.parent or "", _number(100 * node.share))
            for node in tree.nodes
        ),
    )


def frequencies_csv(tree: Taxonomy) -> str:
    """Return each value with its percent of conversations where the input had it, else with its share."""
    values = sorted((node for node in tree.nodes if node.level == 0), key=lambda node: (-node.weight, node.label))
    if tree.weight_unit == "pct_convos":
        return _table(("value", "pct_convos"), ((node.label, _number(node.weight)) for node in values))
    return _table(("value", "share"), ((node.label, _number(node.share)) for node in values))


def rejected_csv(rejected: Iterable[Rejection]) -> str:
    """Return the rows of the input that are no value, with the reason."""
    return _table(("row", "value", "reason"), ((one.row, one.value, one.reason) for one in rejected))


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_escape(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def _escape(cell: str) -> str:
    """Keep a spreadsheet from running a cell: a quote before it makes it text."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _number(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")
