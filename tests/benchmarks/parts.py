"""What is measured, one function a part; each runs in a process of its own: ``python -m tests.benchmarks.parts``."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from taxonomy.values import ValueSet, read_values
from tests.benchmarks.conversations import counting, report
from tests.benchmarks.data import PUBLISHED, stored, strings_file, vectors_of
from tests.benchmarks.page import page
from tests.benchmarks.peers import PEERS
from tests.benchmarks.processes import COMMAND, measure
from tests.benchmarks.references import REFERENCES, Reference, agreement, content, curve, score
from tests.benchmarks.sizes import MILLION, SMALL

RUNS = 3
# The first of them reads the files from the disk.
STARTS = 11
WARM_UP = 2000
# Sizes of batches at which `encode` is measured; the first is its default.
BATCHES = (32, 128, 512)


def main_job() -> dict[str, Any]:
    """Time the command line: a cold build, a warm one, and help; medians of three."""
    found: dict[str, Any] = {}
    levels = ["--levels", "266,26"] if PUBLISHED.is_file() else []
    with tempfile.TemporaryDirectory() as folder:
        build = [COMMAND, "build", str(strings_file(SMALL)), *levels, "--out", f"{folder}/build", "--quiet"]
        caches = {"cold": [f"{folder}/cold{run}" for run in range(RUNS)], "stored": [f"{folder}/cold0"] * RUNS}
        runs = {
            name: [measure(build, {"VALUE_TAXONOMY_CACHE": cache}) for cache in used] for name, used in caches.items()
        }
        runs["help"] = [measure([COMMAND, "--help"]) for _ in range(RUNS)]
    for name, measured in runs.items():
        found[f"{name}_seconds"] = round(statistics.median(run.seconds for run in measured), 2)
        found[f"{name}_megabytes"] = round(statistics.median(run.megabytes for run in measured))
    return found


# What a user would write instead, as a process of its own.
_ENCODE = """
import sys
from sentence_transformers import SentenceTransformer
from taxonomy.values import read_values
SentenceTransformer(sys.argv[1], device="cpu").encode(list(read_values(sys.argv[2]).labels))
"""


def starting() -> dict[str, Any]:
    """Time what a model that was used before needs: a first string, and the main job beside `encode` of its strings."""
    from embeddings import load_encoder

    source, seconds = str(strings_file(SMALL)), []
    levels = ["--levels", "266,26"] if PUBLISHED.is_file() else []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VALUE_TAXONOMY_CACHE"] = f"{folder}/used"
        encoder = load_encoder()
        for _ in range(STARTS):
            encoder.close()
            start = time.perf_counter()
            encoder.encode(["intellectual honesty"])
            seconds.append(time.perf_counter() - start)
        encoder.close()
        jobs, encodes = [], []
        for run in range(RUNS):
            cache = shutil.copytree(f"{folder}/used", f"{folder}/cache{run}")
            job = [COMMAND, "build", source, *levels, "--out", f"{folder}/build", "--quiet"]
            jobs.append(measure(job, {"VALUE_TAXONOMY_CACHE": cache}).seconds)
            encodes.append(measure([sys.executable, "-c", _ENCODE, str(encoder.folder), source]).seconds)
    return {
        "runtime": encoder.runtime,
        "first_string_seconds": round(statistics.mean(seconds[1:]), 2),
        "first_string_spread": round(statistics.stdev(seconds[1:]), 2),
        "job_seconds": round(statistics.median(jobs), 2),
        "encode_seconds": round(statistics.median(encodes), 2),
        "job_to_encode": round(statistics.median(jobs) / statistics.median(encodes), 2),
    }


def build(count: str) -> dict[str, Any]:
    """Time a whole build with the values' vectors stored."""
    source = strings_file(int(count))
    cache = stored(source, composed=False)
    with tempfile.TemporaryDirectory() as folder:
        command = [COMMAND, "build", str(source), "--out", f"{folder}/build", "--quiet"]
        measured = measure(command, {"VALUE_TAXONOMY_CACHE": str(cache)})
    return {"seconds": round(measured.seconds, 1), "megabytes": round(measured.megabytes)}


# A decision on a node that every tree with the default domains has, for a version that differs from the one before.
_EDITS = """
[[edit]]
action = "define"
path = ["Practical"]
to = "What helps to get a task done well."
"""


