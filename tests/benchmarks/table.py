"""Results as Markdown, one function a table; each returns no lines where its parts were not measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.peers import PEERS
from tests.benchmarks.references import METHODS
from tests.benchmarks.sizes import COMMANDS, LIMITS, MILLION, SIZES, SMALL, STUDY

Parts = Mapping[str, Mapping[str, Any]]
NAMES = ("published", "wordnet")
# Of strings, of mentions, and of the sample of the strings that is clustered.
_STRINGS, _MENTIONS, _SAMPLE = 20_000_000, 1_000_000_000, 100_000
# What two processors of a cluster have of the work.
_SHARE = 32
_TITLES = ("published half: AMI, levels 1 / 2 / 3", "WordNet: AMI, levels 1 / 2 / 3")
_TUNED = (
    "Chosen on both references together: that neighbours share no word, how much they say, and how groups form. "
    "Chosen on the published half alone: how a domain is judged. So no figure here is of a tree that nothing was "
    "chosen on. Of level 3, the published tree has the five domains, which `--method` does not change and other tools "
    "don't know; WordNet's four tops are found in the data, where no method gets far from chance."
)


def table(results: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    parts: Parts = results["parts"]
    made = (
        _main_job,
        _starting,
        _embedding,
        _gpu,
        _both,
        _agreement,
        _content,
        _curve,
        _holding,
        _peers,
        _builds,
        _million,
        _sampled,
        _conversations,
        _sentences,
        _runs,
    )
    lines: list[str] = []
    for one in made:
        lines += one(parts)
    return "\n".join(lines).rstrip() + "\n"


def scale(results: Mapping[str, Any]) -> str:
    """Return what larger inputs take, measured and computed, as Markdown."""
    parts: Parts = results["parts"]
    measured = [
        (f"build of {int(count):,} strings, their vectors stored", one["seconds"], one["megabytes"])
        for (count,), one in _of(parts, "build")
    ]
    if one := parts.get(f"million {MILLION}"):
        measured.append(
            ("build of 1,000,000 strings, their vectors stored", one["build_seconds"], one["build_megabytes"])
        )
    for (count,), one in _of(parts, "assign"):
        measured.append((f"`assign` of {int(count):,} strings, their vectors stored", one["seconds"], one["megabytes"]))
    for _, one in _of(parts, "counting"):
        measured.append((f"`mentions count` of {one['mentions']:,} mentions", one["seconds"], one["megabytes"]))
    lines = _rows(("measured on two processors", "seconds", "MB"), ((a, b, f"{c:,}") for a, b, c in measured))
    return "\n".join([*lines, *_computed(parts)]).rstrip() + "\n"


def _computed(parts: Parts) -> list[str]:
    """Return what 20 million strings and a billion mentions take, by proportion."""
    rates, placed = dict(_of(parts, "embedding")), dict(_of(parts, "assign"))
    counted = [one for _, one in _of(parts, "counting")]
    built = parts.get(f"build {_SAMPLE}")
    if not (rates and placed and counted and built):
        return []
    rate = next(iter(rates.values()))["strings_per_second"]
    ((count,), placing), *_ = placed.items()
    largest = counted[-1]
    sample, others = _SAMPLE / rate, (_STRINGS - _SAMPLE) / rate
    placing_all = (_STRINGS - _SAMPLE) * placing["seconds"] / int(count)
    counting = _MENTIONS * largest["seconds"] / largest["mentions"]
    # One machine builds a tree. Spark counts by other means than what was measured.
    rows = [
        (f"embedding a sample of {_SAMPLE:,}", _hours(sample), _hours(sample / _SHARE)),
        ("building its tree", _hours(built["seconds"]), "the same"),
        ("embedding the others", _hours(others), _hours(others / _SHARE)),
        ("placing them", _hours(placing_all), _hours(placing_all / _SHARE)),
        ("counting a billion mentions", _hours(counting), "not measured"),
    ]
    return _rows((f"computed for {_STRINGS:,} strings", "on two processors", f"on {2 * _SHARE} of a cluster"), rows)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def _main_job(parts: Parts) -> list[str]:
    job, limits = parts.get("main_job"), LIMITS["main_job"]
    if job is None:
        return []
    texts = {"cold": "nothing stored", "stored": "vectors stored", "help": "`--help`"}
    names = ("the main job, 3,307 strings", "seconds", "limit", "MB")
    return _rows(
        names,
        (
            (text, job[f"{name}_seconds"], limits[f"{name}_seconds"], job[f"{name}_megabytes"])
            for name, text in texts.items()
        ),
    )


def _starting(parts: Parts) -> list[str]:
    found, limits = parts.get("starting"), LIMITS["starting"]
    if found is None:
        return []
    first = f"{found['first_string_seconds']} ± {found['first_string_spread']} s"
    ratio = f"{found['job_to_encode']} ({found['job_seconds']} s to {found['encode_seconds']} s)"
    return _rows(
        (f"a model used before, by {found['runtime']}", "", "limit"),
        (
            ("first string of a worker", first, f"{limits['first_string_seconds']} s"),
            ("the main job, nothing stored, to `encode` of its strings", ratio, limits["job_to_encode"]),
        ),
    )


def _gpu(parts: Parts) -> list[str]:
    found, limits = parts.get("gpu"), LIMITS["gpu"]
    none = "not measured: no GPU"
    others = found["sentence_transformers"] if found else {}
    return _rows(
        (f"on a GPU{', ' + found['device'] if found else ''}", "", "limit"),
        (
            ("strings a second, tokenising included", f"{found['strings_per_second']:,}" if found else none, ""),
            (
                "`encode` of sentence-transformers, by batch size",
                ", ".join(f"{size}: {rate:,}" for size, rate in others.items()) or none,
                "",
            ),
            ("its best, to ours", found["encode_to_ours"] if found else none, limits["encode_to_ours"]),
            ("a million strings", f"{found['million_seconds']} s" if found else none, f"{limits['million_seconds']} s"),
        ),
    )


def _agreement(parts: Parts) -> list[str]:
    found = dict(_of(parts, "agreement"))
    rows = []
    for model, method in dict.fromkeys(key[:2] for key in found):
        published, wordnet = (found.get((model, method, name)) for name in NAMES)
        if published is None or wordnet is None:
            continue
        figures = [f"{published['domain_accuracy']:.3f}", *(f"{one['triplets']:.3f}" for one in (published, wordnet))]
        rows.append((f"{method}, {Path(model).name}", *_beside(published, wordnet), *figures))
    titles = (*_TITLES, "domain accuracy", "triplets", "triplets, WordNet")
    return [*_rows(("`--method`, model", *titles), rows), *([_TUNED, ""] if rows else [])]


def _both(parts: Parts) -> list[str]:
    """Compare methods and other tools on both references at the same sizes."""
    agreed = dict(_of(parts, "agreement"))
    peers = dict(_of(parts, "peer"))
    pairs = [(f"`--method {method}`", *(agreed.get(("minilm", method, name)) for name in NAMES)) for method in METHODS]
    pairs += [(peer, peers.get((peer, str(SMALL))), peers.get((peer, "wordnet"))) for peer in PEERS]
    names = ("on both references", *_TITLES, "mean of both")
    return _rows(
        names,
        (
            (who, *_beside(one, other), _join(np.mean([one["ami"], other["ami"]], axis=0)))
            for who, one, other in pairs
            if one is not None and other is not None
        ),
    )


def _beside(published: Mapping[str, Any], wordnet: Mapping[str, Any]) -> tuple[str, str]:
    return _join(published["ami"]), _join(wordnet["ami"])


def _content(parts: Parts) -> list[str]:
    names = ("tree", "clusters of one word", "in the five largest groups", "clusters of a group", "outlying clusters")
    return _rows(
        names,
        (
            (
                source,
                f"{found['one_word']:.1%}",
                f"{found['five_largest']:.1%}",
                f"{found['smallest']} to {found['largest']}",
                f"{found['outlying']} of {found['clusters']}",
            )
            for (source,), found in _of(parts, "content")
        ),
    ) + _rows(
        (
            "tree",
            'names with "and", levels 1 / 2',
            "found first, levels 1 / 2 / 3",
            "among three",
            "label in definition",
        ),
        (
            (
                source,
                " / ".join(f"{share:.1%}" for share in found["joined"]),
                _join(found["first"]),
                _join(found["among_three"]),
                f"{found['repeating']} of {found['defined']}",
            )
            for (source,), found in _of(parts, "content")
        ),
    )


def _curve(parts: Parts) -> list[str]:
    names = ("neighbours", "their part", "clusters of one word", "AMI of level 1, published", "WordNet")
    return _rows(
        names,
        (
            (
                "in other words" if point["apart"] else "any",
                point["alpha"],
                f"{point['one_word']:.1%}",
                *(f"{point['ami'][name]:.3f}" for name in NAMES if name in point["ami"]),
            )
            for point in parts.get("curve", {}).get("points", ())
        ),
    )


def _holding(parts: Parts) -> list[str]:
    names = ("method", "AMI with another seed", "siblings kept with 1% more strings")
    return _rows(
        names,
        (
            (method, _join(found["seed_ami"]), f"{found['one_percent_jaccard']:.3f}")
            for (_, method), found in _of(parts, "holding")
        ),
    )


def _peers(parts: Parts) -> list[str]:
    lines = []
    for size in SIZES:
        ours = [("**value-taxonomy**", found) for (count, _), found in _of(parts, "clustering") if count == str(size)]
        others = [(peer, found) for (peer, count), found in _of(parts, "peer") if count == str(size)]
        lines += _rows(
            (f"{size:,} strings", "AMI", "placed", "clusters", "seconds, warm", "MB"),
            (
                (
                    who,
                    _join(found["ami"]) if "ami" in found else "",
                    " / ".join(f"{share:.0%}" for share in found["placed"]),
                    " / ".join(str(count) for count in found["clusters"]),
                    found["seconds"],
                    f"{found['megabytes']:,}",
                )
                for who, found in ours + others
            ),
        )
    return lines


def _builds(parts: Parts) -> list[str]:
    return _rows(
        ("a whole build, vectors of the values stored", "seconds", "MB"),
        ((f"{int(count):,} strings", one["seconds"], f"{one['megabytes']:,}") for (count,), one in _of(parts, "build")),
    )


def _million(parts: Parts) -> list[str]:
    found, limits = parts.get(f"million {MILLION}"), LIMITS[f"million {MILLION}"]
    if found is None:
        return []
    names = ("a million strings, vectors of the values stored", "seconds", "limit", "MB", "limit")
    return _rows(
        names,
        (
            (
                f"`{command}`",
                *(f"{one[f'{command}_{figure}']:,}" for figure in ("seconds", "megabytes") for one in (found, limits)),
            )
            for command in ("build", *COMMANDS)
        ),
    )


def _sampled(parts: Parts) -> list[str]:
    return [
        line
        for (count, sample), found in _of(parts, "sampled")
        for line in (
            f"A tree of {int(sample):,} of {int(count):,} strings takes {found['sample_seconds']} s, and placing "
            f"{found['values']:,} others in it {found['placing_seconds']} s. On those its levels agree with a tree "
            f"of all by AMI {_join(found['ami_with_whole'])}, and with a tree of another sample by "
            f"{_join(found['ami_of_draws'])}.",
            "",
        )
    ]


def _conversations(parts: Parts) -> list[str]:
    told = parts.get(f"report {STUDY}")
    if told is None:
        return []
    counts = [found for _, found in _of(parts, "counting")]
    rows = [(f"the report on {STUDY:,}, with all analyses", told)]
    rows += [(f"`mentions count` of {one['conversations']:,}", one) for one in counts]
    lines = _rows(
        ("invented conversations", "mentions", "seconds", "MB"),
        ((text, f"{one['mentions']:,}", one["seconds"], f"{one['megabytes']:,}") for text, one in rows),
    )
    sentence = f"Inventing {STUDY:,} takes {told['invented_seconds']} s."
    if len(counts) > 1:
        rows_times, times = (counts[-1][name] / counts[0][name] for name in ("mentions", "seconds"))
        sentence += f" {rows_times:.0f} times the rows are counted in {times:.1f} times the seconds."
    return [*lines, sentence, ""]


def _runs(parts: Parts) -> list[str]:
    """Say by which command each part was measured, on what machine, with which versions."""
    runs: dict[tuple[str, str, str], None] = {}
    for key, found in parts.items():
        word = key.split()[0]
        run = found.get("run", {"machine": "not noted", "versions": "not noted"})
        million = " --million" if word == "million" else ""
        runs[f"`python -m tests.benchmarks.run --only {word}{million}`", run["machine"], run["versions"]] = None
    return _rows(("measured by", "machine", "versions"), runs)


def _sentences(parts: Parts) -> list[str]:
    lines = []
    for part, text in (
        ("labelling", "Naming {nodes} nodes, nothing stored"),
        ("assign 100000", "`assign` of 100,000 strings"),
    ):
        if one := parts.get(part):
            lines.append(f"{text.format(**one)}: {one['seconds']} s, {LIMITS[part]['seconds']} allowed.")
    if one := parts.get("page"):
        lines.append(
            f"The page of 3,307 strings: written in {one['seconds']} s, {one['page_megabytes']} MB, answers "
            f"{one['interactive_seconds']} s after it is opened, and the slowest of some searches in "
            f"{one['search_milliseconds']} ms."
        )
    return [*lines, ""]


def _embedding(parts: Parts) -> list[str]:
    rates = dict(_of(parts, "embedding"))
    return _rows(
        ("embedding, turn by turn", "strings a second", "ours to it", "least cosine"),
        (
            row
            for found in rates.values()
            for row in (
                (f"value-taxonomy, by {found['runtime']}", f"{found['strings_per_second']:,}", "", ""),
                *(
                    (f"`encode` of sentence-transformers, batches of {size}", f"{rate:,}", ratio, found["worst_cosine"])
                    for size, (rate, ratio) in found["encode"].items()
                ),
            )
        ),
    )


def _of(parts: Parts, name: str) -> list[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Return the parts of one name with their arguments."""
    return [(tuple(key.split()[1:]), found) for key, found in parts.items() if key.split()[0] == name]


def _rows(names: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [_row(row) for row in rows]
    return [_row(names), _row(["---"] * len(names)), *lines, ""] if lines else []


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _join(figures: Iterable[float]) -> str:
    return " / ".join(f"{figure:.3f}" for figure in figures)
