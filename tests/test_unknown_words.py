"""Strings whose words or script a model does not know: told, flagged, stored, and named as they are written."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from functools import cache as once
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

import embeddings
import taxonomy
from embeddings import SentenceTransformerEncoder, StoredEncoder
from embeddings.encoder import find_unknown_words
from embeddings.vocabulary import Vocabulary, scripts
from taxonomy.labels.keyphrase import Namer
from taxonomy.model import Taxonomy
from taxonomy.placement import assign
from taxonomy.values import canonical_key, read_values
from tests.conftest import FIXTURE, ROOT, Run, examples
from tests.tiny_encoder import TinyEncoder

# Two hundred values each, invented for these tests.
LISTS = ("german", "japanese", "arabic")
CHINESE = ["诚实", "同理心", "自由", "正义", "家庭"]


def path_of(name: str) -> Path:
    return ROOT / "tests" / "data" / f"{name}.txt"


@once
def values_of(name: str) -> tuple[str, ...]:
    return tuple(path_of(name).read_text(encoding="utf-8").splitlines())


class Limited(TinyEncoder):
    """An encoder that knows Latin letters alone, and a record of what it was asked about."""

    def __init__(self, digest: str = "limited") -> None:
        super().__init__(digest)
        self.looked_at: list[str] = []

    def unknown_words(self, strings: Sequence[str]) -> list[bool]:
        self.looked_at += strings
        return [not string.isascii() for string in strings]


class Told(TinyEncoder):
    """An encoder whose unknown words are told by a vocabulary."""

    def __init__(self, digest: str, vocabulary: Vocabulary) -> None:
        super().__init__(digest)
        self._vocabulary = vocabulary

    def unknown_words(self, strings: Sequence[str]) -> NDArray[np.bool_]:
        return np.array(self._vocabulary.unknown(list(strings)), dtype=bool)


def vocabulary_of(tokenizer: Tokenizer) -> Vocabulary:
    from transformers import PreTrainedTokenizerFast

    return Vocabulary(PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]"))


@pytest.fixture(scope="module")
def multilingual() -> Vocabulary:
    """A vocabulary of German, Japanese and Arabic: whatever up to five letters long is in their lists."""
    words = " ".join(value.lower() for name in LISTS for value in values_of(name)).split()
    pieces = {word[i:j] for word in words for i in range(len(word)) for j in range(i + 1, min(i + 5, len(word)) + 1)}
    tokens = ["[UNK]", *sorted(pieces), *(f"##{piece}" for piece in sorted(pieces))]
    vocab = {token: id for id, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))  # type: ignore[call-arg]
    tokenizer.normalizer = normalizers.BertNormalizer(handle_chinese_chars=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return vocabulary_of(tokenizer)


@pytest.fixture(scope="module")
def minilm(cache: Path) -> SentenceTransformerEncoder:
    """The encoder that tests share."""
    return embeddings.load_encoder()


# -- what is told -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "least"), [("german", 0.8), ("japanese", 1), ("arabic", 1)])
def test_an_english_model_says_what_it_does_not_know(
    minilm: SentenceTransformerEncoder, name: str, least: float
) -> None:
    assert len(set(map(canonical_key, values_of(name)))) == 200
    assert minilm.unknown_words(values_of(name)).mean() >= least


def test_english_values_are_known(minilm: SentenceTransformerEncoder, published: Path) -> None:
    labels = read_values(FIXTURE).labels
    assert [label for label, lost in zip(labels, minilm.unknown_words(labels), strict=True) if lost] == []
    with (published / "values_frequencies.csv").open(encoding="utf-8", newline="") as file:
        strings = [row["value"] for row in csv.DictReader(file)]
    alarms = [string for string, lost in zip(strings, minilm.unknown_words(strings), strict=True) if lost]
    assert len(alarms) <= 0.001 * len(strings)
    assert set(alarms) <= {"misogyny", "pedagogy", "voyeurism"}


def test_each_kind_of_script_is_told(minilm: SentenceTransformerEncoder) -> None:
    unknown = ["честность", "ειλικρίνεια", "יושר", "정직", "ความซื่อสัตย์", "परिवार", "AI 倫理", "Verständlichkeit"]
    known = [
        "honesty",
        "café culture",
        "24/7 care",
        "C++ skills",
        "R&D",
        "ﬁdelity",
        "ＨＯＮＥＳＴＹ",
        "✨",
        "",
    ]
    assert minilm.unknown_words([*unknown, *known]).tolist() == [True] * len(unknown) + [False] * len(known)
    assert minilm.unknown_words([]).shape == (0,)


@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12), max_size=8), st.randoms())
@examples(10)
def test_what_is_told_of_a_string_hangs_on_it_alone(strings: list[str], random: object) -> None:
    vocabulary = made_of(("care", "trust"))
    told = vocabulary.unknown(strings)
    assert [vocabulary.unknown([string])[0] for string in strings] == told
    assert vocabulary.unknown(strings[::-1]) == told[::-1]


@once
def made_of(words: tuple[str, ...]) -> Vocabulary:
    vocab = {token: id for id, token in enumerate(["[UNK]", *words])}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))  # type: ignore[call-arg]
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return vocabulary_of(tokenizer)


def test_a_word_without_a_token_is_unknown() -> None:
    assert made_of(("care", "trust")).unknown(["care", "care, trust!", "care and trust"]) == [False, False, True]


def test_several_scripts_make_a_vocabulary_of_several_languages(multilingual: Vocabulary) -> None:
    for name in LISTS:
        assert not any(multilingual.unknown(list(values_of(name)))), name
    # No letter of it is in the vocabulary.
    assert multilingual.unknown(["честность"]) == [True]


def test_tokens_that_stand_for_bytes_are_read() -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    trainer = trainers.BpeTrainer(
        vocab_size=6000, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    english = [f" {label}" for label in read_values(FIXTURE).labels]
    tokenizer.train_from_iterator([*english, *(f" {value} {value}" for value in values_of("arabic"))], trainer)
    vocabulary = vocabulary_of(tokenizer)
    assert not any(vocabulary.unknown(list(values_of("arabic"))))
    assert all(vocabulary.unknown(list(values_of("japanese"))))


def test_scripts_are_those_of_letters() -> None:
    assert scripts("Ärger 24/7") == {"LATIN"}
    assert scripts("チームワーク々") == {"KATAKANA"}
    assert scripts("α 和") == {"GREEK", "CJK"}
    assert scripts("24/7 ✨") == set()


MODEL = """
    import json, sys
    from sentence_transformers import SentenceTransformer, models
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder, source = sys.argv[1:]
    special = {"unk_token": "[UNK]", "pad_token": "[UNK]", "cls_token": "[UNK]", "sep_token": "[UNK]"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_file(source), **special)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(folder + "/bert")
    tokenizer.save_pretrained(folder + "/bert")
    word = models.Transformer(folder + "/bert")
    SentenceTransformer(modules=[word, models.Pooling(16)]).save_pretrained(folder + "/model")
