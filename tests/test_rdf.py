"""RDF that must not be trusted: nothing is fetched, nothing else is read, nothing hangs."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdflib.namespace import RDF, SKOS

from taxonomy.errors import InputError, InvariantError
from taxonomy.formats.readers import read
from taxonomy.publishing import write_taxonomy
from tests.trees import full_tree

AWAY = "http://127.0.0.1:9/context"


def nested(inner: object, depth: int) -> object:
    return inner if depth == 0 else [nested(inner, depth - 1)]


@pytest.fixture
def nothing_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> None:
        pytest.fail("something was fetched")

    monkeypatch.setattr("socket.socket.connect", asked)
    monkeypatch.setattr("urllib.request.OpenerDirector.open", asked)
    monkeypatch.setattr("rdflib.plugins.shared.jsonld.context.source_to_json", asked)


@pytest.mark.parametrize(
    "document",
    [
        # As of the file that was fetched once.
        {"@context": [[AWAY]], "@graph": []},
        *({"@context": nested(AWAY, depth), "@graph": []} for depth in (0, 1, 2, 3, 50)),
        {"@context": [{"a": "urn:a:"}, None, [{"b": "urn:b:"}, [[], "context.jsonld"]]]},
        {"@context": "file:///etc/hostname"},
        {"@context": ""},
        {"@context": {"@import": AWAY}},
        {"@context": [[{"@import": AWAY}]]},
        {"@context": {"@context": AWAY}},
        {"@context": [{"@context": [[AWAY]]}]},
        {"@context": {"term": {"@id": "urn:a:", "@context": [[AWAY]]}}, "term": {"term": 1}},
        {"@context": {"Type": {"@id": "urn:T", "@context": {"x": {"@id": "urn:x", "@context": AWAY}}}}},
        {"@context": {"a": "urn:a:"}, "a:b": [[[{"@context": [AWAY], "a:c": 1}]]]},
        [{"@context": None, "urn:x": {"@list": [{"@set": [{"@context": [[AWAY]], "urn:y": 1}]}]}}],
        [[{"@graph": [{"@included": {"@reverse": {"urn:x": {"@context": AWAY}}}}]}]],
    ],
    ids=str,
)
def test_a_context_elsewhere_is_not_fetched(tmp_path: Path, nothing_fetched: None, document: object) -> None:
    (tmp_path / "t.jsonld").write_text(json.dumps(document))
    with pytest.raises(InputError, match="the @context is an address, which is not fetched; write the context into"):
        read(tmp_path / "t.jsonld")


contexts = st.recursive(
    st.none() | st.sampled_from([AWAY, "", "x", "urn:a:"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["@context", "@import", "@vocab", "@id", "@type", "a", "b"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
documents = st.recursive(
    st.none() | st.sampled_from(["", "a", "urn:a:b"]) | st.fixed_dictionaries({"@context": contexts, "a": contexts}),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["@graph", "@list", "@id", "@type", "a", "urn:a:b"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(documents)
def test_no_document_fetches_anything(tmp_path: Path, nothing_fetched: None, document: object) -> None:
    (tmp_path / "t.jsonld").write_text(json.dumps(document))
    with pytest.raises(InputError):
        read(tmp_path / "t.jsonld")


@pytest.mark.parametrize(
    "context", [None, {}, [[{"term": "urn:value-taxonomy:terms#"}]], [None, [{"a": {"@id": "urn:a"}}]]]
)
def test_a_context_of_its_own_is_read(tmp_path: Path, nothing_fetched: None, context: object) -> None:
    tree = full_tree()
    write_taxonomy(tree, tmp_path / "t.jsonld")
    document = json.loads((tmp_path / "t.jsonld").read_bytes())
    document["@context"] = [[document["@context"], context, document["@context"]]]
    (tmp_path / "nested.jsonld").write_text(json.dumps(document), encoding="utf-8-sig")
    assert read(tmp_path / "nested.jsonld") == read(tmp_path / "t.jsonld")


def rdf_xml(doctype: str, label: str) -> str:
    return f"""<?xml version="1.0"?>{doctype}
        <rdf:RDF xmlns:rdf="{RDF}" xmlns:skos="{SKOS}"><skos:ConceptScheme rdf:about="urn:x:"/>
        <skos:Concept rdf:about="urn:x:a"><skos:prefLabel>{label}</skos:prefLabel></skos:Concept></rdf:RDF>"""


# Ten of ten of each other, nine deep: a gigabyte, or a parser that gives up after half a minute.
LAUGHS = "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise("abcdefghi"))


@pytest.mark.parametrize(
    "doctype",
    [
        f'<!DOCTYPE r [<!ENTITY a "care">{LAUGHS}]>',
        '<!DOCTYPE r [<!ENTITY i "care">]>',
        '<!DOCTYPE r [<!ENTITY i SYSTEM "secret">]>',
        '<!DOCTYPE r [<!ENTITY % i SYSTEM "secret"> %i;]>',
        '<!DOCTYPE r SYSTEM "secret">',
        '<!DOCTYPE r PUBLIC "-//x//y" "http://127.0.0.1:9/secret">',
        "<!-- before --><!DOCTYPE r []>",
    ],
    ids=["laughs", "entity", "external", "parameter", "system", "public", "empty"],
)
def test_entities_of_xml_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nothing_fetched: None, doctype: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secret").write_text("hidden")
    Path("t.rdf").write_text(rdf_xml(doctype, "a&i;"))
    before = time.perf_counter()
    with pytest.raises(InputError, match=r"^t\.rdf: the file has a DOCTYPE.*; write the entities out"):
        read(Path("t.rdf"))
    assert time.perf_counter() - before < 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.jsonld", "[" * 100_000),
        ("t.jsonld", '{"@graph":' * 900 + "[]" + "}" * 900),
        ("t.jsonld", '{"urn:x": [{"@list":' * 400 + "[]" + "}]}" * 400),
        ("t.ttl", "<urn:a> <urn:b> " + "(" * 5000 + ")" * 5000 + " ."),
        ("t.ttl", "<urn:a> <urn:b> " + "[ <urn:b> " * 5000 + "]" * 5000 + " ."),
    ],
)
def test_what_is_nested_too_deeply_is_one_line(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=r"cannot be read: nested too deeply; write it without nesting$"):
        read(tmp_path / name)


def test_deep_xml_is_read(tmp_path: Path) -> None:
    deep = "<skos:Concept><skos:note>" * 5000 + "</skos:note></skos:Concept>" * 5000
    (tmp_path / "t.rdf").write_text(rdf_xml("", "care").replace("</rdf:RDF>", f"{deep}</rdf:RDF>"))
    with pytest.raises((InputError, InvariantError)) as caught:
        read(tmp_path / "t.rdf")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["1", "null", '"text"', "", "{", "\ud800".encode("utf-8", "surrogatepass")])
def test_what_is_no_json_ld_is_one_line(tmp_path: Path, content: str | bytes) -> None:
    (tmp_path / "t.jsonld").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=r"t\.jsonld: not JSON-LD: [^\n]*; write the file again"):
        read(tmp_path / "t.jsonld")
