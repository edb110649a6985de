"""Pages for tests: invented trees, and what a page holds."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import numpy as np

from taxonomy.model import Taxonomy
from taxonomy.quality.vectors import TreeVectors
from taxonomy.views.page import taxonomy_page
from tests.trees import make_tree

# Strings that would be markup, a formula or an address, were they not text.
MARKUP = (
    "<script>alert(1)</script>",
    "</script>",
    "<!--",
    "=cmd()",
    "{{data}}",
    '" onclick="alert(1)',
    "a & b &amp; c",
)


class Parts(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.raw: list[tuple[str, dict[str, str | None], str]] = []
        self.policy = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        if tag in ("script", "style"):
            self.raw.append((tag, given, ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            tag, given, text = self.raw[-1]
            self.raw[-1] = (tag, given, text + data)

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(next(text for _, given, text in self.raw if given.get("type") == "application/json"))


def invented(n: int, *, sizes: tuple[int, int, int] = (40, 8, 3), seed: int = 0) -> Taxonomy:
    """Make a tree of invented values; the weights fall as those of words do."""
    random = np.random.default_rng(seed)
    starts = ("quiet", "patient", "bold", "careful", "shared", "honest", "playful", "steady", "open", "thrifty")
    labels = [f"{starts[i % 10]} virtue {i}" for i in range(n)]
    labels[: len(MARKUP)] = MARKUP
    labels[20] = "mellow transparency"
    levels = []
    below = n
    for size in sizes:
        levels.append(np.concatenate([np.arange(size), random.integers(0, size, below - size)]).tolist())
        below = size
    tree = make_tree(labels, *levels)
    weights = {node.id: round(100 / (1 + i), 6) for i, node in enumerate(n for n in tree.nodes if n.level == 0)}
    total = sum(weights.values())
    nodes = []
    for node in tree.nodes:
        weight = sum(weights[value.id] for value in tree.values(node))
        update: dict[str, Any] = {"weight": round(weight, 6), "share": round(weight / total, 6)}
        if node.label == "mellow transparency":
            update |= {"aliases": ("glassiness",), "definition": "Letting others see how things were done."}
        nodes.append(node.model_copy(update=update))
    return Taxonomy.from_nodes(nodes, id="invented", title="Invented values", weight_unit="mentions")


def unit(n: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    vectors = np.random.default_rng(seed).normal(size=(n, 12)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def page_of(tree: Taxonomy, **options: Any) -> str:
    n_values = tree.levels[0].size
    points = np.round(np.random.default_rng(1).uniform(-1, 1, size=(n_values, 2)), 6)
    vectors = TreeVectors(unit(n_values), unit(len(tree.nodes) - n_values, seed=2))
    return taxonomy_page(tree, vectors=vectors, points=points, **options)


TREE = invented(600)
VALUE = TREE.node("mellow transparency")
