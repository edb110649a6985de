"""SKOS: what is written, that others accept it, and what of theirs is read."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import rdflib
from rdflib.namespace import DCTERMS, OWL, RDF, RDFS, SKOS, XSD

from taxonomy.errors import InputError, InvariantError
from taxonomy.formats.readers import read
from taxonomy.formats.skos import TERMS
from taxonomy.model import Retired, Taxonomy, load
from taxonomy.publishing import write_taxonomy
from tests.conftest import Run
from tests.skos_checks import check_graph, domain_of, violated
from tests.trees import NASTY, full_tree, make_tree

BASE = "https://example.org/values/"
PREFIXES = """
    @prefix : <https://example.org/> .
    @prefix dcterms: <http://purl.org/dc/terms/> .
    @prefix owl: <http://www.w3.org/2002/07/owl#> .
    @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
    @prefix term: <urn:value-taxonomy:terms#> .
"""
# Another's: no notations, figures or levels, and the hierarchy told from one side or the other.
OTHER = """
    :scheme a skos:ConceptScheme .
    :life a skos:Concept ; skos:prefLabel "Life"@en ; skos:narrower :inner , :means .
    :inner a skos:Concept ; skos:prefLabel "Inner strength"@en .
    :means a skos:Concept ; skos:prefLabel "Means"@en .
    :calm a skos:Concept ; skos:prefLabel "calm"@en ; skos:altLabel "calm"@en , "calmness"@en ; skos:broader :inner .
    :courage a skos:Concept ; skos:prefLabel "courage"@en ; skos:broader :inner ; skos:definition "To dare." .
    :thrift a skos:Concept ; skos:prefLabel "thrift"@en ; skos:broader :means .
