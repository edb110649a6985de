"""The main job, readable top to bottom: strings in, a named tree out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embeddings import StoredEncoder, load_encoder
from embeddings.stored import CHUNK
from taxonomy.building.assembly import make_nodes, name_layers
from taxonomy.building.stability import Rebuild
from taxonomy.clustering.methods import METHODS
from taxonomy.clustering.phrasing import PHRASINGS, PhrasedEncoder
from taxonomy.clustering.recursion import Anchors, build_hierarchy
from taxonomy.clustering.sizes import check_sizes, default_depth, default_sizes, default_top
from taxonomy.domains import BUNDLED, Domain, load_domains
from taxonomy.errors import InputError, LevelsError, TaxonomyError
from taxonomy.labels.keyphrase import Encode
from taxonomy.model import (
    InputProvenance,
    ModelProvenance,
    Provenance,
    Taxonomy,
    default_level_names,
)
from taxonomy.progress import StageProgress, stage_of
from taxonomy.values import Value, ValueSet, canonical_key, read_values
from taxonomy.versions.edits import Edit, edit_values
from taxonomy.versions.replay import Outcome
from taxonomy.versions.stay import STAY
from taxonomy.versions.succession import next_tree

if TYPE_CHECKING:
    import pandas as pd

    from embeddings.spark import SparkEncoder

Inspect = Callable[[Taxonomy, NDArray[np.float32]], None]
Labeller = Callable[[Taxonomy, NDArray[np.float32]], Taxonomy]

# Strings that a cluster embeds at once.
SPARK_CHUNK = 200_000
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "sentence-transformers", "transformers")


def build(
    values: Path | Iterable[str] | Mapping[str, float] | pd.DataFrame,
    *,
    levels: Sequence[int] | None = None,
    domains: str | Path | None = BUNDLED,
    top: int | None = None,
    model: str = "minilm",
    method: str = "average",
    min_children: int = 2,
    seed: int = 0,
    id: str | None = None,
    title: str | None = None,
    previous: Taxonomy | None = None,
    stay: float = STAY,
    edits: Sequence[Edit] = (),
    value_column: str | None = None,
    weight_column: str | None = None,
    labeller: Labeller | None = None,
) -> Taxonomy:
    """Build a taxonomy of value strings.

    Parameters
    ----------
    values : Path, iterable of str, mapping of str to float, or DataFrame
        A file (.txt, .csv, .tsv, .jsonl, .parquet), strings, strings with weights, or a table.
    levels : sequence of int, optional
        Exact sizes of the levels between values and top, finest first. By default they follow the number of values.
    domains : str, Path or None
        A domains file; None for a top level found in the data.
    top : int, optional
        Nodes of a data-driven top, 5 by default; only with ``domains=None``.
    model : str
        ``minilm``, ``mpnet``, a hub name, or a folder.
    method : {"average", "ward", "kmeans", "density"}
    min_children : int
        Children that every inner node has at least, wherever a domain has values enough.
    seed : int
        For the methods with a random part.
    id, title : str, optional
        Name the taxonomy; those of `previous` by default, else ``values`` and nothing.
    previous : Taxonomy, optional
        The version before: its ids, names and placements are carried over, and so are the sizes of its levels where
        `levels` is not given.
    stay : float
        How strongly placements hold on to `previous`: 0 is the tree as rebuilt, 1 moves nothing.
    edits : sequence of Edit
        A person's decisions, replayed on the tree: see `taxonomy.versions.edits`.
    value_column, weight_column : str, optional
        Columns of a file or table.
    labeller : callable, optional
        Given the tree with its offline names and the vectors of its values, in the order of its nodes; returns it with
        other names, such as ``taxonomy.labels.language_model.LanguageModel`` gives.

    Returns
    -------
    Taxonomy

    Raises
    ------
    InputError, DomainsError, LevelsError
        If what was given can't be built from.
    embeddings.EmbeddingError
        If the model is not there.
    """
    value_set = read_values(values, value_column=value_column, weight_column=weight_column)
    return build_tree(
        edit_values(value_set, edits, previous),
        levels=levels,
        domains=domains,
        top=top,
        model=model,
        method=method,
        min_children=min_children,
        seed=seed,
        id=id,
        title=title,
        previous=previous,
        stay=stay,
        edits=edits,
        labeller=labeller,
    )


def build_tree(
    value_set: ValueSet,
    *,
    levels: Sequence[int] | None = None,
    domains: str | Path | None = BUNDLED,
    top: int | None = None,
    model: str = "minilm",
    method: str = "average",
    min_children: int = 2,
    seed: int = 0,
    id: str | None = None,
    title: str | None = None,
    previous: Taxonomy | None = None,
    stay: float = STAY,
    edits: Sequence[Edit] = (),
    labeller: Labeller | None = None,
    spark_master: str | None = None,
    progress: StageProgress | None = None,
    inspect: Inspect | None = None,
    replayed: Callable[[Sequence[Outcome]], None] | None = None,
) -> Taxonomy:
    """Build a taxonomy of values already read, and edited by `edit_values`; parameters as in `build`.

    Parameters
    ----------
    value_set : ValueSet
    spark_master : str, optional
        Embed on this Spark cluster, such as ``spark://host:7077``, rather than in processes of this machine.
    progress : callable, optional
        Told a stage, steps done, and steps in all.
    inspect : callable, optional
        Given the tree and the vectors of its values, in the order of its nodes, before they are let go.
    replayed : callable, optional
        Told what became of each edit.
    """
    _check_options(domains, top, method, min_children)
    if not 0 <= stay <= 1:
        raise TaxonomyError(f"--stay {stay}: give a number from 0 (as rebuilt) to 1 (nothing moves)")
    tops = load_domains(Path(domains)) if domains is not None else ()
    kept = None if previous is None else tuple(level.size for level in previous.levels[1:-1])
    wanted = levels if levels is not None else kept
    depth = len(wanted) if wanted is not None else default_depth(len(value_set))
    n_top = len(tops) or top or default_top(len(value_set), depth, min_children)
    sizes = tuple(wanted) if wanted is not None else default_sizes(len(value_set), n_top)
    if levels is not None:
        check_sizes(sizes, len(value_set), n_top)

    # Every node gets a name, which is embedded, too.
    encoder = load_encoder(model, expected=sum(sizes)) if spark_master is None else spark_encoder(model, spark_master)
    chunk = CHUNK if spark_master is None else SPARK_CHUNK
    encode = StoredEncoder(PhrasedEncoder(encoder), chunk=chunk).encode
    # A name is no value that a person holds: it is embedded as a query would be.
    encode_names = StoredEncoder(encoder).encode
    vectors = encode(value_set.labels, progress=stage_of(progress, "embedding"))
    anchors = anchors_of(tops, value_set, encode) if tops else None

    layers = build_hierarchy(
        vectors,
        sizes,
        anchors=anchors,
        n_top=n_top,
        method=method,
        seed=seed,
        min_children=min_children,
        exact=levels is not None,
        progress=stage_of(progress, "clustering"),
    )
    names = name_layers(value_set, vectors, layers, tops, encode_names)
    parameters: dict[str, Any] = {
        "levels": None if levels is None else list(levels),
        "top": None if tops else n_top,
        "min_children": min_children,
        "phrasings": list(PHRASINGS),
        "domains": [{**dataclasses.asdict(domain), "examples": list(domain.examples)} for domain in tops] or None,
    }
    tree = Taxonomy.from_nodes(
        make_nodes(value_set, layers, names, tops),
        level_names=default_level_names(len(layers) + 1),
        id=id or (previous.id if previous else "values"),
        title=title if title is not None else previous.title if previous else "",
        weight_unit=value_set.weight_unit,
        provenance=Provenance(
            input=InputProvenance(
                sha256=value_set.sha256,
                strings=sum(1 + len(value.aliases) for value in value_set.values),
                mentions=round(math.fsum(value_set.weights), 6),
            ),
            model=ModelProvenance(name=encoder.name, sha256=encoder.weights_sha256, dimension=encoder.dimension),
            method=method,
            parameters=parameters,
            seed=seed,
            labeller="keyphrase",
            software={name: version(name) for name in PACKAGES},
        ),
    )
    position = {label: index for index, label in enumerate(value_set.labels)}
    vectors = vectors[[position[node.label] for node in tree.nodes if node.level == 0]]
    if labeller is not None:
        tree = labeller(tree, vectors)
    if previous is not None or edits:
        tree, outcomes = next_tree(
            previous, tree, vectors, stay=stay, min_children=min_children, edits=edits, encode=encode_names
        )
        # Names that a person gave to values are strings of their own.
        vectors = encode([node.label for node in tree.nodes if node.level == 0])
        if replayed is not None:
            replayed(outcomes)
    if inspect is not None:
        inspect(tree, vectors)
    return tree


def spark_encoder(model: str, master: str) -> SparkEncoder:
    """Return the encoder of a model on a Spark cluster.

    Raises
    ------
    TaxonomyError
        If PySpark is not installed.
    """
    if find_spec("pyspark") is None:
        raise TaxonomyError("a Spark cluster needs PySpark; run: pip install 'value-taxonomy[spark]'")
    from embeddings.spark import SparkEncoder, spark_session

    return SparkEncoder(model, spark_session(master)[0])


def rebuild(tree: Taxonomy, vectors: NDArray[np.float32], encode: Encode) -> Rebuild:
    """Return what builds the levels of a tree again, as `taxonomy.building.stability.stability` asks for it.

    Parameters
    ----------
    tree : Taxonomy
        Its provenance says how it was built.
    vectors : ndarray of shape (n_values, dimension)
        Of its values, in the order of `tree.nodes`.
    encode : callable
        Strings to vectors, for the domains' examples.

    Raises
    ------
    InputError
        If the tree does not say how it was built.
    """
    provenance = tree.provenance
    if provenance.method not in METHODS:
        remedy = "give one that value-taxonomy build wrote"
        raise InputError(f"the taxonomy {tree.id!r} does not say how it was built", remedy=remedy)
    parameters = provenance.parameters
    tops = [Domain(**{**domain, "examples": tuple(domain["examples"])}) for domain in parameters["domains"] or ()]
    nodes = [node for node in tree.nodes if node.level == 0]
    # The order in which a build sees them, which decides ties.
    by_key = np.argsort([canonical_key(node.label) for node in nodes], kind="stable")
    values = (Value(canonical_key(node.label), node.label, node.aliases, node.weight) for node in nodes)
    value_set = ValueSet(tuple(sorted(values, key=attrgetter("key"))), (), tree.weight_unit, rows=len(nodes), repeats=0)
    anchors = anchors_of(tops, value_set, encode) if tops else None

    def levels(kept: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
        is_kept = np.zeros(len(nodes), dtype=bool)
        is_kept[kept] = True
        chosen = is_kept[by_key]
        layers = build_hierarchy(
            vectors[by_key][chosen],
            [level.size for level in tree.levels[1:-1]],
            anchors=None if anchors is None else dataclasses.replace(anchors, known=anchors.known[chosen]),
            n_top=tree.levels[-1].size,
            method=str(provenance.method),
            seed=seed,
            min_children=parameters["min_children"],
            exact=False,
        )
        place = np.empty(len(nodes), dtype=np.intp)
        place[by_key[chosen]] = np.arange(len(kept))
        at = place[kept]
        rows = []
        for layer in layers:
            at = layer.parents[at]
            rows.append(at)
        return np.stack(rows)

    return levels


def _check_options(domains: str | Path | None, top: int | None, method: str, min_children: int) -> None:
    if method not in METHODS:
        raise TaxonomyError(f"no method {method!r}; choose one of {', '.join(METHODS)}")
    if top is not None and domains is not None:
        raise LevelsError("a top size goes with --domains none alone: with domains, they are the top")
    if top is not None and top < 1:
        raise LevelsError(f"--top {top}: a top level needs one node at least")
    if min_children < 2:
        raise LevelsError(f"--min-children {min_children}: 2 is the least that makes a level worth having")


def anchors_of(tops: Sequence[Domain], value_set: ValueSet, encode: Encode) -> Anchors:
    """Return the domains' examples as anchors of the values' clustering."""
    examples = [(example, number) for number, domain in enumerate(tops) for example in domain.examples]
    known = np.full(len(value_set), -1, dtype=np.intp)
    position = {value.key: index for index, value in enumerate(value_set.values)}
    for example, number in examples:
        value = value_set.find(example)
        if value is not None:
            known[position[value.key]] = number
    return Anchors(
        vectors=encode([example for example, _ in examples]),
        domains=np.array([number for _, number in examples], dtype=np.intp),
        known=known,
    )
