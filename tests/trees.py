"""Small trees for tests, and a strategy that draws them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from taxonomy.model import (
    Conversations,
    Decision,
    InputProvenance,
    LabelFit,
    ModelProvenance,
    Node,
    Placement,
    Provenance,
    Retired,
    Taxonomy,
    slugify,
)

# What breaks a writer that escapes too little, or too much.
NASTY = (
    "'\"",
    'three """ quotes',
    "back\\slash, at the end \\",
    'a line\nand \\"',
    "=1+1",
    "'=quoted",
    "+plus",
    "-minus",
    "@at",
    "comma, semicolon; tab\tand bar |",
    "line\nfeed",
    "carriage\rreturn",
    "both\r\n",
    " spaces around ",
    "<b>&amp;]]></b><!--",
    "{}[]()#*_`~$",
    "\U0001f9d1\U0001f3fd\u200d\U0001f91d\u200d\U0001f9d1",
    "\u05d9\u05d5\u05e9\u05e8 \u0627\u0644\u0635\u062f\u0642",
    "\u202eright to left\u202c",
    "e\u0301 and \u00e9",
    "\u2028 separator",
    "null",
    "0",
    "vt:0",
    "https://example.org/?a=b&c=d#e",
)


def make_tree(labels: Sequence[str], *levels: Sequence[int], names: Sequence[Sequence[str]] = ()) -> Taxonomy:
    """Make a tree of values; `levels` say, finest first, the parent of each node below, numbered from 0."""
    nodes = []
    below = list(labels)
    for level, parents in enumerate([*levels, None]):
        for index, label in enumerate(below):
            parent = None if parents is None else f"{level + 1}:{parents[index]}"
            leaves = _leaves(levels, level, index)
            nodes.append(
                Node(
                    id=f"{level}:{index}",
                    level=level,
                    label=label,
                    slug=slugify(label),
                    parent=parent,
                    weight=float(leaves),
                    share=round(leaves / len(labels), 6),
                )
            )
        if parents is not None:
            count = max(parents) + 1
            below = list(names[level]) if names else [f"n{level + 1}x{number}" for number in range(count)]
    return Taxonomy.from_nodes(nodes, id="test", weight_unit="strings")


def _leaves(levels: Sequence[Sequence[int]], level: int, index: int) -> int:
    nodes = np.arange(len(levels[0])) if levels else np.arange(1)
    for parents in levels[:level]:
        nodes = np.asarray(parents)[nodes]
    return int((nodes == index).sum()) if level else 1


@st.composite
def trees(draw: st.DrawFn, labels: Sequence[str]) -> Taxonomy:
    """Draw a tree of two or three levels above the labels."""
    levels = []
    n = len(labels)
    for most in draw(st.sampled_from([(12, 3), (8, 4, 2)])):
        drawn = draw(st.lists(st.integers(0, most - 1), min_size=n, max_size=n))
        # Numbered anew without a gap, so that no node is without children.
        levels.append(np.unique(drawn, return_inverse=True)[1].tolist())
        n = max(levels[-1]) + 1
    return make_tree(labels, *levels)


def nasty_texts(*, controls: bool) -> st.SearchStrategy[str]:
    """Draw texts that are not blank; with `controls`, those that XML and CSV cannot hold, too."""
    characters = st.characters(
        exclude_categories=["Cs"] if controls else ["Cs", "Cc"], exclude_characters="\ufffe\uffff"
    )
    drawn = st.text(characters | st.sampled_from("\t\n\r\"'\\<&,="), min_size=1, max_size=12)
    return (st.sampled_from(NASTY) | drawn).filter(lambda text: text.strip() != "")


@st.composite
def nasty_trees(draw: st.DrawFn, *, controls: bool) -> Taxonomy:
    """Draw a tree whose ids, labels, definitions and aliases are nasty."""
    texts = nasty_texts(controls=controls)
    names = draw(st.lists(texts, min_size=6, max_size=24, unique=True))
    half = len(names) // 2
    tree = draw(trees(names[:half]))
    ids = dict(zip((node.id for node in tree.nodes), draw(st.permutations(names)), strict=False))
    aliases = iter(names[half:])
    nodes = []
    for node in tree.nodes:
        update = {
            "id": ids.get(node.id, node.id),
            "parent": ids.get(node.parent, node.parent) if node.parent else None,
            "definition": draw(texts | st.just("")),
            "aliases": tuple(sorted({next(aliases)})) if node.level == 0 else (),
        }
        nodes.append(node.model_copy(update=update))
    return Taxonomy.from_nodes(nodes, id=draw(texts), title=draw(texts | st.just("")), weight_unit="strings")


DECIDED = Decision(
    action="merge", node="1:8", to="1:0", note="one idea", author="kim", date="2026-01-31", version="1.1.0"
)


def full_tree() -> Taxonomy:
    """Make a tree in which no field is what a reader would take for granted."""
    tree = make_tree(["courage", "calm", "thrift"], [0, 0, 1], [0, 0], names=[["Inner strength", "Means"], ["Life"]])
    nodes = [
        node.model_copy(
            update={
                "slug": f"the-{node.slug}",
                "definition": f"What {node.label} is.",
                "aliases": (f"{node.label} itself", f"{node.label}, too"),
                "weight": 2.5 * node.weight,
                "conversations": Conversations(count=7, total=90, low=0.03, high=0.15),
                "placement": Placement(confidence=0.625, second_parent="1:1") if node.parent else None,
                "stability": 0.75,
                "label_source": "human",
                "label_rank": 3,
                "label_fit": LabelFit(covered=0.75, margin=-0.125),
                "flags": ("doubtful", "thin"),
                "definition_source": "llm",
                "absent_since": "2.0.0",
                "absences": 2,
                "reviewed": True,
                "history": (DECIDED,),
                "polarity": "opposition",
            }
        )
        for node in tree.nodes
    ]
    return Taxonomy.from_nodes(
        nodes,
        id="full",
        title="A full tree",
        weight_unit="pct_convos",
        version="2.1.0",
        level_names=["word", "bundle", "field"],
        provenance=Provenance(
            input=InputProvenance(sha256="0" * 64, strings=6, mentions=7.5),
            model=ModelProvenance(name="tiny", sha256="1" * 64, dimension=4),
            method="ward",
            parameters={"levels": [2]},
            seed=7,
            labeller="keyphrase",
            software={"numpy": "2.0"},
            previous={"version": "2.0.0", "digest": f"sha256:{2:064}"},
        ),
        retired=(
            Retired(id="0:7", level=0, label="prudence", since="2.0.0", replaced_by=("0:1", "0:2")),
            Retired(id="1:8", level=1, label="zeal", since="1.1.0", history=(DECIDED,)),
        ),
    )


FOUR_VALUES = make_tree(
    ["honesty", "order", "skill", "tact"], [0, 1, 1, 0], [0, 1], names=[["A", "B"], ["Social", "Practical"]]
)
