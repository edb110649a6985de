"""How many names are refused as unlike their members: those of the references, with their own members and others'.

Prints a table; see docs/language-models.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from taxonomy.labels.likeness import Likeness
from taxonomy.model import Taxonomy
from taxonomy.model.draft import Draft
from taxonomy.quality.vectors import embed_tree, tree_encoder
from tests.benchmarks.references import REFERENCES

# About no value; each in words that MiniLM knows.
ELSEWHERE = (
    "Chocolate cake recipe",
    "Cheap flights today",
    "Train timetable changes",
    "Printer driver update",
    "Weather in winter",
    "Football match results",
    "Kitchen table legs",
    "Stupid ugly people",
    "Monthly rent payment",
    "Used car parts",
    "System prompt text",
    "Random number table",
)


def likeness_of(tree: Taxonomy) -> Likeness:
    encoder = tree_encoder(tree)
    return Likeness(Draft(tree.nodes), embed_tree(tree, labels=False).values, encoder)


def rows() -> Iterator[tuple[str, int, int, float, float, float]]:
    """Yield for each level of each reference what share of names is refused: their own, others', those elsewhere."""
    for name, reference in REFERENCES.items():
        tree = reference.read()
        likeness = likeness_of(tree)
        for level in (1, 2):
            nodes = [node for node in tree.nodes if node.level == level]
            labels = [node.label for node in nodes]
            likeness.look_at([*labels, *ELSEWHERE])
            own = [not likeness.resembles(node.label, node.id) for node in nodes]
            others = [not likeness.resembles(labels[row - 1], node.id) for row, node in enumerate(nodes)]
            away = [not likeness.resembles(text, node.id) for node in nodes for text in ELSEWHERE]
            yield name, level, len(nodes), *(sum(one) / len(one) for one in (own, others, away))


def main() -> None:
    """Print the table."""
    if not REFERENCES:
        sys.exit("No reference lies beside the checkout")
    print("| tree | level | names | own members | members of another node | about no value |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, level, count, *shares in rows():
        print(f"| {name} | {level} | {count} | {' | '.join(f'{share:.0%}' for share in shares)} |")


if __name__ == "__main__":
    main()
