"""A tree labelled through a server on loopback, for tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import taxonomy
from embeddings import DEFAULT_MODEL, Encoder, StoredEncoder, load_encoder
from taxonomy.building.labelling import label_nodes
from taxonomy.labels.language_model import Failure, LanguageModel
from taxonomy.llm.spending import Usage
from taxonomy.model import Taxonomy
from tests.llm_server import data_of, good_name, keep_all, kind_of

CANARY = "sk-canary-0123456789"
# The sizes of the tree, and the calls that name it: groups are looked at twice.
CLUSTERS, GROUPS = 8, 4
NAMED, CALLS = CLUSTERS + GROUPS, CLUSTERS + 2 * GROUPS


class Done(NamedTuple):
    """A labelled tree, and what was done to it."""

    tree: Taxonomy
    named: int
    moved: int
    failures: tuple[Failure, ...]
    usage: Usage


Label = Callable[..., Done]


def sizes(folder: Path) -> tuple[object, ...]:
    """Return the options of a build of these sizes, in the folder of the fixture `source`."""
    return ("--levels", f"{CLUSTERS},{GROUPS}", "--domains", folder / "domains.toml")


@cache
def encoder() -> Encoder:
    """What embedded the tree, loaded once for all tests."""
    return load_encoder(DEFAULT_MODEL)


def label_by(model: LanguageModel, tree: Taxonomy, vectors: NDArray[np.float32]) -> Done:
    labelled, done = label_nodes(tree, vectors, StoredEncoder(encoder()), model)
    return Done(labelled, done.named, done.moved, done.failures, done.usage)


def inner(tree: Taxonomy) -> list[taxonomy.Node]:
    return [node for node in tree.nodes if 0 < node.level < len(tree.levels) - 1]


def offline(tree: Taxonomy) -> dict[str, str]:
    return {node.id: node.label for node in inner(tree)}


def move_first(request: dict[str, Any]) -> dict[str, Any]:
    """Move the first member to the choice whose name comes first, whatever its id is in this vote."""
    answer, choices = keep_all(request), data_of(request)["choices"]
    answer["moves"][0]["choice"] = min(choices, key=lambda one: one["name"])["id"]
    return answer


def answering(move: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda request: move(request) if kind_of(request) == "move" else good_name(request)


def first_asked(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request without what an earlier answer was refused for."""
    messages = [{**one, "content": one["content"].partition("\n\nAn earlier answer")[0]} for one in request["messages"]]
    return {**request, "messages": messages}
