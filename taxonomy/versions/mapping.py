"""Old ids to new ones, as an SSSOM mapping set.

SSSOM is the Simple Standard for Sharing Ontological Mappings (Matentzoglu et al. 2022); its TSV form has the metadata
of the set as YAML in comment lines, then one row a mapping.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from taxonomy.model import Node, Taxonomy, values_by_spelling
from taxonomy.model.draft import Draft
from taxonomy.model.lookup import live_successors
from taxonomy.versions.retirement import find_successors

Predicate = Literal["skos:exactMatch", "skos:broadMatch", "skos:narrowMatch"]
Justification = Literal["semapv:LexicalMatching", "semapv:InstanceBasedMatching", "semapv:ManualMappingCuration"]
NO_MATCH = "sssom:NoTermFound"
_PREFIXES = {
    "semapv": "https://w3id.org/semapv/vocab/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "sssom": "https://w3id.org/sssom/",
    "vt": "urn:value-taxonomy:id:vt:",
    "vtid": "urn:value-taxonomy:id:",
    "vtset": "urn:value-taxonomy:",
}
_COLUMNS = (
    "subject_id",
    "subject_label",
    "predicate_id",
    "object_id",
    "object_label",
    "mapping_justification",
    "similarity_score",
)


@dataclass(frozen=True, slots=True)
class Mapping:
    """One old node and one new.

    Attributes
    ----------
    old : Node
    new : Node or None
        None where nothing holds its values any more.
    predicate : str
        Exact: the id was kept, or a node under a new id holds the same values. Broad: the new node is the broader one,
        most of the old is in it. Narrow: the new node is a part of the old. No two old nodes are exactly one new node.
    jaccard : float
        Overlap of the old values that both hold, from 0 to 1.
    justification : str
        How it is known: by the spelling of a value, by the values below a node, or by a person who merged or split it.
    """

    old: Node
    new: Node | None
    predicate: Predicate
    jaccard: float
    justification: Justification


def mappings(old: Taxonomy, new: Taxonomy) -> Iterator[Mapping]:
    """Yield where each node of an old version is in a new one, in the order of the old nodes; one has several parts."""
    after = {node.id: node for node in new.nodes}
    before = {node.id for node in old.nodes}
    retired = {gone.id: gone for gone in new.retired}
    gone = [node for node in old.nodes if node.id not in after]
    successors = find_successors(old.nodes, new.nodes, gone)
    by_spelling = values_by_spelling(new.leaves)
    old_draft, new_draft = Draft(old.nodes), Draft(new.nodes)
    # What became of each old value; several may be one today.
    now_of = {leaf.id: after.get(leaf.id) or by_spelling.find(leaf.label) for leaf in old.leaves}
    today = {id: None if node is None else node.id for id, node in now_of.items()}
    was: dict[str, set[str]] = {}
    moved = set()
    for leaf, now in today.items():
        was.setdefault(now or leaf, set()).add(leaf)
        if now is None or (now == leaf and after[now].label_source == "human"):
            moved.add(leaf)
    for node in old.nodes:
        if node.level == 0 and node.id in after:
            yield Mapping(node, after[node.id], "skos:exactMatch", 1.0, "semapv:LexicalMatching")
            continue
        found: Justification = "semapv:InstanceBasedMatching" if node.level else "semapv:LexicalMatching"
        own = {leaf.id for leaf in old_draft.leaves(node.id)}
        replaced_by = live_successors(node.id, retired, after)
        named = [node.id] if node.id in after else replaced_by or successors[node.id]
        if not named:
            yield Mapping(node, None, "skos:exactMatch", 0.0, found)
        for id in named:
            other = {leaf for now in new_draft.leaves(id) for leaf in was.get(now.id, {now.id})}
            jaccard = len(own & other) / (len(own | other) or 1)
            # Two domains that nothing belongs to are the same by their id.
            if id == node.id or (jaccard == 1 and id not in before):
                predicate: Predicate = "skos:exactMatch"
            else:
                predicate = "skos:broadMatch" if len(own) <= len(other) else "skos:narrowMatch"
            # A person made it: all that nobody moved elsewhere went there, or all of that came from here.
            decided = id in replaced_by and after[id].label_source == "human" and (own - moved <= other or other <= own)
            yield Mapping(node, after[id], predicate, jaccard, "semapv:ManualMappingCuration" if decided else found)


def sssom_tsv(old: Taxonomy, new: Taxonomy) -> str:
    """Return the mappings from an old version to a new one as an SSSOM mapping set in TSV."""
    source, target = (f"vtset:{quote(tree.id, safe='')}" for tree in (old, new))
    # The namespace in which SSSOM's own tools name a set that has no address.
    set_id = f"https://w3id.org/sssom/mappings/{quote(old.id, safe='')}/{quote(old.version)}/{quote(new.version)}"
    metadata = [
        "sssom_version: '1.1'",
        "curie_map:",
        *(f"  {prefix}: {_text(expansion)}" for prefix, expansion in _PREFIXES.items()),
        f"mapping_set_id: {_text(set_id)}",
        f"mapping_set_version: {_text(new.version)}",
        "license: 'https://w3id.org/sssom/license/unspecified'",
        f"subject_source: {_text(source)}",
        f"subject_source_version: {_text(old.version)}",
        f"object_source: {_text(target)}",
        f"object_source_version: {_text(new.version)}",
        "similarity_measure: 'https://www.wikidata.org/entity/Q865360'",
        "mapping_tool: value-taxonomy",
    ]
    rows = ["\t".join(_COLUMNS)]
    for mapping in mappings(old, new):
        cells = (
            _curie(mapping.old.id),
            _cell(mapping.old.label),
            mapping.predicate,
            NO_MATCH if mapping.new is None else _curie(mapping.new.id),
            "" if mapping.new is None else _cell(mapping.new.label),
            mapping.justification,
            f"{mapping.jaccard:.6f}".rstrip("0").rstrip("."),
        )
        rows.append("\t".join(cells))
    return "\n".join([*(f"#{line}" for line in metadata), *rows]) + "\n"


def _curie(id: str) -> str:
    """Return an id as a CURIE of the set's prefixes: our own as they are, others with what a CURIE can't hold escaped.

    >>> _curie("vt:7f3a9c2104be55d1"), _curie("balanced wisdom")
    ('vt:7f3a9c2104be55d1', 'vtid:balanced%20wisdom')
    """
    return id if re.fullmatch("vt:[0-9a-f]{16}", id) else f"vtid:{quote(id, safe='')}"


def _text(text: str) -> str:
    """Return a YAML text."""
    return "'" + " ".join(text.split()).replace("'", "''") + "'"


def _cell(text: str) -> str:
    """Return a cell on one line, without a tab, quoted where it holds a quote, and never a formula."""
    text = " ".join(text.split())
    text = f"'{text}" if text.startswith(("=", "+", "-", "@", "'")) else text
    return '"' + text.replace('"', '""') + '"' if '"' in text else text
