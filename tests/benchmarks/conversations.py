"""Records of invented conversations: a report on as many as the published study has, and counts of many rows."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from tests.benchmarks.data import FIXTURE, ROOT, WORK
from tests.benchmarks.processes import COMMAND, measure
from tests.benchmarks.sizes import STUDY


def report(count: str) -> dict[str, Any]:
    """Time the inventing of conversations, and the report on them, with every analysis in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        invented = measure(_inventing(int(count), folder / "records"))
        tree = folder / "build" / "taxonomy.json"
        measure([COMMAND, "build", str(FIXTURE), "--out", str(tree.parent), "--quiet"])
        page = folder / "report.html"
        written = measure([COMMAND, "report", str(folder / "records"), str(tree), "--out", str(page), "--quiet"])
        return {
            "invented_seconds": round(invented.seconds, 1),
            "mentions": _rows(folder / "records", "mentions"),
            "seconds": round(written.seconds, 1),
            "megabytes": round(written.megabytes),
        }


def counting(rows: str) -> dict[str, Any]:
    """Time the counting of mention rows of the study's conversations, many times over with ids of their own."""
    records = WORK / f"records-{STUDY}"
    if not (records / "truth.json").is_file():
        measure(_inventing(STUDY, records))
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        folder = Path(name)
        for copy in range(round(int(rows) / _rows(records, "mentions"))):
            _copy(records, folder, copy)
        counted = measure(
            [COMMAND, "mentions", "count", name, "--side", "both", "--out", f"{name}/values.csv", "--quiet"]
        )
        return {
            "mentions": _rows(folder, "mentions"),
            "conversations": _rows(folder, "conversations"),
            "seconds": round(counted.seconds, 1),
            "megabytes": round(counted.megabytes),
        }


def _inventing(conversations: int, folder: Path) -> list[str]:
    script = ROOT / "fixtures" / "make_mentions.py"
    return [sys.executable, str(script), "--conversations", str(conversations), "--seed", "1", "--out", str(folder)]


def _copy(records: Path, folder: Path, number: int) -> None:
    for kind in ("mentions", "conversations"):
        source = duckdb.read_parquet(str(records / f"{kind}.parquet"))
        ids = [f"'{number}-' || {one} AS {one}" for one in ("conversation_id", "user_id") if one in source.columns]
        source.project(f"* REPLACE ({', '.join(ids)})").write_parquet(str(folder / f"{kind}-{number}.parquet"))


def _rows(folder: Path, kind: str) -> int:
    return sum(pq.ParquetFile(file).metadata.num_rows for file in folder.glob(f"{kind}*.parquet"))
