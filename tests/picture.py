"""Take a picture of a page: ``python -m tests.picture build/taxonomy.html docs/images/page.png``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.browser import start_browser


def main() -> None:
    """Take the picture of the page as it opens."""
    page, picture = map(Path, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        for browser in start_browser(Path(folder)):
            browser.look(1200, 740)
            # It is drawn when it has loaded.
            browser.open(page.resolve())
            browser.save(picture)


if __name__ == "__main__":
    main()
