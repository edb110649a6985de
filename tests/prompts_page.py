"""The page of docs/ that prints the prompts: ``python -m tests.prompts_page`` writes it from their files."""

from __future__ import annotations

from taxonomy.extraction.answer_forms import PARTS
from taxonomy.extraction.audit.privacy_scale import SCALE
from taxonomy.extraction.conversation_questions import SCREENING
from taxonomy.extraction.prompt_files import read_prompt
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "prompts.md"
_START = """# Prompts

What a model is asked when [values are extracted](extraction.md). Each prompt is a file in
`taxonomy/extraction/prompts/`; its version is raised with each change of meaning, and its digest is the sha256 of the
text. `{language}` stands for the language of the answers. `reader` comes first, then the conversation as JSON, then the
prompts of what is asked, and last a block that lists the fields to fill in. `screening` is asked alone, and so is
`privacy_scale`, about each string of a [privacy audit](privacy-audit.md).
"""


def page() -> str:
    """Return the page."""
    prompts = [read_prompt(name) for name in (SCREENING, "reader", *PARTS, SCALE)]
    sections = [
        f"## {prompt.name}\n\nVersion {prompt.version}, sha256 `{prompt.digest}`\n\n```text\n{prompt.text}\n```\n"
        for prompt in prompts
    ]
    return "\n".join([_START, *sections])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
