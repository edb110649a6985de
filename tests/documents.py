"""README.md and the pages of docs/ as tests read them: blocks of code, commands, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.conftest import ROOT

DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


@dataclass(frozen=True)
class Block:
    """A block of code: its first line in the page, its language, and the file that it shows, if it shows one."""

    page: Path
    line: int
    language: str
    title: str
    text: str


@dataclass(frozen=True)
class Command:
    """A line that is typed, and what it prints; None where that is not shown."""

    place: str
    line: str
    output: str | None

    @property
    def words(self) -> list[str]:
        """The words of the line, without its comment."""
        return shlex.split(self.line, comments=True)

    @property
    def is_ours(self) -> bool:
        """Whether it is a command of this project."""
        return self.words[0] == "value-taxonomy"

    @property
    def status(self) -> int:
        """The exit status, 0 unless a comment says another."""
        stated = re.search(r"# .*exit status (\d)", self.line)
        return int(stated[1]) if stated else 0


def name_of(page: Path) -> str:
    """Return the path of a page from the root of the project."""
    return page.relative_to(ROOT).as_posix()


@cache
def tokens(page: Path) -> list[Token]:
    """Return the parsed page."""
    return PARSER.parse(page.read_text(encoding="utf-8"))


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of code of a page."""
    for token in tokens(page):
        if token.type == "fence":
            language, _, rest = token.info.partition(" ")
            title = re.fullmatch(r'title="([^"]+)"', rest.strip())
            assert token.map is not None
            yield Block(page, token.map[0] + 1, language, title[1] if title else "", token.content)


def commands(block: Block) -> Iterator[Command]:
    """Yield the commands of a console block."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, output = part.replace("\\\n", "").partition("\n")
        yield Command(f"{name_of(block.page)}:{block.line}", line, output or None)


def all_commands() -> Iterator[Command]:
    """Yield the commands of all pages."""
    for page in PAGES:
        for block in blocks(page):
            if block.language == "console":
                yield from commands(block)


def inline(page: Path) -> Iterator[Token]:
    """Yield the tokens inside of paragraphs, headings and cells."""
    for token in tokens(page):
        yield from token.children or ()


def links(page: Path) -> Iterator[str]:
    """Yield where links and pictures lead."""
    for token in inline(page):
        target = token.attrGet("href") or token.attrGet("src")
        if target is not None:
            yield str(target)


def anchors(page: Path) -> set[str]:
    """Return the names by which the headings of a page can be linked."""
    parsed = tokens(page)
    headings = [parsed[at + 1].content for at, token in enumerate(parsed) if token.type == "heading_open"]
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def matches(shown: str, printed: str) -> bool:
    """Tell whether what is shown is what was printed; an ellipsis stands for anything."""
    parts = [re.escape(part) for part in _stripped(shown).split("...")]
    return re.fullmatch(".*".join(parts), _stripped(printed), re.DOTALL) is not None


def _stripped(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
