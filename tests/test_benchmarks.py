"""The docs show what was measured."""

from __future__ import annotations

import json

from tests.benchmarks.run import END, HERE, PAGE, START
from tests.benchmarks.table import table


def test_the_docs_have_the_table_of_the_results() -> None:
    results = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    shown = PAGE.read_text(encoding="utf-8").split(START)[1].split(END)[0]
    assert shown == f"\n{table(results)}"