"""


def written(tree: Taxonomy, folder: Path, **options: object) -> rdflib.Graph:
    write_taxonomy(tree, folder / "t.ttl", **options)  # type: ignore[arg-type]
    return rdflib.Graph().parse(folder / "t.ttl")


def read_text(text: str, folder: Path) -> Taxonomy:
    (folder / "other.ttl").write_text(PREFIXES + text, encoding="utf-8")
    return read(folder / "other.ttl")


# -- what is written ---------------------------------------------------------------------------------------------


def test_the_scheme_and_its_versions(tmp_path: Path) -> None:
    graph = written(full_tree(), tmp_path, base_iri=BASE, issued=date(2026, 1, 2))
    scheme = rdflib.URIRef(BASE)
    assert set(graph.subjects(RDF.type, SKOS.ConceptScheme)) == {scheme}
    for predicate, value in (
        (DCTERMS.title, rdflib.Literal("A full tree")),
        (RDFS.label, rdflib.Literal("A full tree")),
        (DCTERMS.identifier, rdflib.Literal("full")),
        (DCTERMS.issued, rdflib.Literal("2026-01-02", datatype=XSD.date)),
        (OWL.versionInfo, rdflib.Literal("2.1.0")),
        (OWL.versionIRI, rdflib.URIRef(f"{BASE}version/2.1.0")),
        (OWL.priorVersion, rdflib.URIRef(f"{BASE}version/2.0.0")),
        (SKOS.hasTopConcept, rdflib.URIRef(f"{BASE}2:0")),
    ):
        assert list(graph.objects(scheme, predicate)) == [value]


def test_there_is_no_date_unless_it_is_given_or_someone_decided(tmp_path: Path) -> None:
    tree = full_tree()
    graph = written(tree, tmp_path)
    days = {str(day) for day in graph.objects(None, DCTERMS.modified)}
    assert days == {"2026-01-31"}
    bare = [node.model_copy(update={"history": ()}) for node in tree.nodes]
    graph = written(tree.model_copy(update={"nodes": tuple(bare), "retired": ()}), tmp_path)
    assert not list(graph.triples((None, DCTERMS.issued, None)))
    assert not [value for value in graph.objects() if getattr(value, "datatype", None) in (XSD.date, XSD.dateTime)]


def test_a_concept_and_its_figures(tmp_path: Path) -> None:
    tree = full_tree()
    graph = written(tree, tmp_path, base_iri=BASE)
    calm, scheme = rdflib.URIRef(f"{BASE}0:1"), rdflib.URIRef(BASE)
    assert {(predicate, str(value)) for predicate, value in graph.predicate_objects(calm)} == {
        (RDF.type, str(SKOS.Concept)),
        (SKOS.inScheme, str(scheme)),
        (SKOS.notation, "0:1"),
        (SKOS.prefLabel, "calm"),
        (SKOS.altLabel, "calm itself"),
        (SKOS.altLabel, "calm, too"),
        (SKOS.definition, "What calm is."),
        (SKOS.broader, f"{BASE}1:0"),
        (TERMS.secondParent, f"{BASE}1:1"),
        (TERMS.level, "0"),
        (TERMS.weight, "2.5"),
        (TERMS.share, "0.333333"),
        (TERMS.labelSource, "human"),
        (TERMS.definitionSource, "llm"),
        (TERMS.absentSince, "2.0.0"),
        (TERMS.absences, "2"),
        (TERMS.labelRank, "3"),
        (TERMS.labelCovered, "0.75"),
        (TERMS.labelMargin, "-0.125"),
        (TERMS.confidence, "0.625"),
        (TERMS.stability, "0.75"),
        (TERMS.conversations, "7"),
        (TERMS.conversationsTotal, "90"),
        (TERMS.conversationsLow, "0.03"),
        (TERMS.conversationsHigh, "0.15"),
        (TERMS.flag, "doubtful"),
        (TERMS.flag, "thin"),
        (TERMS.reviewed, "true"),
        (TERMS.polarity, "opposition"),
        (TERMS.history, f"[{json.dumps(tree.nodes[0].history[0].model_dump())}]"),
        (SKOS.changeNote, "1.1.0: took in zeal (kim, 2026-01-31)"),
        (SKOS.editorialNote, "one idea (kim, 2026-01-31)"),
        (DCTERMS.modified, "2026-01-31"),
    }
    assert set(graph.objects(rdflib.URIRef(f"{BASE}1:0"), SKOS.narrower)) == {calm, rdflib.URIRef(f"{BASE}0:0")}


def test_retired_concepts_have_no_place_and_may_be_replaced(tmp_path: Path) -> None:
    graph = written(full_tree(), tmp_path, base_iri=BASE)
    for id, replaced_by in (("0:7", {"0:1", "0:2"}), ("1:8", set())):
        concept = rdflib.URIRef(BASE + id)
        assert list(graph.objects(concept, OWL.deprecated)) == [rdflib.Literal(True)]
        assert set(graph.objects(concept, DCTERMS.isReplacedBy)) == {rdflib.URIRef(BASE + one) for one in replaced_by}
        places = (SKOS.broader, SKOS.narrower, SKOS.topConceptOf)
        assert not [place for place in places for _ in graph.objects(concept, place)]
        assert not list(graph.subjects(SKOS.narrower, concept))


def test_what_replaced_a_concept_is_there_today(tmp_path: Path) -> None:
    def gone(id: str, *replaced_by: str) -> Retired:
        return Retired(id=id, level=0, label=id, since="1.0.0", replaced_by=replaced_by)

    chain = (gone("a", "b", "c"), gone("b", "0:1", "a"), gone("c", "0:2", "d"), gone("d"), gone("e", "d"))
    graph = written(full_tree().model_copy(update={"retired": chain}), tmp_path, base_iri=BASE)
    for id, today in {"a": {"0:1", "0:2"}, "b": {"0:1", "0:2"}, "c": {"0:2"}, "d": set(), "e": set()}.items():
        found = set(graph.objects(rdflib.URIRef(BASE + id), DCTERMS.isReplacedBy))
        assert found == {rdflib.URIRef(BASE + one) for one in today}


@pytest.mark.parametrize("base", [None, BASE, "https://example.org/values#", "urn:example:values:"])
def test_any_base_gives_the_same_taxonomy_back(tmp_path: Path, base: str | None) -> None:
    tree = full_tree()
    nodes = [node.model_copy(update={"slug": node.slug.removeprefix("the-")}) for node in tree.nodes]
    tree = Taxonomy.from_nodes(
        nodes, id="a full: tree/", weight_unit=tree.weight_unit, version=tree.version, retired=tree.retired
    )
    for name in ("t.ttl", "t.rdf", "t.jsonld"):
        write_taxonomy(tree, tmp_path / name, base_iri=base)
        assert read(tmp_path / name) == tree


def test_the_command_line_takes_base_and_date(run: Run, tmp_path: Path) -> None:
    full_tree().write(tmp_path / "in.json")
    done = run(
        "export", tmp_path / "in.json", "--out", tmp_path / "t.ttl", "--base-iri", BASE, "--issued", "2026-01-02"
    )
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "t.ttl").read_text()
    assert f"<{BASE}0:1> a skos:Concept" in text
    assert 'dcterms:issued "2026-01-02"^^' in text


# -- what others say to it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["full", "nasty", "build"])
def test_exports_pass_the_integrity_conditions_and_skosify(
    name: str, small_build: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tree = {
        "full": full_tree,
        # No build has a label with space around it, which skosify warns of.
        "nasty": lambda: make_tree([text.strip() for text in NASTY], [0] * len(NASTY)),
        # One domain of it: checking takes time with the square of what there is.
        "build": lambda: domain_of(load(small_build / "taxonomy.json")),
    }[name]()
    check_graph(written(tree, tmp_path), caplog)


BROKEN = {
    "S9": ":scheme a skos:Concept .",
    "S13": ':calm skos:hiddenLabel "calm" .',
    "S14": ':calm skos:prefLabel "quiet" .',
    "S27": ":calm skos:related :life .",
    "S37": ":calm a skos:Collection .",
    "S46": ":calm skos:exactMatch :far . :calm skos:broadMatch :far .",
    "Acyclic": ":life skos:broader :calm . :calm skos:narrower :life .",
    "Concept": ':calm skos:notation "other" .',
    "Inverse": ":thrift skos:narrower :calm .",
    "Placed": ":calm owl:deprecated true .",
    "Decided": ':calm skos:changeNote "gone"@en .',
}


@pytest.mark.parametrize(("shape", "triples"), BROKEN.items(), ids=BROKEN)
def test_each_shape_finds_what_breaks_it(tmp_path: Path, shape: str, triples: str) -> None:
    base = "https://example.org/"
    graph = written(make_tree(["calm", "thrift"], [0, 0], names=[["life"]]), tmp_path, base_iri=base)
    names = {":calm": "0:0", ":thrift": "0:1", ":life": "1:0", ":scheme": ""}
    for name, id in names.items():
        triples = triples.replace(f"{name} ", f"<{base}{id}> ")
    graph.parse(data=PREFIXES + triples, format="turtle")
    assert shape in violated(graph)


# -- what is read of others --------------------------------------------------------------------------------------


def test_reads_what_others_write(tmp_path: Path) -> None:
    tree = read_text(OTHER, tmp_path)
    assert (tree.id, tree.weight_unit, [level.size for level in tree.levels]) == ("other", "strings", [3, 2, 1])
    calm = tree.node("calm")
    assert (calm.id, calm.parent) == ("https://example.org/calm", "https://example.org/inner")
    assert (calm.aliases, calm.weight, calm.share, calm.label_source) == (("calmness",), 1, 0.333333, "imported")
    assert tree.node("courage").definition == "To dare."
    assert (tree.node("Life").weight, tree.node("Life").share) == (3, 1)


def test_a_top_concept_without_others_below_is_an_empty_domain(tmp_path: Path) -> None:
    tree = read_text(OTHER + ':work a skos:Concept ; skos:prefLabel "Work" ; skos:topConceptOf :scheme .', tmp_path)
    assert (tree.node("Work").level, tree.node("Work").flags) == (2, ("empty",))


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (":second a skos:ConceptScheme .", "the file has 2 concept schemes; give a file with one"),
        (":calm skos:broader :means .", "<https://example.org/calm>: 2 broader concepts; give one"),
        (":thrift skos:broader :gone .", "<https://example.org/thrift>: 2 broader concepts"),
        (
            ":x a skos:Concept ; skos:broader :gone .",
            "the broader concept 'https://example.org/gone' is not in the file",
        ),
        (":calm owl:deprecated true . :x a skos:Concept ; skos:broader :calm .", "is not in the file"),
        (":life skos:broader :calm .", "the concept is broader than itself; break the cycle"),
        (':calm skos:prefLabel "Ruhe"@de .', "prefLabel has 2 values; keep one, in one language"),
        (":calm term:weight 1 .", "no weight, which other concepts have; state it for all, or for none"),
        (":calm term:share 0.5 .", "no share, which other concepts have"),
        (":calm term:level 0 .", "no level, which other concepts have"),
        (":calm term:conversations 5 .", "conversations without total, low or high"),
        (":calm term:level 1.5 .", "'1.5' is not valid as level"),
        (":calm term:level 1000000000 .", "'1000000000' is not valid as level"),
        (":calm term:level -1 .", "'-1' is not valid as level"),
        (':calm term:share "much" .', "'much' is not valid as share"),
        (":calm term:share 'NaN'^^<http://www.w3.org/2001/XMLSchema#double> .", "'nan' is not valid as share"),
        (':calm term:labelSource "oracle" .', "'oracle' is not valid as labelSource"),
        (':scheme term:weightUnit "kilos" .', "'kilos' is not valid as weightUnit"),
        ("nonsense", "not Turtle: "),
    ],
)
def test_what_is_no_tree_is_refused(tmp_path: Path, more: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        read_text(OTHER + more, tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'other.ttl'}: ")
    assert problem in message
    assert "; " in message


def test_concepts_that_break_an_invariant_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvariantError, match="label"):
        read_text(OTHER + ":x a skos:Concept ; skos:broader :inner .", tmp_path)
    with pytest.raises(InvariantError, match="values share a label or an alias"):
        read_text(OTHER + ':x a skos:Concept ; skos:prefLabel "calm" ; skos:broader :means .', tmp_path)
    with pytest.raises(InputError, match=r"no skos:Concept"):
        read_text(":scheme a skos:ConceptScheme .", tmp_path)
