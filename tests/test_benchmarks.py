"""The docs show what was measured."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks.data import ROOT
from tests.benchmarks.run import END, HERE, PAGES, START


@pytest.mark.parametrize("name", PAGES)
def test_the_docs_have_the_tables_of_the_results(name: str) -> None:
    results = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    shown = (ROOT / "docs" / name).read_text(encoding="utf-8").split(START)[1].split(END)[0]
    assert shown == f"\n{PAGES[name](results)}"