def million(count: str) -> dict[str, Any]:
    """Time a build of so many strings, and the commands that read its tree, or two versions of it, vectors stored."""
    source = strings_file(int(count))
    cache = {"VALUE_TAXONOMY_CACHE": str(stored(source, composed=True))}
    with tempfile.TemporaryDirectory() as folder:
        old, new = f"{folder}/build/taxonomy.json", f"{folder}/next.json"
        edits = Path(folder, "edits.toml")
        edits.write_text(_EDITS, encoding="utf-8")
        timed = {
            "build": measure([COMMAND, "build", str(source), "--out", f"{folder}/build", "--quiet"], cache),
            "apply-edits": measure([COMMAND, "apply-edits", old, "--edits", str(edits), "--out", new], cache),
            "show": measure([COMMAND, "show", old], cache),
            "export": measure([COMMAND, "export", old, "--out", f"{folder}/tree.csv"], cache),
            "diff": measure([COMMAND, "diff", old, new], cache),
            "lint": measure([COMMAND, "lint", old], cache, ends=(0, 1)),
        }
    return {
        f"{name}_{figure}": round(getattr(one, figure), digits)
        for name, one in timed.items()
        for figure, digits in (("seconds", 1), ("megabytes", None))
    }


def sampled(count: str, sample: str) -> dict[str, Any]:
    """Cluster a sample and place the rest in it; compare that with a tree of all, and with a tree of another draw.

    All trees have the sizes of the one of the sample. Agreement is of the values that are in no sample.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    import taxonomy

    values = read_values(strings_file(int(count)))
    os.environ["VALUE_TAXONOMY_CACHE"] = str(stored(strings_file(int(count)), composed=False))
    weights = {value.label: value.weight for value in values.values}
    draws = [
        set(np.random.default_rng(draw).choice(values.labels, int(sample), replace=False).tolist()) for draw in range(2)
    ]
    rest = [label for label in values.labels if label not in draws[0] | draws[1]]

    def levels_of(tree: taxonomy.Taxonomy) -> list[list[str]]:
        paths = [tree.path(tree.node(label, level=0))[:-1][::-1] for label in rest]
        return [[path[level].id for path in paths] for level in range(len(tree.levels) - 1)]

    start = time.perf_counter()
    trees = [taxonomy.build({label: weights[label] for label in draw}) for draw in draws]
    seconds = (time.perf_counter() - start) / len(draws)
    sizes = [level.size for level in trees[0].tree.levels[1:-1]]
    whole = levels_of(taxonomy.build(values, levels=sizes).tree)
    start = time.perf_counter()
    first, second = (
        levels_of(taxonomy.assign({label: weights[label] for label in rest}, one.tree).tree) for one in trees
    )
    placing = (time.perf_counter() - start) / len(draws)

    def ami(one: Sequence[Sequence[str]], other: Sequence[Sequence[str]]) -> list[float]:
        return [round(float(adjusted_mutual_info_score(a, b)), 3) for a, b in zip(one, other, strict=True)]

    return {
        "values": len(rest),
        "sizes": sizes,
        "sample_seconds": round(seconds, 1),
        "placing_seconds": round(placing, 1),
        "ami_with_whole": ami(first, whole),
        "ami_of_draws": ami(first, second),
    }


def labelling() -> dict[str, Any]:
    """Time the naming of all nodes of a build of which nothing is stored: from the end of the clustering on."""
    import taxonomy

    ends: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VALUE_TAXONOMY_CACHE"] = folder
        tree = taxonomy.build(
            strings_file(SMALL),
            levels=(266, 26),
            progress=lambda stage, done, total: ends.update({stage: time.perf_counter()}),
        ).tree
        ends["named"] = time.perf_counter()
    nodes = len(tree.inner)
    return {"seconds": round(ends["named"] - ends["clustering"], 2), "nodes": nodes}


def assign(count: str) -> dict[str, Any]:
    """Time the placement of strings with stored vectors in a tree of the published strings."""
    source = strings_file(int(count))
    vectors_of(source)
    with tempfile.TemporaryDirectory() as folder:
        measure([COMMAND, "build", str(strings_file(SMALL)), "--out", f"{folder}/build", "--quiet"])
        placed = [
            COMMAND,
            "assign",
            str(source),
            "--taxonomy",
            f"{folder}/build/taxonomy.json",
            "--out",
            f"{folder}/placed.csv",
            "--quiet",
        ]
        measured = measure(placed)
    return {"seconds": round(measured.seconds, 1), "megabytes": round(measured.megabytes)}


def holding(model: str, method: str) -> dict[str, Any]:
    """Build the published strings with another seed, and with 1% more of them than before."""
    from sklearn.metrics import adjusted_mutual_info_score

    import taxonomy

    labels = [node.label for node in taxonomy.build(strings_file(SMALL), model=model).tree.leaves]

    def paths(strings: Sequence[str], seed: int = 0) -> dict[str, list[str]]:
        tree = taxonomy.build(strings, levels=(266, 26), model=model, method=method, seed=seed).tree
        return {node.label: [step.id for step in tree.path(node)[:-1]] for node in tree.leaves}

    all_values, other_seed = paths(labels), paths(labels, seed=1)
    seeds = [
        adjusted_mutual_info_score(
            [all_values[one][-level] for one in labels], [other_seed[one][-level] for one in labels]
        )
        for level in (1, 2, 3)
    ]
    jaccards = []
    for draw in range(5):
        left_out = set(np.random.default_rng(draw).choice(labels, len(labels) // 100, replace=False))
        kept = [label for label in labels if label not in left_out]
        fewer = paths(kept)
        jaccards.append(_siblings_kept([fewer[one][-1] for one in kept], [all_values[one][-1] for one in kept]))
    return {
        "seed_ami": [round(float(one), 3) for one in seeds],
        "one_percent_jaccard": round(statistics.median(jaccards), 3),
    }


def clustering(count: str, method: str) -> dict[str, Any]:
    """Time the clustering alone, in a warm process, and score it where there is a reference."""
    from embeddings import load_encoder
    from taxonomy.building.pipeline import find_anchors
    from taxonomy.clustering.recursion import Settings, build_hierarchy
    from taxonomy.domains import load_domains

    source = strings_file(int(count))
    value_set, vectors = read_values(source), vectors_of(source)
    anchors = find_anchors(load_domains(), value_set, load_encoder())

    def cluster(points: NDArray[np.float32], wanted: Sequence[int]) -> list[NDArray[np.intp]]:
        known = np.full(len(points), -1) if len(points) < len(vectors) else anchors.known
        layers = build_hierarchy(
            points,
            wanted[:-1],
            Settings(method, seed=0, exact=False),
            anchors=type(anchors)(anchors.vectors, anchors.domains, known),
            n_top=5,
            labels=value_set.labels[: len(points)],
        )
        found, nodes = [], np.arange(len(points))
        for layer in layers:
            nodes = layer.parents[nodes]
            found.append(nodes)
        return found

    return _timed(cluster, vectors, value_set, count)


def peer(name: str, source: str) -> dict[str, Any]:
    """Time another tool on the same vectors, in a warm process; `source` is a number of strings or a reference."""
    path = strings_file(int(source)) if source.isdigit() else REFERENCES[source].strings
    value_set, vectors = read_values(path), vectors_of(path)
    strings = value_set.labels

    def cluster(points: NDArray[np.float32], wanted: Sequence[int]) -> list[NDArray[np.intp]]:
        return PEERS[name](points, strings[: len(points)], wanted)

    return _timed(cluster, vectors, value_set, source)


def embedding(count: str) -> dict[str, Any]:
    """Compare the rate of embedding with sentence-transformers' own at several batch sizes, turn by turn."""
    from sentence_transformers import SentenceTransformer

    from embeddings import load_encoder

    strings = list(read_values(strings_file(int(count))).labels)
    encoder = load_encoder()
    theirs = SentenceTransformer(str(encoder.folder), device="cpu")
    encoder.encode(strings[:WARM_UP])
    theirs.encode(strings[:WARM_UP])

    def rated(encode: Callable[[list[str]], NDArray[np.float32]]) -> tuple[float, NDArray[np.float32]]:
        start = time.perf_counter()
        vectors = encode(texts)
        return len(texts) / (time.perf_counter() - start), vectors

    turns: list[tuple[float, list[float]]] = []
    worst = 1.0
    for part in np.array_split(np.array(strings), 4):
        texts = part.tolist()
        ours, vectors = rated(encoder.encode)
        others = [rated(functools.partial(theirs.encode, batch_size=size)) for size in BATCHES]
        turns.append((ours, [rate for rate, _ in others]))
        worst = min(worst, *(float((vectors * other).sum(axis=1).min()) for _, other in others))
    encoder.close()
    return {
        "runtime": encoder.runtime,
        "strings_per_second": round(statistics.median(ours for ours, _ in turns)),
        "encode": {
            size: (
                round(statistics.median(rates[at] for _, rates in turns)),
                round(statistics.median(ours / rates[at] for ours, rates in turns), 2),
            )
            for at, size in enumerate(BATCHES)
        },
        "worst_cosine": round(worst, 6),
    }


