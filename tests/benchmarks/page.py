"""The page of the published strings in a real browser."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.data import strings_file
from tests.benchmarks.processes import COMMAND, measure
from tests.benchmarks.sizes import SMALL
from tests.browser import start_browser

QUERIES = ("t", "trans", "transparency", "care", "honest", "int hon")
_SEARCH = """
const input = document.querySelector("#search");
return arguments[0].map((query) => {
  input.value = query;
  const start = performance.now();
  input.dispatchEvent(new Event("input", { bubbles: true }));
  return performance.now() - start;
});
"""


def page() -> dict[str, Any]:
    """Time the writing of the page, its opening until it answers, and the slowest of some searches."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree, html = folder / "build" / "taxonomy.json", folder / "taxonomy.html"
        measure([COMMAND, "build", str(strings_file(SMALL)), "--out", str(tree.parent), "--quiet"])
        written = measure([COMMAND, "explore", str(tree), "--out", str(html)])
        for browser in start_browser(folder):
            opened = []
            for _ in range(3):
                browser.open(html)
                opened.append(browser.run("return performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000)
            searches = browser.run(_SEARCH, list(QUERIES))
        return {
            "seconds": round(written.seconds, 1),
            "page_megabytes": round(html.stat().st_size / 1e6, 2),
            "interactive_seconds": round(statistics.median(opened), 2),
            "search_milliseconds": round(max(searches), 1),
        }
