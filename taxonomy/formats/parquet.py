"""Write a taxonomy as a flat table: one row per value, columns for each level."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

from taxonomy.errors import OutputError
from taxonomy.model import Taxonomy


def taxonomy_parquet(tree: Taxonomy) -> bytes:
    """Return a table with a row for each value, in the order of the tree.

    For each level, finest first, a column by its name holds labels and one by its name and ``_id`` holds ids; then
    come definition, aliases, weight, share, confidence, flags and polarity of the value. An empty
    domain has no row.

    Raises
    ------
    OutputError
        If a level has the name of another column.
    """
    values = tree.leaves
    paths = [tree.path(value)[::-1] for value in values]
    columns: list[tuple[str, pa.Array]] = []
    for level in tree.levels:
        steps = [path[level.level] for path in paths]
        columns.append((level.name, pa.array([step.label for step in steps], pa.string())))
        columns.append((f"{level.name}_id", pa.array([step.id for step in steps], pa.string())))
    confidences = [value.placement.confidence if value.placement else None for value in values]
    columns += [
        ("definition", pa.array([value.definition for value in values], pa.string())),
        ("aliases", pa.array([value.aliases for value in values], pa.list_(pa.string()))),
        ("weight", pa.array([value.weight for value in values], pa.float64())),
        ("share", pa.array([value.share for value in values], pa.float64())),
        ("confidence", pa.array(confidences, pa.float64())),
        ("flags", pa.array([value.flags for value in values], pa.list_(pa.string()))),
        ("polarity", pa.array([value.polarity for value in values], pa.string())),
    ]
    names = [name for name, _ in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise OutputError(f"the level {twice[0]!r} has the name of another column", remedy="rename the level")
    buffer = io.BytesIO()
    pq.write_table(pa.table([array for _, array in columns], names=names), buffer)
    return buffer.getvalue()