def gpu() -> dict[str, Any]:
    """Compare the rate on a GPU, tokenising included, with `encode` at several batch sizes, and time a million."""
    from sentence_transformers import SentenceTransformer

    from embeddings import load_encoder

    strings = list(read_values(strings_file(100_000)).labels)
    encoder = load_encoder(device="cuda:0")
    theirs = SentenceTransformer(str(encoder.folder), device="cuda:0")

    def rate(encode: Callable[[list[str]], object]) -> int:
        encode(strings[:WARM_UP])
        seconds = []
        for _ in range(RUNS):
            start = time.perf_counter()
            encode(strings)
            seconds.append(time.perf_counter() - start)
        return round(len(strings) / statistics.median(seconds))

    ours = rate(encoder.encode)
    others = {size: rate(functools.partial(theirs.encode, batch_size=size)) for size in (32, 256, 1024, 4096)}
    million = list(read_values(strings_file(MILLION)).labels)
    start = time.perf_counter()
    encoder.encode(million)
    seconds = time.perf_counter() - start
    encoder.close()
    return {
        "device": encoder.device,
        "strings_per_second": ours,
        "sentence_transformers": others,
        "encode_to_ours": round(max(others.values()) / ours, 3),
        "million_seconds": round(seconds, 1),
    }


def _sizes(source: str) -> tuple[int, ...]:
    from taxonomy.clustering.sizes import default_sizes

    if (reference := _reference(source)) is not None:
        return reference.sizes
    return (*default_sizes(int(source), 5), 5)