"""


@pytest.mark.slow
def test_a_tiny_model_of_many_languages_builds(multilingual: Vocabulary, cache: Path, tmp_path: Path) -> None:
    multilingual._tokenizer.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MODEL), tmp_path, tmp_path / "tokenizer.json"],
        check=True,
        capture_output=True,
    )
    tree = taxonomy.build([value for name in LISTS for value in values_of(name)], model=str(tmp_path / "model")).tree
    assert flagged(tree) == []


# -- the store --------------------------------------------------------------------------------------------------------


def test_what_is_told_is_stored(tmp_path: Path) -> None:
    first, second = Limited(), Limited()
    strings = ["patience", "诚实", "patience", "care"]
    told = StoredEncoder(first, folder=tmp_path).unknown_words(strings)
    assert told.tolist() == [False, True, False, False]
    again = StoredEncoder(second, folder=tmp_path).unknown_words([*strings[::-1], "自由"])
    assert again.tolist() == [False, False, True, False, True]
    assert (len(first.looked_at), second.looked_at) == (4, ["自由"])


def test_an_encoder_that_tells_nothing_knows_all(tmp_path: Path) -> None:
    assert not find_unknown_words(TinyEncoder(), CHINESE).any()
    assert not StoredEncoder(TinyEncoder(), folder=tmp_path).unknown_words(CHINESE).any()


def test_the_bytes_of_a_tree_do_not_hang_on_what_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for stored in (("patience",), ("诚实", "honesty")):
        monkeypatch.setenv("VALUE_TAXONOMY_CACHE", str(tmp_path / stored[0]))
        StoredEncoder(Limited()).encode(stored)
        StoredEncoder(Limited()).unknown_words(stored)
        for _ in range(2):
            encoder = Limited()
            made.append(taxonomy.build([*CHINESE, "patience", "honesty"], encoder=encoder).tree.to_json())
        # Neither a vector nor an answer was missing.
        assert (encoder.asked, encoder.looked_at) == ([], [])
    assert len(set(made)) == 1


# -- what follows -----------------------------------------------------------------------------------------------------


def flagged(tree: Taxonomy) -> list[str]:
    return [value.label for value in tree.leaves if "unknown-words" in value.flags]


def test_a_build_says_it_flags_them_and_lint_lists_them(run: Run, cases: Path, tmp_path: Path) -> None:
    done = run("build", cases / "other_scripts.txt", "--out", tmp_path)
    assert "14 of 14 strings hold words that the model does not know; see lint" in done.stdout
    tree = taxonomy.load(tmp_path / "taxonomy.json")
    assert len(flagged(tree)) == 14
    for value in tree.leaves:
        assert value.flags == ("unknown-words",)
        assert value.placement is not None
        assert (value.placement.confidence, value.placement.second_parent) == (0, None)
    report = json.loads((tmp_path / "report.json").read_bytes())
    assert {"level": 0, "flag": "unknown-words", "nodes": 14} in report["flags"]
    found = run("lint", tmp_path / "taxonomy.json", "--no-vectors", "--fail-on", "unknown-words")
    assert found.returncode == 1
    assert "14  unknown-words" in found.stdout
    assert '"自由" (level 0) holds words that minilm does not know' in found.stdout
    assert "doubtful-parent" not in found.stdout


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("name", LISTS)
def test_the_order_of_foreign_strings_changes_no_byte(name: str) -> None:
    values = values_of(name)
    first, second = (taxonomy.build(strings, encoder=Limited()).tree for strings in (values, values[::-1]))
    assert first.to_json() == second.to_json()


@pytest.mark.usefixtures("cache")
def test_known_strings_beside_them_are_placed_as_ever() -> None:
    english = ["patience", "honesty", "kindness", "safety"]
    tree, alone = (taxonomy.build(values).tree for values in ([*english, *CHINESE], english))
    assert flagged(tree) == sorted(CHINESE)
    assert [tree.path(tree.node(label))[0].label for label in english] == [
        alone.path(alone.node(label))[0].label for label in english
    ]


@pytest.mark.usefixtures("cache")
def test_a_model_that_knows_them_takes_the_flag_away() -> None:
    values = ["patience", "honesty", "kindness", "safety", *CHINESE]
    first = taxonomy.build(values, encoder=Limited(), domains=None, top=3).tree
    assert flagged(first) == sorted(CHINESE)
    same = taxonomy.build(values, encoder=Limited(), previous=first, domains=None, top=3).tree
    assert same.to_json() == first.to_json()
    other = taxonomy.build([*values, "care"], encoder=Limited(), previous=first, domains=None, top=3).tree
    assert flagged(other) == sorted(CHINESE)
    after = taxonomy.build(values, encoder=TinyEncoder(), previous=first, domains=None, top=3).tree
    assert flagged(after) == []
    assert all(value.placement and value.placement.confidence > 0 for value in after.leaves)


def test_new_strings_that_are_not_known_are_placed_without_confidence(
    run: Run, small_build: Path, tmp_path: Path
) -> None:
    tree = taxonomy.load(small_build / "taxonomy.json")
    strings = ["truthfulness in court", *CHINESE]
    assigned = assign(strings, tree)
    assert assigned.unknown_words == 5
    for one in assigned.assignments[1:]:
        assert (one.status, one.confidence, one.runner_up, one.unknown_words) == ("placed", 0, None, True)
    assert flagged(assigned.tree) == sorted(CHINESE)
    assert {assigned.tree.node(label).flags for label in CHINESE} == {("unknown-words",)}
    unsure = assign(strings, tree, min_confidence=0.01)
    assert [one.status for one in unsure.assignments] == ["placed", *["unplaced"] * 5]

    (tmp_path / "new.txt").write_text("\n".join(strings), encoding="utf-8")
    done = run("assign", tmp_path / "new.txt", "--taxonomy", small_build / "taxonomy.json", "--out", tmp_path / "o.csv")
    assert "5 of 6 strings hold words that the model does not know; their confidence is 0" in done.stdout


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("name", LISTS)
def test_lists_in_other_languages_build_and_names_are_values(multilingual: Vocabulary, name: str) -> None:
    encoder = Told("multilingual", multilingual)
    tree = taxonomy.build(path_of(name), encoder=encoder).tree
    assert flagged(tree) == []
    assert len(tree.leaves) == 200
    named = [node for node in tree.inner if node.label_source == "keyphrase"]
    assert named
    for node in named:
        assert node.label in {value.label for value in tree.values(node)}


@pytest.mark.usefixtures("cache")
def test_german_names_by_an_english_model_are_german() -> None:
    tree = taxonomy.build(path_of("german")).tree
    named = [node for node in tree.inner if node.label_source == "keyphrase"]
    assert {node.label for node in named} <= set(values_of("german"))


@given(st.lists(st.sampled_from(values_of("german")), min_size=3, max_size=12, unique=True))
@examples(20)
def test_a_foreign_node_has_the_name_of_its_medoid(labels: list[str]) -> None:
    vectors = TinyEncoder().encode(labels)
    foreign = np.arange(len(labels)) > (len(labels) - 1) // 2 - 1
    namer = Namer.from_weights(labels, np.ones(len(labels)), vectors, TinyEncoder().encode, foreign)
    (name,) = namer.name_level([np.arange(len(labels))])
    medoid = np.round(vectors @ vectors.sum(axis=0) / np.linalg.norm(vectors.sum(axis=0)), 6)
    assert medoid[labels.index(name)] == pytest.approx(medoid.max(), abs=2e-6)


def test_a_name_that_is_taken_gives_way_to_the_next() -> None:
    labels = ["诚实", "自由", "正义"]
    namer = Namer.from_weights(
        labels, np.ones(3), TinyEncoder().encode(labels), TinyEncoder().encode, np.ones(3, dtype=bool)
    )
    node = np.arange(3)
    (first,) = namer.name_level([node])
    (second,) = namer.name_level([node], [{canonical_key(first)}])
    assert {first, second} < set(labels)
    (numbered,) = namer.name_level([node], [set(map(canonical_key, labels))])
    assert numbered == f"{first} 2"
