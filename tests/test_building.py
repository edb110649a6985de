"""A build: recipe in, what was built out; its stages in their order, each done once."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

import taxonomy
from embeddings import Encoder
from taxonomy.building.recipe import Recipe
from taxonomy.clustering.methods import METHODS
from taxonomy.clustering.names import METHOD_NAMES
from taxonomy.errors import InputError, LevelsError, TaxonomyError
from taxonomy.labels.language_model import Labelled, LanguageModel
from taxonomy.llm.spending import Usage
from taxonomy.model import Taxonomy
from taxonomy.model.draft import Draft
from taxonomy.progress import StageProgress
from taxonomy.values import read_values
from taxonomy.versions.edits import Edit
from tests.conftest import FIXTURE
from tests.llm_server import Server, serve
from tests.tiny_encoder import TinyEncoder


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is stored, and nothing of other tests is met."""
    monkeypatch.setenv("VALUE_TAXONOMY_CACHE", str(tmp_path / "cache"))


def strings(count: int) -> list[str]:
    return list(read_values(FIXTURE).labels[:count])


def times_asked(encoder: TinyEncoder) -> set[int]:
    """How often each string was embedded."""
    return set(Counter(encoder.asked).values())


class Namesake:
    """A labeller that gives nodes their names in capitals, and remembers which it was asked about."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def name(
        self,
        draft: Draft,
        vectors: np.ndarray,
        encoder: Encoder,
        *,
        only: Collection[str] | None = None,
        progress: StageProgress | None = None,
    ) -> Labelled:
        assert len(vectors) == len(draft.level(0))
        named = [
            node
            for node in draft.nodes.values()
            if node.level and node.label_source == "keyphrase" and (only is None or node.id in only)
        ]
        for node in named:
            assert node.label, "it has a name to fall back on"
            draft.change(node.id, label=node.label.upper(), label_source="llm")
        self.asked |= {node.id for node in named}
        return Labelled("namesake", len(named), 0, (), Usage(calls=len(named)), {"votes": None})


# -- recipes ---------------------------------------------------------------------------------------------------


def test_a_recipe_and_its_fields_are_the_same() -> None:
    recipe = Recipe(levels=[40, 12], method="ward", seed=3)
    by_recipe = taxonomy.build(strings(200), recipe, encoder=TinyEncoder())
    by_fields = taxonomy.build(strings(200), levels=(40, 12), method="ward", seed=3, encoder=TinyEncoder())
    assert by_recipe.tree.to_json() == by_fields.tree.to_json()
    changed = taxonomy.build(strings(200), recipe, seed=4, encoder=TinyEncoder())
    assert (changed.tree.provenance.seed, recipe.seed) == (4, 3)


def test_a_recipe_is_frozen_and_checked() -> None:
    recipe = Recipe(levels=[30, 8])
    assert recipe.levels == (30, 8)
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.seed = 1  # type: ignore[misc]
    for fields, problem in (
        ({"method": "magic"}, "`method` is 'magic'"),
        ({"top": 4}, "domains"),
        ({"domains": None, "top": 0}, "`top` is 0"),
        ({"min_children": 1}, "`min_children` is 1"),
        ({"stay": 1.5}, "stay"),
    ):
        with pytest.raises(TaxonomyError, match=problem):
            Recipe(**fields)  # type: ignore[arg-type]
    with pytest.raises(TaxonomyError, match="`levles` is not a parameter of build"):
        taxonomy.build(["honesty"], levles=(3,))
    with pytest.raises(LevelsError, match="sizes that shrink"):
        taxonomy.build(strings(60), levels=(3, 9), encoder=TinyEncoder())


def test_a_tree_says_by_which_recipe_it_was_built() -> None:
    recipe = Recipe(levels=(30,), domains=None, top=4, method="kmeans", seed=2, min_children=3)
    tree = taxonomy.build(strings(150), recipe, encoder=TinyEncoder()).tree
    assert Recipe.of(tree) == recipe
    assert Recipe.of(taxonomy.build(strings(150), encoder=TinyEncoder()).tree) == Recipe()
    imported = tree.model_copy(update={"provenance": taxonomy.model.Provenance()})
    with pytest.raises(InputError, match="does not say how it was built"):
        Recipe.of(imported)


def test_the_names_of_methods_are_those_there_are() -> None:
    assert tuple(METHODS) == METHOD_NAMES


# -- where vectors come from -----------------------------------------------------------------------------------


def test_any_encoder_can_be_brought() -> None:
    encoder = TinyEncoder("of mine")
    built = taxonomy.build(strings(200), encoder=encoder)
    model = built.tree.provenance.model
    assert model is not None
    assert (model.name, model.sha256, model.dimension) == ("tiny", "of mine", 64)
    assert [node.label for node in built.tree.top] == ["Epistemic", "Personal", "Practical", "Protective", "Social"]
    assert times_asked(encoder) == {1}
    again = TinyEncoder("of mine")
    assert taxonomy.build(strings(200), encoder=again).tree.to_json() == built.tree.to_json()
    assert again.asked == []


def test_vectors_can_be_brought() -> None:
    rows = [*strings(150), "n/a", strings(1)[0]]
    vectors = TinyEncoder().encode(rows) * 3
    built = taxonomy.build(rows, vectors=vectors)
    tree = built.tree
    model = tree.provenance.model
    assert model is not None
    assert (model.name, model.dimension, len(model.sha256)) == ("own vectors", 64, 64)
    expected = TinyEncoder().encode([node.label for node in tree.leaves])
    assert np.allclose(built.vectors, expected, atol=1e-6)
    assert all(node.label for node in tree.nodes)
    # The order of rows, each with its vector, changes nothing.
    order = np.random.default_rng(0).permutation(len(rows))
    assert taxonomy.build([rows[row] for row in order], vectors=vectors[order]).tree.to_json() == tree.to_json()
    bare = taxonomy.build(rows, vectors=vectors, domains=None, encoder=TinyEncoder()).tree
    assert bare.provenance.model is not None
    assert bare.provenance.model.name == "own vectors, tiny"


def test_vectors_that_do_not_do() -> None:
    rows = strings(60)
    vectors = TinyEncoder().encode(rows)
    blank = vectors.copy()
    blank[3, 3] = np.nan
    for given, problem in (
        (vectors[1:], r"shape \(59, 64\), and the input has 60 rows"),
        (vectors[:, 0], r"shape \(60,\)"),
        (blank, "not finite numbers"),
        (vectors.astype(str), "not finite numbers"),
    ):
        with pytest.raises(InputError, match=problem):
            taxonomy.build(rows, vectors=given)
    with pytest.raises(InputError, match="those of the encoder 64"):
        taxonomy.build(rows, vectors=vectors[:, :9], encoder=TinyEncoder())
    with pytest.raises(InputError, match="no example of the domain"):
        taxonomy.build(["xyzzy", "plugh"], vectors=np.eye(2))


# -- stages in their order, each once --------------------------------------------------------------------------


def test_one_tree_is_made_and_each_string_embedded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = taxonomy.build(strings(200), encoder=TinyEncoder()).tree
    made = []
    check = Taxonomy.check
    monkeypatch.setattr(Taxonomy, "check", lambda tree: (made.append(tree), check(tree)))
    digests = []
    compute = Taxonomy.compute_digest
    monkeypatch.setattr(Taxonomy, "compute_digest", lambda tree: (digests.append(tree), compute(tree))[1])
    decision = Edit(action="rename", node=first.leaves[0].id, to="another name for it")
    for count, previous, edits in ((230, None, ()), (240, first, ()), (250, first, (decision,))):
        made.clear()
        digests.clear()
        encoder = TinyEncoder(f"of {count}")
        built = taxonomy.build(strings(count), previous=previous, edits=edits, encoder=encoder, absent="retire")
        assert len(made) == 1
        # Once more where a decision is dated by the version that it makes.
        assert len(digests) == 1 + bool(edits)
        assert times_asked(encoder) == {1}
        assert np.array_equal(built.vectors, TinyEncoder().encode([node.label for node in built.tree.leaves]))


def test_only_nodes_without_a_name_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    labeller = Namesake()
    first = taxonomy.build(strings(400), encoder=TinyEncoder(), labeller=labeller).tree
    inner = {node.id for node in first.inner if node.level < 2}
    assert labeller.asked == inner
    assert {node.label_source for node in first.inner if node.id in inner} == {"llm"}
    assert first.provenance.labeller == "llm:namesake"
    second = Namesake()
    built = taxonomy.build(strings(430), previous=first, encoder=TinyEncoder(), labeller=second)
    names = {node.id: node.label for node in first.inner}
    new = {node.id for node in built.tree.inner if names.get(node.id) != node.label}
    assert new <= second.asked
    assert len(second.asked) < len(inner) / 2
    for node in built.tree.inner:
        if node.id in second.asked:
            assert (node.label_source, node.label) == ("llm", node.label.upper())
    assert built.tree.provenance.labeller == "llm:namesake"


def test_who_named_nothing_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    first = taxonomy.build(strings(300), encoder=TinyEncoder()).tree
    labeller = Namesake()
    same = taxonomy.build(strings(300), previous=first, encoder=TinyEncoder(), labeller=labeller)
    assert (labeller.asked, same.tree, same.labelled) == (set(), first, None)

    class Nobody(Namesake):
        def name(self, draft: Draft, vectors: np.ndarray, encoder: Encoder, **options: object) -> Labelled:
            return Labelled("nobody", 0, 0, (), Usage(), {})

    built = taxonomy.build(strings(300), encoder=TinyEncoder(), labeller=Nobody())
    assert built.tree.provenance.labeller == "keyphrase"
    assert built.tree.to_json() == first.to_json()
    assert built.labelled is not None


def test_edits_find_nodes_by_the_names_that_they_get() -> None:
    rows = strings(200)
    first = taxonomy.build(rows, encoder=TinyEncoder()).tree
    cluster, other = first.children(first.top[0])[:2]
    for labeller in (None, Namesake()):
        named = taxonomy.build(rows, encoder=TinyEncoder(), labeller=labeller).tree
        path = tuple(step.label for step in named.path(cluster.id))
        edits = (
            Edit(action="rename", path=path, to="By its name"),
            Edit(action="merge", node=other.id, to=cluster.id),
        )
        built = taxonomy.build(rows, encoder=TinyEncoder(), labeller=labeller, edits=edits)
        assert [outcome.status for outcome in built.outcomes] == ["applied", "applied"]
        assert built.tree.node(cluster.id).label == "By its name"
        gone = built.tree.retired_node(other.id)
        assert (gone.label, gone.replaced_by) == (named.node(other.id).label, (cluster.id,))


def test_a_name_says_what_edits_left_in_its_node() -> None:
    rows = strings(200)
    first = taxonomy.build(rows, encoder=TinyEncoder()).tree
    cluster = max((node for node in first.inner if node.level == 1), key=lambda node: len(first.children(node)))
    other = next(node for node in first.inner if node.level == 1 and node.parent == cluster.parent != node.id)
    moves = tuple(Edit(action="move", node=child.id, to=other.id) for child in first.children(cluster)[1:])
    tree = taxonomy.build(rows, encoder=TinyEncoder(), edits=moves).tree
    assert tree.node(cluster.id).label != first.node(cluster.id).label


# -- with a language model -------------------------------------------------------------------------------------


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    pytest.importorskip("openai", reason="the extra llm is not installed")
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serve() as one:
        yield one


class UnknowingEncoder(TinyEncoder):
    """It knows no word, so that the names of the server are not held against their members."""

    def unknown_words(self, strings: Sequence[str]) -> np.ndarray:
        return np.ones(len(strings), dtype=bool)


def test_the_next_version_asks_a_model_about_new_nodes_alone(server: Server) -> None:
    model = LanguageModel("openai/fake", server.url)
    first = taxonomy.build(strings(400), encoder=UnknowingEncoder(), labeller=model).tree
    asked = len(server.requests)
    assert asked == sum(0 < node.level < 2 for node in first.nodes)
    built = taxonomy.build(strings(600), previous=first, encoder=UnknowingEncoder(), labeller=model)
    names = {node.id: node.label for node in first.inner}
    new = [node for node in built.tree.inner if names.get(node.id) != node.label]
    assert new
    assert len(server.requests) - asked == len(new)
    assert {node.label_source for node in new} == {"llm"}
    assert built.labelled is not None
    assert built.labelled.named == len(new)
    # Nothing new, no call: neither of the same values nor of values without one of them.
    asked = len(server.requests)
    again = taxonomy.build(strings(600), previous=built.tree, encoder=UnknowingEncoder(), labeller=model)
    assert again.tree is built.tree
    fewer = strings(600)[1:]
    taxonomy.build(fewer, previous=built.tree, encoder=UnknowingEncoder(), labeller=model)
    assert len(server.requests) == asked


# -- what was built --------------------------------------------------------------------------------------------


def test_what_was_built_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = taxonomy.build(strings(120), encoder=TinyEncoder())
    assert len(built.quality) == len(built.tree.levels) - 1
    monkeypatch.chdir(tmp_path)
    for folder in (Path("."), tmp_path / "new" / "folder", str(tmp_path / "text")):
        names = built.write(folder)
        assert sorted(names) == ["frequencies.csv", "rejected.csv", "report.json", "taxonomy.csv", "taxonomy.json"]
        assert taxonomy.load(Path(folder) / "taxonomy.json") == built.tree
    (tmp_path / "mine.txt").touch()
    built.write(".")
    assert (tmp_path / "mine.txt").exists()
