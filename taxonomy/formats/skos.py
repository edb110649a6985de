"""Write a taxonomy in SKOS: Turtle, RDF/XML and JSON-LD.

A node is a `skos:Concept`, and its id is the `skos:notation`. Figures that SKOS has no term for are properties in the
namespace `TERMS`. A retired node is a concept with `owl:deprecated` outside the hierarchy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote

import rdflib
from rdflib.namespace import DCTERMS, OWL, RDF, RDFS, SKOS

from taxonomy.errors import TaxonomyError
from taxonomy.formats.xml import xml_text
from taxonomy.model import Node, Retired, Taxonomy
from taxonomy.model.history import describe_decision, names_by_id, sign_decision
from taxonomy.model.lookup import live_successors

Form = Literal["turtle", "xml", "json-ld"]

TERMS = rdflib.Namespace("urn:value-taxonomy:terms#")
_PREFIXES = {"dcterms": DCTERMS, "owl": OWL, "rdf": RDF, "rdfs": RDFS, "skos": SKOS, "term": TERMS}
# Subject, predicate and object.
_Triple = tuple[Any, Any, Any]
_BASE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*[/#:]")


class _Text(rdflib.Literal):
    """A string that is written to Turtle with JSON's escapes, which Turtle shares.

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
        Put before each id to make its IRI; itself the IRI of the concept scheme. Ends in ``/``, ``#`` or ``:``.
        By default a urn of the taxonomy's id.
    issued : date, optional
        When this version was published.

    Raises
    ------
    TaxonomyError
        If `base_iri` is not an absolute IRI.
    OutputError
        If a text has a character that XML can't hold.
    """
    base = base_iri if base_iri is not None else f"urn:value-taxonomy:{quote(tree.id, safe='')}:"
    if not _BASE.fullmatch(base):
        raise TaxonomyError(f"`base_iri` is {base!r}", remedy="give an absolute IRI that ends in /, # or :")
    graph = rdflib.Graph("SimpleMemory", bind_namespaces="none")
    for prefix, namespace in _PREFIXES.items():
        graph.bind(prefix, namespace)
    for triple in _Graph(base).of_taxonomy(tree, issued):
        graph.add(triple)
    if form == "json-ld":
        context = {prefix: str(namespace) for prefix, namespace in _PREFIXES.items()}
        text = graph.serialize(format=form, context=context, sort_keys=True, ensure_ascii=False)
        return _in_order(text)
    text = graph.serialize(format=form)
    return (xml_text(text) if form == "xml" else text).encode()


def _in_order(text: str) -> bytes:
    """Sort JSON-LD, which rdflib writes in the order of a set."""
    document = json.loads(text)
    document["@graph"].sort(key=lambda concept: concept["@id"])
    for concept in document["@graph"]:
        for values in concept.values():
            if isinstance(values, list):
                values.sort(key=lambda value: json.dumps(value, sort_keys=True))
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


class _Graph:
    """The triples of a taxonomy in SKOS.

    Parameters
    ----------
    base : str
        Put before each id; itself the IRI of the concept scheme.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.scheme = rdflib.URIRef(base)

    def iri(self, id: str) -> rdflib.URIRef:
        return rdflib.URIRef(self.base + quote(id, safe=":"))

    def version_iri(self, version: str) -> rdflib.URIRef:
        # A quoted id has no slash, so no concept has such an IRI.
        return rdflib.URIRef(f"{self.base}version/{quote(version)}")

    def of_taxonomy(self, tree: Taxonomy, issued: date | None) -> Iterator[_Triple]:
        yield from self.of_scheme(tree, issued)
        name = names_by_id(tree.nodes, tree.retired)
        for node in tree.nodes:
            yield from self.of_node(node)
            yield from self.of_history(node, name)
        retired = {entry.id: entry for entry in tree.retired}
        present = {node.id for node in tree.nodes}
        for entry in tree.retired:
            yield from self.of_retired(entry, live_successors(entry.id, retired, present))
            yield from self.of_history(entry, name)

    def of_scheme(self, tree: Taxonomy, issued: date | None) -> Iterator[_Triple]:
        yield self.scheme, RDF.type, SKOS.ConceptScheme
        yield self.scheme, RDFS.label, _Text(tree.title or tree.id)
        yield self.scheme, DCTERMS.identifier, _Text(tree.id)
        if tree.title:
            yield self.scheme, DCTERMS.title, _Text(tree.title)
        if issued:
            yield self.scheme, DCTERMS.issued, rdflib.Literal(issued)
        yield self.scheme, OWL.versionInfo, _Text(tree.version)
        yield self.scheme, OWL.versionIRI, self.version_iri(tree.version)
        previous = (tree.provenance.previous or {}).get("version")
        if previous is not None:
            yield self.scheme, OWL.priorVersion, self.version_iri(previous)
        yield self.scheme, TERMS.weightUnit, _Text(tree.weight_unit)

    def of_node(self, node: Node) -> Iterator[_Triple]:
        concept = self.iri(node.id)
        yield from self.of_concept(concept, node.id, node.label)
        for alias in node.aliases:
            # A concept must not have one text as both labels (SKOS S13).
            if alias != node.label:
                yield concept, SKOS.altLabel, _Text(alias)
        if node.definition:
            yield concept, SKOS.definition, _Text(node.definition)
        if node.parent is None:
            yield concept, SKOS.topConceptOf, self.scheme
            yield self.scheme, SKOS.hasTopConcept, concept
        else:
            yield concept, SKOS.broader, self.iri(node.parent)
            yield self.iri(node.parent), SKOS.narrower, concept
        if node.placement and node.placement.second_parent is not None:
            yield concept, TERMS.secondParent, self.iri(node.placement.second_parent)
        for name, value in _extensions(node):
            yield concept, TERMS[name], value

    def of_history(self, entry: Node | Retired, name: Callable[[str], str]) -> Iterator[_Triple]:
        concept = self.iri(entry.id)
        if entry.history:
            # Notes are for people; this is what is read again.
            fields = [decision.model_dump() for decision in entry.history]
            yield concept, TERMS.history, _Text(json.dumps(fields, ensure_ascii=False))
        for decision in entry.history:
            said = f"{decision.version}: {describe_decision(decision, entry.id, name)}"
            signed = sign_decision(decision)
            signature = f" ({signed})" if signed else ""
            yield concept, SKOS.changeNote, _Text(said + signature)
            if decision.note:
                yield concept, SKOS.editorialNote, _Text(decision.note + signature)
        days = [decision.date for decision in entry.history if decision.date]
        if days:
            yield concept, DCTERMS.modified, rdflib.Literal(date.fromisoformat(max(days)))

    def of_retired(self, entry: Retired, successors: Iterable[str]) -> Iterator[_Triple]:
        concept = self.iri(entry.id)
        yield from self.of_concept(concept, entry.id, entry.label)
        yield concept, OWL.deprecated, rdflib.Literal(True)
        yield concept, TERMS.retiredSince, _Text(entry.since)
        if entry.level is not None:
            yield concept, TERMS.level, rdflib.Literal(entry.level)
        for successor in successors:
            yield concept, DCTERMS.isReplacedBy, self.iri(successor)

    def of_concept(self, concept: rdflib.URIRef, id: str, label: str) -> Iterator[_Triple]:
        yield concept, RDF.type, SKOS.Concept
        yield concept, SKOS.inScheme, self.scheme
        yield concept, SKOS.notation, _Text(id)
        yield concept, SKOS.prefLabel, _Text(label)


def _extensions(node: Node) -> Iterator[tuple[str, rdflib.Literal]]:
    yield "level", rdflib.Literal(node.level)
    yield "weight", _decimal(node.weight)
    yield "share", _decimal(node.share)
    yield "labelSource", _Text(node.label_source)
    yield from _figures(node)
    if node.definition_source is not None:
        yield "definitionSource", _Text(node.definition_source)
    if node.absent_since is not None:
        yield "absentSince", _Text(node.absent_since)
        yield "absences", rdflib.Literal(node.absences)
    if node.reviewed:
        yield "reviewed", rdflib.Literal(True)
    if node.polarity != "value":
        yield "polarity", _Text(node.polarity)
    for flag in node.flags:
        yield "flag", _Text(flag)


def _figures(node: Node) -> Iterator[tuple[str, rdflib.Literal]]:
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
    if node.label_fit is not None:
        yield "labelCovered", _decimal(node.label_fit.covered)
        yield "labelMargin", _decimal(node.label_fit.margin)


def _decimal(figure: float) -> rdflib.Literal:
    return rdflib.Literal(Decimal(repr(figure)))
