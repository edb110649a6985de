"""Read a taxonomy from SKOS, written by this package or by other tools."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args
from urllib.parse import unquote

import rdflib
from pydantic import TypeAdapter
from rdflib.namespace import DCTERMS, OWL, RDF, SKOS
from rdflib.term import Node as Term

from taxonomy.english.plurals import count_of
from taxonomy.english.polarity import Polarity, polarity_of
from taxonomy.errors import InputError
from taxonomy.formats.rdf import parse_rdf
from taxonomy.formats.skos import TERMS, Form
from taxonomy.model import (
    Conversations,
    Decision,
    LabelFit,
    LabelSource,
    Node,
    Placement,
    Provenance,
    Retired,
    Taxonomy,
    WeightUnit,
    slugify,
)
from taxonomy.model.draft import Draft

T = TypeVar("T")


def read_taxonomy_skos(path: Path, form: Form) -> Taxonomy:
    """Read a taxonomy from the concepts of a scheme.

    Parameters
    ----------
    path : Path
    form : {"turtle", "xml", "json-ld"}

    Returns
    -------
    Taxonomy
        A concept without exactly one notation has its IRI as id. Where nothing is stated, levels follow from depth,
        each value weighs one, and shares follow from the weights.

    Raises
    ------
    InputError
        If the file can't be read, or its concepts are not a tree; with the first concept at fault.
    InvariantError
        If the tree breaks an invariant.
    """
    return _Concepts(parse_rdf(path, form), path).taxonomy()


class _Concepts:
    """The concepts of a graph, read as nodes."""

    def __init__(self, graph: rdflib.Graph, path: Path) -> None:
        self.graph = graph
        self.path = path
        schemes = list(graph.subjects(RDF.type, SKOS.ConceptScheme))
        if len(schemes) != 1:
            self._fail(f"the file has {count_of(len(schemes), 'concept scheme')}", remedy="give a file with one")
        self.scheme = schemes[0]
        concepts = sorted(graph.subjects(RDF.type, SKOS.Concept), key=str)
        self.ids = {concept: self._id(concept) for concept in concepts}
        self.retired = {concept for concept in concepts if self._figure(concept, OWL.deprecated, _true)}
        self.parents = {concept: self._parent(concept) for concept in concepts if concept not in self.retired}
        if not self.parents:
            self._fail("the file has no skos:Concept", remedy="give a file of concepts")

    def taxonomy(self) -> Taxonomy:
        """Return the taxonomy of the concepts."""
        prior = self.graph.value(self.scheme, OWL.priorVersion)
        return Taxonomy.from_nodes(
            self._nodes(),
            id=self._text(self.scheme, DCTERMS.identifier) or self.path.stem,
            title=self._text(self.scheme, DCTERMS.title),
            version=self._text(self.scheme, OWL.versionInfo) or "1.0.0",
            weight_unit=self._figure(self.scheme, TERMS.weightUnit, _choice(WeightUnit)) or "strings",
            provenance=Provenance(previous=None if prior is None else {"version": self._local(prior, "version/")}),
            retired=sorted(map(self._retired, self.retired), key=lambda entry: entry.id),
        )

    def _nodes(self) -> list[Node]:
        depths = self._depths()
        deepest = max(depths.values())
        levels = self._stated(depths, TERMS.level, _level)
        levels = levels or {concept: deepest - depth for concept, depth in depths.items()}
        values = [concept for concept, level in levels.items() if level == 0]
        weights = self._stated(values, TERMS.weight, _finite) or dict.fromkeys(values, 1.0)
        shares = self._stated(levels, TERMS.share, _finite)
        parents = set(self.parents.values())
        nodes = []
        for concept, level in levels.items():
            is_empty = level > 0 and self.parents[concept] is None and concept not in parents
            share = shares[concept] if shares else 0.0
            nodes.append(self._node(concept, level, weights.get(concept, 0.0), share, {"empty"} if is_empty else set()))
        draft = Draft(nodes)
        draft.weigh()
        if not shares:
            total = math.fsum(node.weight for node in draft.level(0)) or 1.0
            for id, node in draft.nodes.items():
                draft.nodes[id] = node.model_copy(update={"share": round(node.weight / total, 6)})
        return list(draft.nodes.values())

    def _stated(
        self, concepts: Collection[Term], predicate: rdflib.URIRef, convert: Callable[[str], T]
    ) -> dict[Term, T] | None:
        """Return a property of each concept, None if no concept has it."""
        stated: dict[Term, T] = {}
        missing = []
        for concept in concepts:
            figure = self._figure(concept, predicate, convert)
            if figure is None:
                missing.append(concept)
            else:
                stated[concept] = figure
        if stated and missing:
            self._fail(
                f"no {predicate.fragment}, which other concepts have", missing[0], "state it for all, or for none"
            )
        return stated or None

    def _node(self, concept: Term, level: int, weight: float, share: float, flags: set[str]) -> Node:
        label = self._text(concept, SKOS.prefLabel)
        parent = self.parents[concept]
        aliases = {str(alias) for alias in self.graph.objects(concept, SKOS.altLabel)}
        label_source = self._figure(concept, TERMS.labelSource, _choice(LabelSource))
        # What we wrote leaves the usual polarity out.
        unsaid = polarity_of(label) if level == 0 and label_source is None else "value"
        return Node(
            id=self.ids[concept],
            level=level,
            label=label,
            slug=slugify(label),
            definition=self._text(concept, SKOS.definition),
            parent=None if parent is None else self.ids[parent],
            aliases=tuple(sorted(aliases - {label})),
            weight=weight,
            share=share,
            conversations=self._conversations(concept),
            placement=self._placement(concept),
            stability=self._figure(concept, TERMS.stability, _finite),
            label_source=label_source or "imported",
            label_rank=self._figure(concept, TERMS.labelRank, int),
            label_fit=self._label_fit(concept),
            definition_source=self._figure(concept, TERMS.definitionSource, _choice(LabelSource)),
            absent_since=self._figure(concept, TERMS.absentSince, str),
            absences=self._figure(concept, TERMS.absences, int) or 0,
            history=self._figure(concept, TERMS.history, _history) or (),
            polarity=self._figure(concept, TERMS.polarity, _choice(Polarity)) or unsaid,
            reviewed=bool(self._figure(concept, TERMS.reviewed, _true)),
            flags=tuple(sorted(flags.union(map(str, self.graph.objects(concept, TERMS.flag))))),
        )

    def _conversations(self, concept: Term) -> Conversations | None:
        count = self._figure(concept, TERMS.conversations, int)
        total = self._figure(concept, TERMS.conversationsTotal, int)
        low = self._figure(concept, TERMS.conversationsLow, _finite)
        high = self._figure(concept, TERMS.conversationsHigh, _finite)
        if count is None:
            return None
        if total is None or low is None or high is None:
            self._fail("conversations without total, low or high", concept, "state all four, or none")
        return Conversations(count=count, total=total, low=low, high=high)

    def _label_fit(self, concept: Term) -> LabelFit | None:
        covered = self._figure(concept, TERMS.labelCovered, _finite)
        margin = self._figure(concept, TERMS.labelMargin, _finite)
        if covered is None and margin is None:
            return None
        if covered is None or margin is None:
            self._fail("labelCovered without labelMargin, or the other way round", concept, "state both, or neither")
        return LabelFit(covered=covered, margin=margin)

    def _placement(self, concept: Term) -> Placement | None:
        confidence = self._figure(concept, TERMS.confidence, _finite)
        second = self.graph.value(concept, TERMS.secondParent)
        if confidence is None:
            return None
        return Placement(confidence=confidence, second_parent=None if second is None else self._local(second))

    def _retired(self, concept: Term) -> Retired:
        return Retired(
            id=self.ids[concept],
            level=self._figure(concept, TERMS.level, _level),
            label=self._text(concept, SKOS.prefLabel),
            since=self._text(concept, TERMS.retiredSince),
            history=self._figure(concept, TERMS.history, _history) or (),
            replaced_by=tuple(sorted(map(self._local, self.graph.objects(concept, DCTERMS.isReplacedBy)))),
        )

    # -- the hierarchy ----------------------------------------------------------------------------------------------

    def _parent(self, concept: Term) -> Term | None:
        broader = {*self.graph.objects(concept, SKOS.broader), *self.graph.subjects(SKOS.narrower, concept)}
        if len(broader) > 1:
            self._fail(f"{len(broader)} broader concepts", concept, "give one: a taxonomy is a tree")
        parent = next(iter(broader), None)
        if parent is not None and (parent not in self.ids or parent in self.retired):
            self._fail(f"the broader concept {str(parent)!r} is not in the file", concept, "add it, or name another")
        return parent

    def _depths(self) -> dict[Term, int]:
        depths: dict[Term, int] = {}
        for concept in self.parents:
            above = [concept]
            while (parent := self.parents[above[-1]]) is not None and parent not in depths:
                if len(above) > len(self.parents):
                    self._fail("the concept is broader than itself", concept, "break the cycle")
                above.append(parent)
            start = -1 if parent is None else depths[parent]
            depths.update((ancestor, start + step) for step, ancestor in enumerate(reversed(above), 1))
        return depths

    # -- terms as plain values --------------------------------------------------------------------------------------

    def _id(self, concept: Term) -> str:
        notations = list(self.graph.objects(concept, SKOS.notation))
        return str(notations[0] if len(notations) == 1 else concept)

    def _local(self, term: Term, under: str = "") -> str:
        """Return the id from which an IRI was made."""
        start = f"{self.scheme}{under}"
        return self.ids.get(term) or (unquote(str(term)[len(start) :]) if str(term).startswith(start) else str(term))

    def _text(self, subject: Term, predicate: rdflib.URIRef) -> str:
        return self._figure(subject, predicate, str) or ""

    def _figure(self, subject: Term, predicate: rdflib.URIRef, convert: Callable[[str], T]) -> T | None:
        figures = list(self.graph.objects(subject, predicate))
        name = str(predicate).rpartition("/")[2].rpartition("#")[2]
        if not figures:
            return None
        if len(figures) > 1:
            self._fail(f"{name} has {len(figures)} values", subject, "keep one, in one language")
        try:
            return convert(str(figures[0]))
        except ValueError:
            self._fail(f"{str(figures[0])!r} is not valid as {name}", subject, "correct it")

    def _fail(self, problem: str, concept: Term | None = None, remedy: str = "") -> NoReturn:
        where = "" if concept is None else f"<{concept}>: "
        raise InputError(where + problem, path=str(self.path), remedy=remedy)


def _history(text: str) -> tuple[Decision, ...]:
    # A pydantic error is a ValueError.
    return TypeAdapter(tuple[Decision, ...]).validate_json(text)


def _true(text: str) -> bool:
    return text in ("true", "1")


def _level(text: str) -> int:
    # Bounded, so that a file cannot make its levels take much memory.
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise ValueError
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _choice(names: Any) -> Callable[[str], Any]:
    def check(text: str) -> str:
        if text not in get_args(names):
            raise ValueError
        return text

    return check
