"""What others say to a taxonomy in SKOS: the integrity conditions as SHACL shapes, and Skosify."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path

import pyshacl
import pytest
import rdflib
import skosify

from taxonomy.model import Taxonomy

SHAPES = Path(__file__).with_name("skos.shacl.ttl")


@cache
def shapes() -> rdflib.Graph:
    return rdflib.Graph().parse(SHAPES)


def violated(graph: rdflib.Graph) -> set[str]:
    """Return the names of the shapes that a graph violates."""
    _, report, _ = pyshacl.validate(graph, shacl_graph=shapes())
    shape = rdflib.URIRef("http://www.w3.org/ns/shacl#sourceShape")
    found = set()
    for source in report.objects(None, shape):
        # A shape without a name is a part of the one that has it.
        while isinstance(source, rdflib.BNode):
            source = next(iter(shapes().subjects(None, source)))
        found.add(str(source).rpartition("#")[2])
    return found


def check_graph(graph: rdflib.Graph, caplog: pytest.LogCaptureFixture) -> None:
    """Check that SHACL finds the conditions of SKOS met, and that Skosify warns of nothing."""
    assert violated(graph) == set()
    with caplog.at_level(logging.WARNING):
        skosify.skosify(graph)
    assert caplog.messages == []


def domain_of(tree: Taxonomy) -> Taxonomy:
    """Return the domain of the fewest nodes as a taxonomy."""
    nodes = [[node for node in tree.nodes if top in tree.path(node)] for top in tree.top]
    return Taxonomy.from_nodes(min(nodes, key=len), id=tree.id, weight_unit=tree.weight_unit)
