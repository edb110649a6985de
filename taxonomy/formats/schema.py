"""The JSON Schema of `taxonomy.json`, generated from its pydantic models.

``python -m taxonomy.formats.schema > taxonomy/formats/taxonomy.schema.json`` writes the file in the repository.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from taxonomy.model import SCHEMA_VERSION, Taxonomy


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of taxonomy.json.

    It does not have the invariants between nodes: see `Taxonomy.check`.
    """
    schema = Taxonomy.model_json_schema()
    # `load` requires it, so that other JSON is refused at once.
    schema["required"] = ["format", *schema["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:value-taxonomy:schema:{SCHEMA_VERSION}",
        **schema,
    }


def json_schema_text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(json_schema_text())
