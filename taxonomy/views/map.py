"""The points of a map, `map.parquet`: id, x and y of each value."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taxonomy.errors import InputError
from taxonomy.model import Taxonomy

NAME = "map.parquet"


def map_parquet(tree: Taxonomy, points: NDArray[np.float64]) -> bytes:
    """Return the table of a map.

    Parameters
    ----------
    tree : Taxonomy
    points : ndarray of shape (n_values, 2)
        In the order of `tree.leaves`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"id": [node.id for node in tree.leaves], "x": points[:, 0], "y": points[:, 1]})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def read_map(path: Path, tree: Taxonomy) -> NDArray[np.float64] | None:
    """Read a map; None if there is none, or it is of other values than those of `tree`.

    Returns
    -------
    ndarray of shape (n_values, 2) or None
        In the order of `tree.leaves`.

    Raises
    ------
    InputError
        If the file exists and is not a map.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        return None
    try:
        table = pq.read_table(path, columns=["id", "x", "y"])
        ids = table["id"].to_pylist()
        points = np.stack([table[axis].to_numpy().astype(np.float64) for axis in ("x", "y")], axis=1)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise InputError("the file is not a map", path=str(path), remedy="remove it, and build again") from error
    row = {id: index for index, id in enumerate(ids)}
    wanted = [node.id for node in tree.leaves]
    if len(row) != len(ids) or row.keys() != set(wanted):
        return None
    if not np.isfinite(points).all():
        raise InputError("the map has points that are not numbers", path=str(path), remedy="remove it, and build again")
    return points[[row[id] for id in wanted]]
