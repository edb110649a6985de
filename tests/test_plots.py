"""A taxonomy in a notebook: its outline, its pictures, its names in tab completion."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import taxonomy
from taxonomy.errors import TaxonomyError
from taxonomy.model import Node, Taxonomy
from taxonomy.values import ValueSet
from tests.trees import NASTY, full_tree, make_tree, nasty_trees

go = pytest.importorskip("plotly.graph_objects", reason="the extra explore is not installed")

from taxonomy.views.plots import plot_flow  # noqa: E402

HOSTILE = ["<script>alert(1)</script>", "</script>", "<b>bold</b>", "$x$ and $y$", "a &amp; b", "%{label}", "=cmd()"]
NESTED = ["treemap", "icicle", "sunburst"]


def tree_of(labels: list[str]) -> Taxonomy:
    return make_tree(labels, [number % 2 for number in range(len(labels))], [0, 0], names=[["One", "Two"], ["All"]])


class Reader(HTMLParser):
    """Collects tags and text, and sees that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


# -- the outline -----------------------------------------------------------------------------------------------


def test_the_outline_lists_every_node_of_a_small_tree() -> None:
    tree = full_tree()
    reader = read(tree._repr_html_())
    for node in tree.nodes:
        assert node.label in reader.text
    assert reader.tags.count("details") == sum(node.level > 0 for node in tree.nodes)
    assert "A full tree" in reader.text
    assert "3 words" in reader.text
    assert "doubtful, thin" in reader.text


@settings(max_examples=30)
@given(nasty_trees(controls=True))
def test_the_outline_escapes_everything(tree: Taxonomy) -> None:
    assert set(read(tree._repr_html_()).tags) <= {"style", "div", "b", "bdi", "small", "details", "summary", "span"}


def test_the_outline_shows_hostile_labels_as_text() -> None:
    text = read(tree_of(HOSTILE)._repr_html_()).text
    assert all(label in text for label in HOSTILE)


@pytest.mark.parametrize(("n_values", "n_clusters"), [(3_300, 266), (20_000, 2_000), (5_000, 1), (3_000, 1_500)])
def test_the_outline_is_bounded_and_counts_what_it_leaves_out(n_values: int, n_clusters: int) -> None:
    labels = [
        f"value number {number} with a name that is long" * (1 + 20 * (number % 5 == 0)) for number in range(n_values)
    ]
    groups = min(26, n_clusters)
    tree = make_tree(
        labels,
        [number % n_clusters for number in range(n_values)],
        [number % groups for number in range(n_clusters)],
        [number % 5 for number in range(groups)] if groups >= 5 else [0] * groups,
    )
    html = tree._repr_html_()
    assert len(html) < 1_500_000
    reader = read(html)
    assert f"{n_values:,} values" in reader.text
    if n_values // n_clusters > 25:
        assert f"and {n_values // n_clusters - 25:,} more values" in reader.text


def test_a_tree_of_values_and_domains_has_an_outline_too() -> None:
    reader = read(make_tree(["one", "two", "three"], [0, 0, 1])._repr_html_())
    assert all(label in reader.text for label in ("one", "two", "three", "n1x0"))


# -- pictures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", NESTED)
def test_a_nested_plot_holds_every_node_below_its_parent_and_sizes_by_weight(kind: str) -> None:
    tree = full_tree()
    (trace,) = tree.plot(kind).data
    assert trace.type == kind
    below = dict(zip(trace.ids, trace.parents, strict=True))
    sizes = dict(zip(trace.ids, trace["values"], strict=True))
    shown = [about[1] for about in trace.customdata]
    assert shown == ["", *(node.id for node in tree.nodes)]
    id_of = dict(zip(trace.ids, shown, strict=True))
    for id, parent in below.items():
        if id != "root":
            assert id_of[parent] == (tree.node(id_of[id]).parent or "")
            node = tree.node(id_of[id])
            assert sizes[id] == (node.weight if node.level == 0 else 0)


def test_a_tree_without_weights_is_sized_by_its_number_of_values() -> None:
    tree = make_tree(["one", "two", "three"], [0, 0, 1])
    weightless = [node.model_copy(update={"weight": 0.0, "share": 0.0}) for node in tree.nodes]
    (trace,) = Taxonomy.from_nodes(weightless, id="x", weight_unit="mentions").plot("treemap").data
    assert sum(trace["values"]) == 3


