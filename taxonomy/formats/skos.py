"""SKOS as Turtle, RDF/XML and JSON-LD, written by rdflib.

A node is a `skos:Concept`, its id is its `skos:notation`; figures that SKOS has no word for are properties in the
namespace `TERMS`. A retired node is a concept with `owl:deprecated` and without a place in the hierarchy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote

import rdflib
from rdflib.namespace import DCTERMS, OWL, RDF, RDFS, SKOS

from taxonomy.errors import TaxonomyError
from taxonomy.formats.xml import xml_text
from taxonomy.model import Node, Taxonomy

Form = Literal["turtle", "xml", "json-ld"]

TERMS = rdflib.Namespace("urn:value-taxonomy:terms#")
_PREFIXES = {"dcterms": DCTERMS, "owl": OWL, "rdf": RDF, "rdfs": RDFS, "skos": SKOS, "term": TERMS}
_BASE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*[/#:]")


class _Text(rdflib.Literal):
    """A string that is written to Turtle with JSON's escapes, all of which Turtle has.

    rdflib leaves the closing quote unescaped in a text of several lines that ends in a backslash and a quote.
    """

    def _quote_encode(self) -> str:
        return json.dumps(str(self), ensure_ascii=False)


def taxonomy_skos(tree: Taxonomy, form: Form, *, base_iri: str | None = None, issued: date | None = None) -> bytes:
    """Return a taxonomy in SKOS.

    Parameters
    ----------
    tree : Taxonomy
    form : {"turtle", "xml", "json-ld"}
    base_iri : str, optional
        Put before each id to make its IRI, and itself the IRI of the concept scheme; ends in ``/``, ``#`` or ``:``.
        By default a urn of the taxonomy's id.
    issued : date, optional
        When this version was published.

    Raises
    ------
    TaxonomyError
        If the base is no absolute IRI.
    OutputError
        If a text has a character that XML can't hold.
    """
    base = base_iri if base_iri is not None else f"urn:value-taxonomy:{quote(tree.id, safe='')}:"
    if not _BASE.fullmatch(base):
        raise TaxonomyError(f"`base_iri` is {base!r}", remedy="give an absolute IRI that ends in /, # or :")
    graph = rdflib.Graph("SimpleMemory", bind_namespaces="none")
    for prefix, namespace in _PREFIXES.items():
        graph.bind(prefix, namespace)
    for triple in _triples(tree, base, issued):
        graph.add(triple)
    if form == "json-ld":
        context = {prefix: str(namespace) for prefix, namespace in _PREFIXES.items()}
        text = graph.serialize(format=form, context=context, sort_keys=True, ensure_ascii=False)
        return _in_order(text)
    text = graph.serialize(format=form)
    return (xml_text(text) if form == "xml" else text).encode()


def _in_order(text: str) -> bytes:
    """Sort what JSON-LD leaves in the order of a set."""
    document = json.loads(text)
    document["@graph"].sort(key=lambda concept: concept["@id"])
    for concept in document["@graph"]:
        for values in concept.values():
            if isinstance(values, list):
                values.sort(key=lambda value: json.dumps(value, sort_keys=True))
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _triples(tree: Taxonomy, base: str, issued: date | None) -> Iterator[tuple[Any, Any, Any]]:
    scheme = rdflib.URIRef(base)

    def iri(id: str) -> rdflib.URIRef:
        return rdflib.URIRef(base + quote(id, safe=":"))

    def version_iri(version: str) -> rdflib.URIRef:
        # No id has a slash once it is quoted.
        return rdflib.URIRef(f"{base}version/{quote(version)}")

    yield scheme, RDF.type, SKOS.ConceptScheme
    yield scheme, RDFS.label, _Text(tree.title or tree.id)
    yield scheme, DCTERMS.identifier, _Text(tree.id)
    if tree.title:
        yield scheme, DCTERMS.title, _Text(tree.title)
    if issued:
        yield scheme, DCTERMS.issued, rdflib.Literal(issued)
    yield scheme, OWL.versionInfo, _Text(tree.version)
    yield scheme, OWL.versionIRI, version_iri(tree.version)
    previous = (tree.provenance.previous or {}).get("version")
    if previous is not None:
        yield scheme, OWL.priorVersion, version_iri(previous)
    yield scheme, TERMS.weightUnit, _Text(tree.weight_unit)
    for node in tree.nodes:
        concept = iri(node.id)
        yield from _named(concept, scheme, node.id, node.label)
        for alias in node.aliases:
            # One text can't be both labels of one concept (S13).
            if alias != node.label:
                yield concept, SKOS.altLabel, _Text(alias)
        if node.definition:
            yield concept, SKOS.definition, _Text(node.definition)
        if node.parent is None:
            yield concept, SKOS.topConceptOf, scheme
            yield scheme, SKOS.hasTopConcept, concept
        else:
            yield concept, SKOS.broader, iri(node.parent)
            yield iri(node.parent), SKOS.narrower, concept
        if node.placement and node.placement.second_parent is not None:
            yield concept, TERMS.secondParent, iri(node.placement.second_parent)
        for name, value in _extensions(node):
            yield concept, TERMS[name], value
    for gone in tree.retired:
        concept = iri(gone.id)
        yield from _named(concept, scheme, gone.id, gone.label)
        yield concept, OWL.deprecated, rdflib.Literal(True)
        yield concept, TERMS.retiredSince, _Text(gone.since)
        if gone.level is not None:
            yield concept, TERMS.level, rdflib.Literal(gone.level)
        for other in gone.replaced_by:
            yield concept, DCTERMS.isReplacedBy, iri(other)


def _named(concept: rdflib.URIRef, scheme: rdflib.URIRef, id: str, label: str) -> Iterator[tuple[Any, Any, Any]]:
    yield concept, RDF.type, SKOS.Concept
    yield concept, SKOS.inScheme, scheme
    yield concept, SKOS.notation, _Text(id)
    yield concept, SKOS.prefLabel, _Text(label)


def _extensions(node: Node) -> Iterator[tuple[str, rdflib.Literal]]:
    yield "level", rdflib.Literal(node.level)
    yield "weight", _decimal(node.weight)
    yield "share", _decimal(node.share)
    yield "labelSource", _Text(node.label_source)
    if node.placement:
        yield "confidence", _decimal(node.placement.confidence)
    if node.stability is not None:
        yield "stability", _decimal(node.stability)
    if node.conversations:
        yield "conversations", rdflib.Literal(node.conversations.count)
        yield "conversationsTotal", rdflib.Literal(node.conversations.total)
        yield "conversationsLow", _decimal(node.conversations.low)
        yield "conversationsHigh", _decimal(node.conversations.high)
    if node.label_rank is not None:
        yield "labelRank", rdflib.Literal(node.label_rank)
    for flag in node.flags:
        yield "flag", _Text(flag)


def _decimal(figure: float) -> rdflib.Literal:
    return rdflib.Literal(Decimal(repr(figure)))
