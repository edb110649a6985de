"""A page that anyone can open: one file, no network, no server."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from taxonomy.errors import OutputError
from taxonomy.model import Taxonomy
from taxonomy.views.page.data import page_data

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from taxonomy.quality.vectors import TreeVectors

MAX_VALUES = 50_000
# In the order in which the page runs them.
_SCRIPTS = ("data", "search", "panel", "overview", "outline", "map", "edits", "review", "changes", "main")
_STYLES = ("base", "views")
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

    style = "".join(read(f"style/{name}.css") for name in _STYLES)
    library = read("vendor/d3.min.js")
    # One block, so that the files share their names with each other alone.
    script = '"use strict";\n{\n' + "".join(read(f"script/{name}.js") for name in _SCRIPTS) + "}\n"
    slots = {
        "title": html.escape(f"{tree.title or tree.id} {tree.version}"),
        "policy": _policy(style, library, script),
        "style": style,
        "library": library,
        "script": script,
        "data": _json(page_data(tree, vectors=vectors, points=points, old=old)),
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


def _policy(style: str, *scripts: str) -> str:
    hashes = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(data: dict[str, Any]) -> str:
    """Return JSON that can stand in a script element: nothing in it ends the element, a comment or a line."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)