def _reference(source: str) -> Reference | None:
    return REFERENCES.get("published" if source == str(SMALL) else source)


def _timed(
    cluster: Callable[[NDArray[np.float32], Sequence[int]], list[NDArray[np.intp]]],
    vectors: NDArray[np.float32],
    values: ValueSet,
    source: str,
) -> dict[str, Any]:
    sizes = _sizes(source)
    # What is compiled or imported at first use is not what is compared.
    cluster(vectors[:WARM_UP], [100, 20, 5][-len(sizes) :])
    with _peak_memory() as peak:
        start = time.perf_counter()
        partitions = cluster(vectors, sizes)
        seconds = time.perf_counter() - start
    found = {
        "seconds": round(seconds, 1),
        "megabytes": round(peak[0]),
        "placed": [round(float((labels >= 0).mean()), 3) for labels in partitions],
        "clusters": [len(set(labels[labels >= 0].tolist())) for labels in partitions],
    }
    if (reference := _reference(source)) is not None:
        found["ami"] = [round(one, 3) for one in score(partitions, vectors, values, reference)]
    return found


def _siblings_kept(one: Sequence[str], other: Sequence[str]) -> float:
    """Return the mean Jaccard similarity of the values' sets of siblings."""
    first, second = (np.unique(labels, return_inverse=True)[1] for labels in (one, other))
    overlap = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(overlap, (first, second), 1)
    both = overlap[first, second]
    # A value is not its own sibling.
    union = np.bincount(first)[first] + np.bincount(second)[second] - both - 1
    return float(np.mean(np.divide(both - 1, union, out=np.ones(len(both)), where=union > 0)))


@contextlib.contextmanager
def _peak_memory() -> Iterator[list[float]]:
    """Sample the memory of this process and its children, in MB."""
    peak, stop = [0.0], threading.Event()

    def sample() -> None:
        me = psutil.Process(os.getpid())
        while not stop.wait(0.02):
            with contextlib.suppress(psutil.NoSuchProcess):
                peak[0] = max(peak[0], sum(one.memory_info().rss for one in (me, *me.children(recursive=True))) / 1e6)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    function.__name__: function
    for function in (
        main_job,
        starting,
        build,
        million,
        sampled,
        labelling,
        assign,
        agreement,
        content,
        curve,
        holding,
        clustering,
        peer,
        page,
        embedding,
        gpu,
        report,
        counting,
    )
}

if __name__ == "__main__":
    name, *arguments, path = sys.argv[1:]
    Path(path).write_text(json.dumps(PARTS[name](*arguments)), encoding="utf-8")
