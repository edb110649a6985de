"""The command lint."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxonomy.cli.options import PATH, did_you_mean, model_option, quiet_option, taxonomy_argument
from taxonomy.cli.vectors_option import check_vectors, embed_or_say

if TYPE_CHECKING:
    from taxonomy.model import Taxonomy
    from taxonomy.quality.ignored import Ignore, Sifted

# Lines of the summary.
_SUMMARY = 10


@click.command("lint")
@taxonomy_argument
@click.option("--fail-on", default="", metavar="CODE,CODE", help="Exit with 1 if there is a finding of these codes.")
@click.option("--ignore", "ignore_file", type=PATH, help="A file of findings not to list, each with its reason.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@model_option("Model for the checks by likeness")
@click.option("--no-vectors", is_flag=True, help="Leave out the checks by likeness, which need a model.")
@quiet_option
def lint_command(
    taxonomy: Path,
    fail_on: str,
    ignore_file: Path | None,
    as_json: bool,
    model: str | None,
    no_vectors: bool,
    quiet: bool,
) -> None:
    """List what a taxonomist should look at, the heaviest nodes first.

    TAXONOMY is in any format that import reads. The summary comes first: how many findings there are of each kind, and
    the heaviest node of each.

    \b
    Example:
      value-taxonomy lint build/taxonomy.json --fail-on single-child,opposites
      value-taxonomy lint build/taxonomy.json --ignore ignored.toml
    """
    from taxonomy.building.folder import MIXED_FOLDER, find_mixture
    from taxonomy.cli.screen import progress_bars
    from taxonomy.formats.readers import read
    from taxonomy.quality.findings import CHECKS, VECTOR_CHECKS, list_findings
    from taxonomy.quality.ignored import read_ignored, sift

    if as_json and quiet:
        raise click.UsageError("--json and --quiet exclude each other")
    check_vectors(model, no_vectors)
    every = sorted([MIXED_FOLDER, *CHECKS, *VECTOR_CHECKS])
    unchecked = sorted(VECTOR_CHECKS) if no_vectors else []
    gates = _gates(fail_on, every, unchecked)
    ignored = () if ignore_file is None else read_ignored(ignore_file)
    _check_codes(ignored, every, ignore_file)
    tree = read(taxonomy)
    with progress_bars(quiet) as progress:
        vectors = None if no_vectors else embed_or_say(tree, model, progress)
    sifted = sift([*list_findings(tree, vectors), *find_mixture(taxonomy, tree)], ignored)
    if as_json:
        click.echo(json.dumps(_plain_types(tree, sifted, unchecked), indent=1, ensure_ascii=False))
    elif not quiet:
        _show(tree, sifted, unchecked)
    if gates & {finding.code for finding in sifted.findings}:
        raise SystemExit(1)


def _gates(fail_on: str, every: Collection[str], unchecked: Collection[str]) -> set[str]:
    gates = {code.strip() for code in fail_on.split(",") if code.strip()}
    codes = [code for code in every if code not in unchecked]
    unknown = sorted(gates - set(codes))
    if unknown:
        without = " without vectors" if unchecked else ""
        hint = did_you_mean(unknown[0], codes)
        raise click.BadParameter(f"no code {unknown[0]!r}{without}; {hint}", param_hint="--fail-on")
    return gates


def _check_codes(ignored: Collection[Ignore], every: Collection[str], path: Path | None) -> None:
    from taxonomy.errors import InputError

    for ignore in ignored:
        if ignore.code not in every:
            remedy = did_you_mean(ignore.code, every)
            raise InputError(f"no code {ignore.code!r}", path=str(path), line=ignore.line, remedy=remedy)


def _show(tree: Taxonomy, sifted: Sifted, unchecked: Collection[str]) -> None:
    from rich.text import Text

    from taxonomy.cli.screen import console, paged, plain

    screen = console()
    with paged(screen):
        for line in _summary(tree, sifted, unchecked):
            screen.print(Text(plain(line)), soft_wrap=True)
        if sifted.findings:
            screen.print()
        for finding in sifted.findings:
            screen.print(Text(plain(f"{finding.code}  {finding.node}  {finding.message}")), soft_wrap=True)


def _summary(tree: Taxonomy, sifted: Sifted, unchecked: Collection[str]) -> Iterator[str]:
    """Yield how many findings there are of each kind, and the heaviest node of each, in at most ten lines."""
    from taxonomy.english.plurals import count_of

    ignored = f", {sifted.ignored:,} ignored" if sifted.ignored else ""
    yield f"{count_of(len(sifted.findings), 'finding')}{ignored}" if sifted.findings else f"no findings{ignored}"
    ends = []
    if sifted.idle:
        ends.append("ignores nothing any more: " + ", ".join(f"line {ignore.line}" for ignore in sifted.idle))
    if unchecked:
        ends.append(f"not checked: {', '.join(unchecked)}")
    counts = Counter(finding.code for finding in sifted.findings).most_common()
    room = _SUMMARY - 1 - len(ends)
    shown = counts if len(counts) <= room else counts[: room - 1]
    # They are in the order of weight.
    heaviest = {finding.code: finding.node for finding in reversed(sifted.findings)}
    for code, count in shown:
        yield f"{count:>6,}  {code}  the heaviest: {tree.node(heaviest[code]).label}"
    if len(shown) < len(counts):
        rest = counts[len(shown) :]
        yield f"{sum(count for _, count in rest):>6,}  {', '.join(code for code, _ in rest)}"
    yield from ends


def _plain_types(tree: Taxonomy, sifted: Sifted, unchecked: Collection[str]) -> dict[str, Any]:
    return {
        "id": tree.id,
        "version": tree.version,
        "counts": dict(Counter(finding.code for finding in sifted.findings).most_common()),
        "ignored": sifted.ignored,
        "ignoring_nothing": [ignore.model_dump(exclude_none=True) for ignore in sifted.idle],
        "not_checked": list(unchecked),
        "findings": [
            asdict(finding) | {"label": tree.node(finding.node).label, "level": tree.node(finding.node).level}
            for finding in sifted.findings
        ],
    }