@pytest.mark.parametrize("kind", NESTED)
def test_a_plot_shows_labels_as_text(kind: str) -> None:
    figure = tree_of([*HOSTILE, *NASTY]).plot(kind)
    texts = "".join(figure.data[0].labels).replace("<br>and ", " and ")
    assert not re.search(r"[<>$]", texts)
    html = figure.to_html(include_plotlyjs=False)
    assert "alert(1)" in html
    assert "<script>alert" not in html


def test_the_same_tree_gives_the_same_figure() -> None:
    assert full_tree().plot("treemap").to_json() == full_tree().plot("treemap").to_json()


def test_a_map_has_a_point_for_each_value(small_build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The layout has tests of its own, and takes seconds.
    monkeypatch.setattr("taxonomy.views.layout.lay_out", lambda vectors: vectors[:, :2].astype(np.float64))
    tree = taxonomy.load(small_build / "taxonomy.json")
    figure = tree.plot("map")
    assert [trace.name for trace in figure.data] == [node.label for node in tree.top]
    assert [len(trace.x) for trace in figure.data] == [len(tree.values(node)) for node in tree.top]
    named = {about[0] for trace in figure.data for about in trace.customdata}
    assert named == {node.label for node in tree.nodes if node.level == 0}


def test_a_flow_counts_every_value_once() -> None:
    old = make_tree(["a b", "c", "d", "e"], [0, 0, 1, 1], [0, 1], names=[["one", "two"], ["X", "Y"]])
    new = make_tree(["A-b", "c", "d", "f"], [0, 1, 1, 1], [0, 1], names=[["one", "two"], ["X", "Y"]])
    (trace,) = plot_flow(old, new).data
    names = trace.node.label
    flows = {
        (names[source], names[target]): count
        for source, target, count in zip(trace.link.source, trace.link.target, trace.link.value, strict=True)
    }
    assert flows == {("X", "X"): 1, ("X", "Y"): 1, ("Y", "Y"): 1, ("Y", "gone"): 1, ("new", "Y"): 1}
    assert len(plot_flow(old, new, level=1).data[0].link.value) == 5


def test_what_can_not_be_drawn_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = full_tree()
    with pytest.raises(TaxonomyError, match="`kind` is 'pie'; choose one of treemap, icicle, sunburst, map"):
        tree.plot("pie")  # type: ignore[arg-type]
    with pytest.raises(TaxonomyError, match="`level` is 0; give one from 1 to 2"):
        plot_flow(tree, tree, level=0)
    monkeypatch.setattr("taxonomy.views.plots.find_spec", lambda name: None)
    with pytest.raises(TaxonomyError, match=r"pip install 'value-taxonomy\[explore\]'"):
        tree.plot()


# -- names -----------------------------------------------------------------------------------------------------


def test_tab_completion_lists_what_is_ours_with_a_docstring() -> None:
    tree = full_tree()
    for one in (tree, tree.nodes[0]):
        kind = type(one)
        for name in (name for name in dir(one) if not name.startswith("_")):
            told = name in kind.model_fields or bool(getattr(kind, name).__doc__)
            assert told, f"{kind.__name__}.{name}"
    public = {"children", "node", "parent", "path", "plot", "write", "to_frame", "to_json", "top", "values", "nodes"}
    assert public <= set(dir(tree))
    assert not [name for name in dir(tree) if name.startswith("model_")]
    assert all(getattr(taxonomy, name).__doc__ for name in taxonomy.__all__)


def test_reprs_say_what_a_thing_is_in_one_line() -> None:
    node = Node(id="vt:1", level=0, label="calm", slug="calm", share=0.0123, flags=("doubtful",))
    assert repr(node) == "Node('calm', level=0, share=1.23%, flags='doubtful', id='vt:1')"
    assert repr(full_tree()) == "Taxonomy('full', version='2.1.0', levels=1 / 2 / 3)"
    values = ValueSet.from_records([("honesty", 2), ("Honesty", 1), ("n/a", 1), ("calm", 1)])
    assert repr(values) == ("ValueSet(2 values of 4 rows: 1 alias, 0 repeats, 1 rejected; weights are mentions)")


@pytest.mark.parametrize("kind", NESTED)
def test_an_empty_domain_can_be_drawn(kind: str) -> None:
    tree = make_tree(["one", "two"], [0, 0])
    empty = Node(id="e", level=1, label="Empty", slug="empty", flags=("empty",))
    both = Taxonomy.from_nodes([*tree.nodes, empty], id="x", weight_unit="strings")
    assert "Empty" in both.plot(kind).data[0].labels  # type: ignore[arg-type]
    assert "Empty" in both._repr_html_()
