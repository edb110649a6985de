"""The README shows what was measured."""

from __future__ import annotations

import json

from tests.benchmarks.run import END, HERE, START
from tests.benchmarks.table import table
from tests.conftest import ROOT


def test_the_readme_has_the_table_of_the_results() -> None:
    results = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    shown = (ROOT / "README.md").read_text(encoding="utf-8").split(START)[1].split(END)[0]
    assert shown == f"\n{table(results)}"
