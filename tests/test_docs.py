"""README and docs name only what there is, and all of it."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

import taxonomy
from taxonomy.building.folder import MIXED_FOLDER
from taxonomy.cli import main
from taxonomy.formats.readers import READ
from taxonomy.publishing import WRITTEN
from taxonomy.quality.findings import CHECKS, VECTOR_CHECKS
from tests.command_reference import PAGE as COMMANDS_PAGE
from tests.command_reference import commands_below, options_of, reference
from tests.conftest import ROOT
from tests.documents import DOCS, PAGES, README, all_commands, anchors, blocks, inline, links, name_of
from tests.prompts_page import PAGE as PROMPTS_PAGE
from tests.prompts_page import page as prompts_page

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COMMANDS = dict(commands_below(main))
OPTIONS = {name: set(options_of(command)) for name, command in COMMANDS.items()}
# Options of other programs: of fixtures/make_mentions.py, and of tests.benchmarks.run.
OTHER_OPTIONS = {"--conversations", "--errors", "--only"}

# -- names that there are ------------------------------------------------------------------------------------------


def test_the_reference_of_commands_is_that_of_the_code() -> None:
    assert COMMANDS_PAGE.read_text(encoding="utf-8") == reference(), "run: make reference"
    text = COMMANDS_PAGE.read_text(encoding="utf-8")
    for name, options in OPTIONS.items():
        own = text.partition(f"$ {name} --help\n")[2].partition("```")[0]
        assert options <= set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", own)), name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_mentions_no_command_or_option_that_is_not_there(page: Path) -> None:
    code = [token.content for token in inline(page) if token.type == "code_inline"]
    code += [block.text for block in blocks(page) if block.language in ("console", "text")]
    named = {option for text in code for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)}
    assert named - set().union(*OPTIONS.values()) - OTHER_OPTIONS == set()
    called = {words for text in code for words in re.findall(r"(?:^|\$ )value-taxonomy ([a-z][a-z-]*)", text)}
    assert called <= {name.split()[1] for name in COMMANDS if " " in name}


def test_the_page_of_prompts_prints_them() -> None:
    assert PROMPTS_PAGE.read_text(encoding="utf-8") == prompts_page(), "run: make reference"


def test_every_command_has_an_example_outside_of_the_reference() -> None:
    lines = [command.line for command in all_commands() if COMMANDS_PAGE.name not in command.place]
    for name, command in COMMANDS.items():
        assert isinstance(command, click.Group) or any(f"{line} ".startswith(f"{name} ") for line in lines), name


def test_every_public_name_is_in_the_api_reference() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in sorted((DOCS / "api").glob("*.md")))
    described = re.findall(r"^::: taxonomy\.(\w+)$", text, re.MULTILINE)
    assert sorted(described) == sorted(set(taxonomy.__all__) - {"__version__"})
    assert "`taxonomy.__version__`" in text


def test_what_public_functions_return_is_in_the_api_reference() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.md"))
    described = set(re.findall(r"^::: taxonomy\.(?:\w+\.)*(\w+)$", text, re.MULTILINE))
    for name in taxonomy.__all__:
        public = getattr(taxonomy, name)
        if inspect.isfunction(public):
            returned = set(re.findall(r"[A-Z]\w+", str(inspect.signature(public).return_annotation)))
            assert returned - {"Figure"} <= described, name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"https?:", link):
            assert link.startswith("https:"), link
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
        # The site holds the pages of docs alone.
        assert not page.is_relative_to(DOCS) or target.is_relative_to(DOCS), link


def test_the_readme_is_short_and_shows_the_page() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150
    pictures = [link for link in links(README) if link.endswith(".png")]
    assert pictures == ["docs/images/page.png"]
    assert (ROOT / pictures[0]).stat().st_size < 200_000


# -- tables that say what the code holds ---------------------------------------------------------------------------


def rows_of_table(page: Path, heading: str) -> Iterator[list[str]]:
    """Yield the rows of the tables below a heading, up to the next one."""
    text = page.read_text(encoding="utf-8")
    part = re.split(r"^#+ ", text.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    assert part, f"no heading {heading!r}"
    for line in part.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_of_findings_is_that_of_lint() -> None:
    codes = {code for row in rows_of_table(DOCS / "quality.md", "Findings") for code in re.findall("`(.+?)`", row[0])}
    assert codes == {MIXED_FOLDER, *CHECKS, *VECTOR_CHECKS}


def test_the_table_of_formats_is_that_of_the_readers_and_writers() -> None:
    listed = [(re.findall("`(.+?)`", row[0]), row[-1]) for row in rows_of_table(DOCS / "formats.md", "Endings")]
    assert {ending for endings, _ in listed for ending in endings} == set(WRITTEN)
    assert {ending for endings, read in listed for ending in endings if read == "yes"} == set(READ)


def test_the_table_of_fields_is_that_of_the_models() -> None:
    schema = taxonomy.Taxonomy.model_json_schema()
    listed = {re.findall("`(.+?)`", row[0])[0]: row[1] for row in rows_of_table(DOCS / "formats.md", "Fields")}
    assert listed == dict(_fields(schema, schema["properties"]))


def _fields(schema: dict[str, Any], properties: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields of a model and of the models in it, each with its type in JSON."""
    for name, field in properties.items():
        kind, below = _kind(schema, field)
        yield f"{prefix}{name}", kind
        if below:
            yield from _fields(schema, below, f"{prefix}{name}.")


def _kind(schema: dict[str, Any], field: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the type of a field, and the fields of the model that it holds."""
    if "anyOf" in field:
        parts = [_kind(schema, part) for part in field["anyOf"]]
        return " or ".join(kind for kind, _ in parts), next((below for _, below in parts if below), {})
    if "$ref" in field:
        return "object", schema["$defs"][field["$ref"].rpartition("/")[2]]["properties"]
    if "const" in field:
        return json.dumps(field["const"]), {}
    if field.get("type") == "array":
        kind, below = _kind(schema, field["items"])
        return f"list of {kind}s", below
    return str(field["type"]), {}


# -- files beside the pages ----------------------------------------------------------------------------------------


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= citation.keys()
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == SETTINGS["project"]["version"] == version("value-taxonomy")
    assert citation["license"] == SETTINGS["project"]["license"]
    assert any("2504.15236" in json.dumps(reference) for reference in citation["references"])


def test_every_target_of_make_is_described() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `make ([a-z-]+)`", text, re.MULTILINE))
    assert described == set(re.findall(r"^([a-z-]+):.* ## ", makefile, re.MULTILINE))


def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    if find_spec("mkdocs") is None:
        pytest.skip("the extra docs is not installed: make docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    for page in tmp_path.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="?(?:https?:)?//', text) == [], page
