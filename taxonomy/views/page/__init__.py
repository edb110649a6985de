"""A page that anyone can open: one file, no network, no server."""

from __future__ import annotations

import html
import re
from importlib.resources import files
from typing import TYPE_CHECKING

from taxonomy.errors import OutputError
from taxonomy.model import Taxonomy
from taxonomy.views.one_file import base_style, content_policy, script_json
from taxonomy.views.page.data import page_data

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from taxonomy.quality.vectors import TreeVectors

MAX_VALUES = 50_000
# In the order in which the page runs them.
_SCRIPTS = ("data", "search", "panel", "overview", "outline", "map", "edits", "review", "changes", "main")
_SLOT = re.compile(r"\{\{(\w+)\}\}")


def taxonomy_page(
    tree: Taxonomy,
    *,
    vectors: TreeVectors | None = None,
    points: NDArray[np.float64] | None = None,
    old: Taxonomy | None = None,
) -> str:
    """Return the page as HTML; what came from the tree is text on it, and nothing is loaded from outside.

    Parameters
    ----------
    tree : Taxonomy
    vectors : TreeVectors, optional
        For the nearest nodes and the findings by likeness; left out without it.
    points : ndarray of shape (n_values, 2), optional
        For the map, in the order of `tree.nodes`: see `taxonomy.views.layout`.
    old : Taxonomy, optional
        The version that changes are shown from.

    Raises
    ------
    OutputError
        If there are more than 50,000 values.
    """
    check_size(tree.levels[0].size)
    source = files(__name__)

    def read(name: str) -> str:
        return source.joinpath(name).read_text(encoding="utf-8")

    style = base_style() + read("style/views.css")
    library = read("vendor/d3.min.js")
    # One block, so that the files share their names with each other alone.
    script = '"use strict";\n{\n' + "".join(read(f"script/{name}.js") for name in _SCRIPTS) + "}\n"
    slots = {
        "title": html.escape(f"{tree.title or tree.id} {tree.version}"),
        "policy": content_policy(style, library, script),
        "style": style,
        "library": library,
        "script": script,
        "data": script_json(page_data(tree, vectors=vectors, points=points, old=old)),
    }
    return _SLOT.sub(lambda slot: slots[slot[1]], read("template.html"))


def check_size(n_values: int) -> None:
    """See that there are not too many values for a page.

    Raises
    ------
    OutputError
    """
    if n_values > MAX_VALUES:
        problem = f"a page holds up to {MAX_VALUES:,} values and here are {n_values:,}"
        raise OutputError(problem, remedy="leave the page out")
