"""The Markdown outline, and what is escaped in it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from taxonomy.formats.markdown import escape_markdown
from taxonomy.publishing import write_taxonomy
from tests.trees import FOUR_VALUES, NASTY, make_tree


def test_markdown_is_an_outline(tmp_path: Path) -> None:
    write_taxonomy(FOUR_VALUES, tmp_path / "t.md")
    assert (tmp_path / "t.md").read_text() == textwrap.dedent(
        """\
        # test 1.0.0

        2 domains / 2 clusters / 4 values

        ## Practical

        2 values, 50.00%

        - **B**, 2 values, 50.00%
          - order
          - skill

        ## Social

        2 values, 50.00%

        - **A**, 2 values, 50.00%
          - honesty
          - tact
        """
    )


def test_markdown_shows_nasty_labels_as_text(tmp_path: Path) -> None:
    from markdown_it import MarkdownIt

    labels = [*NASTY, "1. item", "- item", "**bold** [link](https://example.org)", "<script>alert(1)</script>", "# h"]
    labels += ["1.", "2) item", ": item"]
    write_taxonomy(make_tree(labels, [0] * len(labels), names=[["Top"]]), tmp_path / "t.md")
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    kinds = {child.type for token in tokens for child in token.children or ()} | {token.type for token in tokens}
    assert not kinds & {
        "html_block",
        "html_inline",
        "link_open",
        "strong_open",
        "em_open",
        "code_inline",
        "ordered_list_open",
    }
    assert sum(token.type == "list_item_open" for token in tokens) == len(labels)
    shown = {"".join(child.content for child in token.children or ()) for token in tokens}
    assert {label for label in labels if label.isprintable() and label == label.strip()} <= shown


@pytest.mark.parametrize("text", ["1.0.0", "vt:7f3a", "0:12", "self-care: a well-being (of one's own), at 12:30"])
def test_markdown_leaves_alone_what_is_no_markup(text: str) -> None:
    assert escape_markdown(text) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("1. item", r"1\. item"),
        ("2.", r"2\."),
        ("a :smile:", r"a \:smile:"),
        ("a:t-rex:", r"a\:t-rex:"),
        ("https://1.org", r"https\://1\.org"),
        ("www.1.org", r"www\.1\.org"),
        ("me@1.org", r"me\@1\.org"),
    ],
)
def test_markdown_escapes_what_it_would_number_link_or_draw(text: str, escaped: str) -> None:
    assert escape_markdown(text) == escaped
