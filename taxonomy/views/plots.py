"""Pictures of a taxonomy as plotly figures, for notebooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taxonomy.english.plurals import count_of
from taxonomy.errors import TaxonomyError, check_type, plain
from taxonomy.model import Node, Taxonomy, values_by_spelling

if TYPE_CHECKING:
    import plotly.graph_objects as go


# Seven colours that people with each kind of colour blindness tell apart, as on the page.
_COLOURS = ("#4a74b4", "#e3a233", "#6fd8bd", "#b9512f", "#a99cf2", "#7d4a83", "#e8dc7c")
_GREY = "#b8b4ab"
# Levels drawn at once below the root; a click opens those under it.
_DEPTH = 3
# Groups whose names fit on a map.
_MOST_NAMES = 40
# The room that a name needs there, of a map from -1 to 1: of a letter, and of a line.
LETTER, LINE = 0.023, 0.075


def plot(tree: Taxonomy, kind: str = "treemap") -> go.Figure:
    """Draw a taxonomy: see `Taxonomy.plot`."""
    _need_plotly()
    drawings = {"treemap": _treemap, "icicle": _icicle, "sunburst": _sunburst, "map": _map}
    if kind not in drawings:
        raise TaxonomyError(f"`kind` is {kind!r}", remedy=f"choose one of {', '.join(drawings)}")
    figure = drawings[kind](tree)
    figure.update_layout(
        title={"text": _text(f"{tree.title or tree.id} {tree.version}"), "x": 0.01},
        margin={"t": 48, "l": 8, "r": 8, "b": 8},
        height=640,
        template="plotly_white",
    )
    return figure


def plot_flow(old: Taxonomy, new: Taxonomy, *, level: int | None = None) -> go.Figure:
    """Draw where the values of one tree are in another, as a Sankey diagram.

    Parameters
    ----------
    old, new : Taxonomy
        Two versions, or any two trees that share strings: values are the same where a spelling is.
    level : int, optional
        Of both trees; the top of each by default.

    Returns
    -------
    plotly.graph_objects.Figure
        A band is as wide as the number of values. Values that only one tree has come from "new" or go to "gone".

    Raises
    ------
    TaxonomyError
        If plotly is not installed, or a tree has no such level above the values.
    """
    for name, tree in (("old", old), ("new", new)):
        check_type(tree, Taxonomy, name, "give a Taxonomy, as taxonomy.read returns it")
    _need_plotly()
    import plotly.graph_objects as go

    flows = _flows(old, new, level)
    lefts, rights = (sorted({pair[side] for pair in flows}, key=_last_ghost) for side in (0, 1))
    ends = [*_ends(old, lefts, "new"), *_ends(new, rights, "gone")]
    source, target = {id: row for row, id in enumerate(lefts)}, {id: len(lefts) + row for row, id in enumerate(rights)}
    links = sorted((source[left], target[right], count) for (left, right), count in flows.items())
    figure = go.Figure(
        go.Sankey(
            node={
                "label": [name for name, _ in ends],
                "color": [colour for _, colour in ends],
                "pad": 14,
                "thickness": 16,
                "line": {"width": 0},
                "hovertemplate": "%{label}: %{value} values<extra></extra>",
            },
            link={
                "source": [left for left, _, _ in links],
                "target": [right for _, right, _ in links],
                "value": [count for _, _, count in links],
                "color": [_mixed(ends[left][1], 0.45) for left, _, _ in links],
                "hovertemplate": "%{source.label} to %{target.label}: %{value} values<extra></extra>",
            },
            valueformat=",",
        )
    )
    rows = max(len(lefts), len(rights))
    text = f"{old.title or old.id} {old.version}, and where its values are in {new.title or new.id} {new.version}"
    return figure.update_layout(
        title={"text": _text(text), "x": 0.01},
        margin={"t": 48, "l": 8, "r": 8, "b": 16},
        height=max(420, 90 + 26 * rows),
    )


def _need_plotly() -> None:
    if find_spec("plotly") is None:
        remedy = "run: pip install 'value-taxonomy[explore]'"
        raise TaxonomyError("plots need plotly, which is not installed", remedy=remedy)


def _treemap(tree: Taxonomy) -> go.Figure:
    import plotly.graph_objects as go

    return go.Figure(go.Treemap(**_on_two_lines(_nested(tree)), tiling={"pad": 1}, pathbar={"thickness": 22}))


def _icicle(tree: Taxonomy) -> go.Figure:
    import plotly.graph_objects as go

    return go.Figure(go.Icicle(**_nested(tree), tiling={"orientation": "h"}))


def _sunburst(tree: Taxonomy) -> go.Figure:
    import plotly.graph_objects as go

    nested = _on_two_lines(_nested(tree))
    # The title of the figure names the root, and would not fit in its circle.
    nested["labels"][0] = ""
    return go.Figure(go.Sunburst(**nested))


def _on_two_lines(nested: dict[str, Any]) -> dict[str, Any]:
    """Return it with long labels on two short lines, which fit an area or a ring in a larger type."""
    return nested | {"labels": [label.replace(" and ", "<br>and ") for label in nested["labels"]]}


def _nested(tree: Taxonomy) -> dict[str, Any]:
    """Return what the nested drawings share: every node with its parent, sized by the weight of its values."""
    number = {node.id: str(index) for index, node in enumerate(tree.nodes)}
    weighs = any(node.weight for node in tree.nodes)
    sizes = [0.0] + [(node.weight if weighs else 1.0) if node.level == 0 else 0.0 for node in tree.nodes]
    shade, top = _colours(tree), len(tree.levels) - 1
    return {
        "ids": ["root", *number.values()],
        "parents": ["", *("root" if node.parent is None else number[node.parent] for node in tree.nodes)],
        "labels": [_text(tree.title or tree.id), *(_text(node.label) for node in tree.nodes)],
        # Values alone have a size and plotly adds up, so that rounding can't make children outgrow their parent.
        "values": sizes,
        "branchvalues": "remainder",
        "customdata": [["", ""], *([_about(tree, node), _text(node.id)] for node in tree.nodes)],
        "hovertemplate": "<b>%{label}</b><br>%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
        "marker": {
            "colors": [
                "#f2f0ea",
                *(_mixed(shade[tree.top_ids[node.id]], 0.8 ** (top - node.level)) for node in tree.nodes),
            ],
            "line": {"width": 1, "color": "white"},
        },
        "maxdepth": _DEPTH + 1,
    }


def _map(tree: Taxonomy) -> go.Figure:
    import plotly.graph_objects as go

    from taxonomy.quality.vectors import embed_tree
    from taxonomy.views.layout import lay_out

    points = lay_out(embed_tree(tree, labels=False).values)
    colours = _colours(tree)
    values = tree.leaves
    tops = np.array([tree.top_ids[node.id] for node in values])
    figure = go.Figure()
    for top in tree.top:
        rows = np.flatnonzero(tops == top.id)
        figure.add_scattergl(
            x=points[rows, 0],
            y=points[rows, 1],
            mode="markers",
            name=_text(top.label),
            marker={"color": colours[top.id], "size": 5, "opacity": 0.75},
            customdata=[[_text(values[row].label), _about(tree, values[row])] for row in rows],
            hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
        )
    for x, y, name in _names_on_map(tree, points):
        figure.add_annotation(
            x=x, y=y, text=name, showarrow=False, font={"size": 11, "color": "#22201c"}, bgcolor="rgba(255,255,255,.72)"
        )
    hidden = {"visible": False}
    return figure.update_layout(
        xaxis=hidden, yaxis={**hidden, "scaleanchor": "x"}, legend={"orientation": "h", "y": 1.02, "x": 0}
    )


def _flows(old: Taxonomy, new: Taxonomy, level: int | None) -> Counter[tuple[str | None, str | None]]:
    """Count values by the ids of their nodes in both trees, None where they are in one alone."""
    homes_old, homes_new = _homes(old, level), _homes(new, level)
    twins = values_by_spelling(new.leaves)
    flows: Counter[tuple[str | None, str | None]] = Counter()
    met = set()
    for value in old.leaves:
        found = (twins.find(name) for name in (value.label, *value.aliases))
        there = next((twin.id for twin in found if twin is not None), None)
        flows[homes_old[value.id], None if there is None else homes_new[there]] += 1
        met.add(there)
    flows.update((None, home) for id, home in homes_new.items() if id not in met)
    return flows


def _homes(tree: Taxonomy, level: int | None) -> dict[str, str]:
    """Return the id of the node on a level that each value is under."""
    top = len(tree.levels) - 1
    if level is not None and not 0 < level <= top:
        raise TaxonomyError(f"`level` is {level}", remedy=f"give one from 1 to {top}, the levels of {tree!r}")
    return {value.id: tree.path(value)[top - (top if level is None else level)].id for value in tree.leaves}


def _last_ghost(id: str | None) -> tuple[bool, str]:
    return id is None, id or ""


def _ends(tree: Taxonomy, ids: Iterable[str | None], ghost: str) -> list[tuple[str, str]]:
    """Return name and colour of the ends of a flow."""
    colours = _colours(tree)
    return [(ghost, _GREY) if id is None else (_text(tree.node(id).label), colours[tree.top_ids[id]]) for id in ids]


def _names_on_map(tree: Taxonomy, points: NDArray[np.float64]) -> Iterator[tuple[float, float, str]]:
    """Yield the names of the finest level that has few enough, amid their values; the heavier of two in one place."""
    level = next((level.level for level in tree.levels[1:] if level.size <= _MOST_NAMES), len(tree.levels))
    row = {value.id: index for index, value in enumerate(tree.leaves)}
    taken: list[tuple[float, float, float]] = []
    for node in sorted(tree.nodes, key=lambda node: (-node.share, node.label)):
        rows = [row[value.id] for value in tree.values(node)] if node.level == level else []
        if rows:
            x, y = np.median(points[rows], axis=0).tolist()
            half = LETTER * len(node.label) / 2
            if all(abs(x - other) > half + width or abs(y - height) > LINE for other, height, width in taken):
                taken.append((x, y, half))
                yield x, y, _text(node.label)


def _about(tree: Taxonomy, node: Node) -> str:
    count = f"{count_of(len(tree.values(node)), 'value')}, " if node.level else ""
    above = " > ".join(step.label for step in tree.path(node)[:-1])
    return f"{_text(above)}<br>{count}{node.share:.2%}" if above else f"{count}{node.share:.2%}"


def _colours(tree: Taxonomy) -> dict[str, str]:
    """Return the colour of each node of the top, the same from plot to plot."""
    return {node.id: _COLOURS[index % len(_COLOURS)] for index, node in enumerate(tree.top)}


def _mixed(colour: str, part: float) -> str:
    """Return so much of a colour on white."""
    channels = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 - part * (255 - channel)):02x}" for channel in channels)


def _text(text: str) -> str:
    """Return text that plotly shows as it is: no tag, no formula, nothing that steers."""
    return escape(plain(text), quote=False).replace("$", "&#36;")
