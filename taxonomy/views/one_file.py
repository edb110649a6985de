"""What pages of one file share: the policy that lets nothing else in, data in a script element, and their look."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

_BASE_STYLE = Path(__file__).parent / "page" / "style" / "base.css"


def base_style() -> str:
    """Return the colours, the type and the small parts of a page, as CSS."""
    return _BASE_STYLE.read_text(encoding="utf-8")


def content_policy(style: str, *scripts: str) -> str:
    """Return the policy of a page that has one style and some scripts, and loads nothing."""
    hashes = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src {_hash(style)}; img-src data:; connect-src 'none'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def script_json(data: Mapping[str, object]) -> str:
    """Return JSON that can stand in a script element: nothing in it ends the element, a comment or a line."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)
