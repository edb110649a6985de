"""The page: what its file holds, and what it does in a real browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

import taxonomy
from taxonomy.errors import OutputError
from taxonomy.model import Retired, Taxonomy
from taxonomy.quality.vectors import TreeVectors, embed_tree
from taxonomy.versions.edits import Edit
from taxonomy.versions.replay import apply_edits
from taxonomy.views.layout import lay_out
from taxonomy.views.map import map_parquet, read_map
from taxonomy.views.page import MAX_VALUES, check_size, taxonomy_page
from taxonomy.views.page.nearest import nearest_elsewhere
from tests.browser import Browser, start_browser
from tests.conftest import ROOT, Run
from tests.trees import full_tree, make_tree, nasty_trees

SCREENSHOTS = ROOT / "build" / "screenshots"
# Strings that would be markup, a formula or an address, were they not text.
MARKUP = (
    "<script>alert(1)</script>",
    "</script>",
    "<!--",
    "=cmd()",
    "{{data}}",
    '" onclick="alert(1)',
    "a & b &amp; c",
)


class Parts(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.raw: list[tuple[str, dict[str, str | None], str]] = []
        self.policy = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        if tag in ("script", "style"):
            self.raw.append((tag, given, ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            tag, given, text = self.raw[-1]
            self.raw[-1] = (tag, given, text + data)

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(next(text for _, given, text in self.raw if given.get("type") == "application/json"))


def invented(n: int, *, sizes: tuple[int, int, int] = (40, 8, 3), seed: int = 0) -> Taxonomy:
    """Make a tree of invented values; the weights fall as those of words do."""
    random = np.random.default_rng(seed)
    starts = ("quiet", "patient", "bold", "careful", "shared", "honest", "playful", "steady", "open", "thrifty")
    labels = [f"{starts[i % 10]} virtue {i}" for i in range(n)]
    labels[: len(MARKUP)] = MARKUP
    labels[20] = "mellow transparency"
    levels = []
    below = n
    for size in sizes:
        levels.append(np.concatenate([np.arange(size), random.integers(0, size, below - size)]).tolist())
        below = size
    tree = make_tree(labels, *levels)
    weights = {node.id: round(100 / (1 + i), 6) for i, node in enumerate(n for n in tree.nodes if n.level == 0)}
    total = sum(weights.values())
    nodes = []
    for node in tree.nodes:
        weight = sum(weights[value.id] for value in tree.values(node))
        update: dict[str, Any] = {"weight": round(weight, 6), "share": round(weight / total, 6)}
        if node.label == "mellow transparency":
            update |= {"aliases": ("glassiness",), "definition": "Letting others see how things were done."}
        nodes.append(node.model_copy(update=update))
    return Taxonomy.from_nodes(nodes, id="invented", title="Invented values", weight_unit="mentions")


def unit(n: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    vectors = np.random.default_rng(seed).normal(size=(n, 12)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def page_of(tree: Taxonomy, **options: Any) -> str:
    n_values = tree.levels[0].size
    points = np.round(np.random.default_rng(1).uniform(-1, 1, size=(n_values, 2)), 6)
    vectors = TreeVectors(unit(n_values), unit(len(tree.nodes) - n_values, seed=2))
    return taxonomy_page(tree, vectors=vectors, points=points, **options)


TREE = invented(600)
VALUE = TREE.node("mellow transparency")


# -- the file ----------------------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(tree=nasty_trees(controls=True))
def test_what_came_from_the_tree_is_data(tree: Taxonomy) -> None:
    parts = Parts(taxonomy_page(tree))
    plain = Parts(taxonomy_page(make_tree(["a", "b"], [0, 0])))
    assert parts.tags == plain.tags
    nodes = parts.data["nodes"]
    assert nodes["id"] == [node.id for node in tree.nodes]
    assert nodes["label"] == [node.label for node in tree.nodes]
    assert [nodes["definition"].get(str(i), "") for i in range(len(tree.nodes))] == [n.definition for n in tree.nodes]


def test_the_policy_allows_what_is_in_the_file_and_nothing_else() -> None:
    parts = Parts(page_of(TREE))
    for tag, given_, text in parts.raw:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        runs = given_.get("type") != "application/json"
        directive = next(part for part in parts.policy.split("; ") if part.startswith(f"{tag}-src"))
        assert (f"'sha256-{digest}'" in directive) == runs
    assert parts.policy.startswith("default-src 'none';")
    assert "unsafe" not in parts.policy
    assert "http" not in parts.policy


def test_nothing_is_loaded_from_elsewhere() -> None:
    page = taxonomy_page(make_tree(["a", "b"], [0, 0]))
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert "@import" not in page


def test_the_same_tree_gives_the_same_page() -> None:
    assert page_of(TREE) == page_of(Taxonomy.model_validate_json(TREE.to_json()))


def test_sizes() -> None:
    assert len(page_of(invented(3307, sizes=(266, 26, 5))).encode()) < 8e6 / 4


def test_a_page_has_a_limit() -> None:
    check_size(MAX_VALUES)
    with pytest.raises(OutputError, match=r"holds up to 50,000 values and here are 50,001"):
        check_size(MAX_VALUES + 1)


def test_what_is_left_out_without_vectors_is_named() -> None:
    data = Parts(taxonomy_page(TREE)).data
    assert data["map"] is None
    assert data["nodes"]["near"] is None
    assert data["unchecked"] == ["label-fit", "near-label", "other-domain"]


def test_every_field_is_there() -> None:
    tree = full_tree()
    nodes = Parts(taxonomy_page(tree)).data["nodes"]
    at = [node.id for node in tree.nodes].index(tree.node("courage").id)
    assert nodes["conversations"][str(at)] == [7, 90, 0.03, 0.15]
    assert nodes["second"][at] == nodes["id"].index("1:1")
    assert (nodes["confidence"][at], nodes["stability"][at], nodes["rank"][str(at)]) == (0.625, 0.75, 3)
    assert nodes["flags"][str(at)] == ["doubtful", "thin"]


def test_a_template_slot_in_a_title_stays_text() -> None:
    tree = TREE.model_copy(update={"title": "{{data}} </title><b>"})
    page = taxonomy_page(tree)
    assert "<title>{{data}} &lt;/title&gt;&lt;b&gt; 1.0.0</title>" in page


def test_nearest_nodes_are_of_the_level_and_elsewhere() -> None:
    vectors = unit(600)
    found = nearest_elsewhere(TREE, vectors)
    for node in TREE.nodes:
        others = [TREE.node(id) for id in found[node.id]]
        assert all(other.level == node.level for other in others)
        assert node.parent is None or all(other.parent != node.parent for other in others)
    values = [node for node in TREE.nodes if node.level == 0]
    cosines = vectors[0] @ vectors.T
    expected = [values[i].id for i in np.argsort(-cosines) if values[i].parent != values[0].parent][:5]
    assert found[values[0].id] == expected


# -- the map ------------------------------------------------------------------------------------------------------


def test_a_map_comes_back_in_the_order_of_its_tree(tmp_path: Path) -> None:
    points = np.arange(1200, dtype=np.float64).reshape(600, 2)
    (tmp_path / "map.parquet").write_bytes(map_parquet(TREE, points))
    found = read_map(tmp_path / "map.parquet", TREE)
    assert found is not None
    np.testing.assert_array_equal(found, points)
    assert read_map(tmp_path / "map.parquet", invented(599)) is None
    assert read_map(tmp_path / "none.parquet", TREE) is None


@pytest.mark.parametrize("n", [1, 2, 4])
def test_few_values_lie_on_a_circle(n: int) -> None:
    points = lay_out(unit(n))
    assert points.shape == (n, 2)
    assert len({tuple(point) for point in points.tolist()}) == n


# -- the command line -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paged(run: Run, small_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small build again, with a page."""
    folder = tmp_path_factory.mktemp("paged") / "build"
    values = small_build.parent / "values.csv"
    done = run("build", values, "--levels", "30", "--page", "--out", folder, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def test_build_writes_a_page_and_its_map(paged: Path, small_build: Path) -> None:
    assert {"map.parquet", "taxonomy.html"} == {path.name for path in paged.iterdir()} - {
        path.name for path in small_build.iterdir()
    }
    assert (paged / "taxonomy.json").read_bytes() == (small_build / "taxonomy.json").read_bytes()
    assert Parts((paged / "taxonomy.html").read_text(encoding="utf-8")).data["map"]


def test_a_build_without_a_page_leaves_none_of_another_tree(run: Run, small_build: Path, tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    for name in ("taxonomy.html", "map.parquet", "notes.html"):
        (tmp_path / "build" / name).touch()
    done = run("build", small_build.parent / "values.csv", "--levels", "30", "--out", tmp_path / "build", "--quiet")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "build").iterdir()} == {
        *(path.name for path in small_build.iterdir()),
        "notes.html",
    }


def test_explore_takes_the_map_of_the_build_and_writes_the_same_page(paged: Path, run: Run, tmp_path: Path) -> None:
    done = run("explore", paged / "taxonomy.json", "--out", tmp_path / "t.html")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Written to {tmp_path}/t.html: open it in a browser\n"
    assert (tmp_path / "t.html").read_bytes() == (paged / "taxonomy.html").read_bytes()


def test_the_map_is_the_same_in_another_process(paged: Path) -> None:
    tree = taxonomy.load(paged / "taxonomy.json")
    points = read_map(paged / "map.parquet", tree)
    assert points is not None
    np.testing.assert_array_equal(lay_out(embed_tree(tree).values), points)


def test_explore_says_what_is_wrong(run: Run, small_build: Path, tmp_path: Path) -> None:
    tree = small_build / "taxonomy.json"
    (tmp_path / "taxonomy.json").write_bytes(tree.read_bytes())
    (tmp_path / "map.parquet").write_text("no map")
    cases = {
        "does not end in .html": (tree, "--out", tmp_path / "t.txt"),
        "exclude each other": (tree, "--out", tmp_path / "t.html", "--no-vectors", "--model", "minilm"),
        "cannot be read": (tmp_path / "nothing.json", "--out", tmp_path / "t.html"),
        "is no map; remove it, and it is made again": (tmp_path / "taxonomy.json", "--out", tmp_path / "t.html"),
        "or leave out what needs one with --no-vectors": (tree, "--out", tmp_path / "t.html", "--model", "/nowhere"),
        "cannot write": (tree, "--out", tmp_path / "no" / "t.html", "--no-vectors"),
    }
    for message, arguments in cases.items():
        done = run("explore", *arguments)
        assert (done.returncode, done.stdout) == (2, ""), message
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.html"))


def test_export_writes_the_page_too(run: Run, small_build: Path, tmp_path: Path) -> None:
    done = run("export", small_build / "taxonomy.json", tmp_path / "t.html")
    assert done.returncode == 0, done.stderr
    assert Parts((tmp_path / "t.html").read_text(encoding="utf-8")).data["map"] is None


# -- in a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from start_browser(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "taxonomy.html"
    path.write_text(page_of(TREE), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Browser, page: Path) -> Iterator[Browser]:
    """The page, freshly opened; at the end nothing may have gone wrong on it."""
    browser.look(1280, 800)
    browser.open(page)
    yield browser
    assert browser.errors() == []


def title(browser: Browser) -> str:
    return str(browser.run("return document.querySelector('#panel h2').textContent"))


def test_it_opens_from_a_file_without_a_request(opened: Browser, page: Path) -> None:
    assert opened.texts("#summary") == ["Version 1.0.0 600 values in 40 clusters, 8 groups, 3 domains"]
    assert opened.requests() == [page.as_uri()]
    assert len(opened.all("#treemap button.cell")) == 3
    opened.save(SCREENSHOTS / "overview.png")


def test_the_policy_holds(browser: Browser, page: Path) -> None:
    browser.open(page)
    refused = browser.driver.execute_async_script("""
        const done = arguments[0], found = [];
        addEventListener("securitypolicyviolation", (event) => found.push(event.effectiveDirective));
        const outside = "http://127.0.0.1:9/x";
        for (const [tag, key, value] of [["img", "src", outside], ["script", "text", "window.ran = 1"],
                                         ["link", "href", outside]]) {
          const made = document.createElement(tag);
          if (tag === "link") made.rel = "stylesheet";
          made[key] = value;
          document.head.append(made);
        }
        fetch("http://127.0.0.1:9/").catch(() => setTimeout(() => done([found.sort(), window.ran ?? null]), 100));
    """)
    assert refused == [["connect-src", "img-src", "script-src-elem", "style-src-elem"], None]
    browser.errors()


@pytest.mark.parametrize("label", MARKUP)
def test_markup_is_text(opened: Browser, label: str) -> None:
    opened.go(f"node={TREE.node(label).id}")
    opened.wait(lambda: title(opened) == label)
    assert len(opened.all("script")) == 3
    search = opened.one("#search")
    search.send_keys(label)
    assert label in opened.texts("#search-results .result-label")[0]


def test_search(opened: Browser) -> None:
    search = opened.one("#search")
    opened.one("body").send_keys("/")
    assert opened.run("return document.activeElement.id") == "search"
    search.send_keys("Transparéncy")
    assert opened.texts("#search-results .result-label") == ["mellow transparency"]
    opened.save(SCREENSHOTS / "search.png")
    search.send_keys(Keys.ENTER)
    opened.wait(lambda: title(opened) == "mellow transparency")
    assert opened.fragment() == f"#node={VALUE.id}"
    for typed, why in (("glassi", "also glassiness"), ("how things were", VALUE.definition)):
        search.clear()
        search.send_keys(typed)
        assert opened.texts("#search-results .result-why") == [why]
    search.clear()
    search.send_keys("quiet virtue")
    labels = opened.texts("#search-results .result-label")
    search.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_UP)
    assert opened.texts("#search-results [aria-selected=true] .result-label") == [labels[1]]
    search.send_keys(Keys.ENTER)
    opened.wait(lambda: title(opened) == labels[1])
    search.send_keys("xyzzy")
    assert opened.texts("#search-results") == ["Nothing matches “xyzzy”. Try one word, or part of it."]


def test_the_picture_opens_and_goes_up(opened: Browser) -> None:
    first = max(TREE.top, key=lambda node: node.share)
    opened.one("#treemap button.cell").send_keys(Keys.ENTER)
    opened.wait(lambda: title(opened) == first.label)
    assert opened.texts("#crumbs li") == ["All values", first.label]
    inner = max(TREE.children(first), key=lambda node: node.share)
    opened.run("document.querySelector(`#treemap [aria-label^='${arguments[0]},']`).click()", inner.label)
    opened.wait(lambda: title(opened) == inner.label)
    opened.save(SCREENSHOTS / "zoomed.png")
    opened.one("body").send_keys(Keys.ESCAPE)
    opened.wait(lambda: title(opened) == first.label)
    opened.driver.back()
    opened.wait(lambda: title(opened) == inner.label)
    opened.one("#crumbs a").click()
    opened.wait(lambda: title(opened) == "Start anywhere")


def test_a_link_opens_on_the_node_with_all_that_is_known_of_it(opened: Browser, page: Path) -> None:
    opened.open(page, f"#node={VALUE.id}&tab=list")
    opened.wait(lambda: title(opened) == VALUE.label)
    parent = TREE.parent(VALUE)
    assert parent is not None
    panel = opened.texts("#panel")[0]
    assert VALUE.definition in panel
    assert "glassiness" in panel
    assert VALUE.id in panel
    assert f"{len(TREE.children(parent)) - 1} siblings" in panel
    shares = [VALUE.share, VALUE.share / parent.share]
    expected = [f"{100 * share:.{2 if share < 0.01 else 1}f}%" for share in shares]
    assert opened.texts("#panel .facts .number") == expected
    assert opened.texts("#panel .path a") == [step.label for step in TREE.path(VALUE)[:-1]]
    opened.run("document.execCommand = () => true; document.querySelector('#panel .id').click()")
    opened.wait(lambda: opened.texts("#panel .id span") == ["Copied"])


def test_a_link_to_what_went_leads_to_what_replaced_it(browser: Browser, tmp_path: Path) -> None:
    gone = Retired(id="vt:gone", level=0, label="bygone", since="1.0.0", replaced_by=(VALUE.id,))
    tree = TREE.model_copy(update={"retired": (gone,)})
    (tmp_path / "t.html").write_text(taxonomy_page(tree), encoding="utf-8")
    browser.open(tmp_path / "t.html", "#node=vt:gone")
    assert browser.texts("#panel > .flag") == [f"bygone was retired in version 1.0.0 and replaced by {VALUE.label}"]
    browser.one("#panel > .flag a").click()
    browser.wait(lambda: title(browser) == VALUE.label)
    assert "bygone until 1.0.0, vt:gone" in browser.texts("#panel")[0]
    browser.open(tmp_path / "t.html", "#node=vt:never")
    assert browser.texts("#panel > .flag") == ["No node here has the id vt:never"]


def test_the_list_is_a_tree_for_keys_and_screen_readers(opened: Browser) -> None:
    opened.go(f"node={VALUE.id}&tab=list")
    chosen = opened.wait(lambda: opened.one("#tree [role=treeitem][aria-selected=true]"))
    assert chosen.get_attribute("aria-level") == "4"
    assert chosen.get_attribute("aria-label").startswith("mellow transparency, value, ")
    nested = "const item = document.querySelector('#tree [aria-selected=true]'); return item.parentElement.role"
    assert opened.run(nested) == "group"
    assert len(opened.all("#tree [tabindex='0']")) == 1

    def focused() -> str:
        return str(opened.run("return document.activeElement.getAttribute('aria-label')")).split(",")[0]

    opened.run("document.querySelector('#tree [aria-selected=true]').focus()")
    # Each branch is closed before the one above it is reached.
    for _ in range(5):
        opened.driver.switch_to.active_element.send_keys(Keys.ARROW_LEFT)
    assert focused() == TREE.path(VALUE)[0].label
    opened.driver.switch_to.active_element.send_keys(Keys.ARROW_LEFT)
    assert opened.run("return document.activeElement.ariaExpanded") == "false"
    opened.driver.switch_to.active_element.send_keys(Keys.END)
    opened.driver.switch_to.active_element.send_keys(Keys.ENTER)
    opened.wait(lambda: title(opened) == focused())
    opened.save(SCREENSHOTS / "list.png")


def test_the_map_is_lassoed_and_clicked(opened: Browser) -> None:
    opened.go("tab=map")
    opened.save(SCREENSHOTS / "map.png")
    canvas = opened.one("#map-canvas")
    opened.button("Lasso").click()
    chain = ActionChains(opened.driver, duration=10)
    chain.move_to_element_with_offset(canvas, -250, -200).click_and_hold()
    for x, y in ((250, -200), (250, 200), (-250, 200), (-250, -200)):
        chain.move_to_element_with_offset(canvas, x, y)
    chain.release().perform()
    caught = int(title(opened).split()[0])
    assert 100 < caught < 600
    assert sum(int(text) for text in opened.texts("#panel .block:nth-of-type(1) .number")) == caught
    opened.save(SCREENSHOTS / "lasso.png")
    opened.one("body").send_keys(Keys.ESCAPE)
    assert title(opened) == "Start anywhere"
    opened.go(f"node={VALUE.id}&tab=map")
    opened.one("#map-in").click()
    opened.driver.find_element("id", "map-canvas").send_keys("0", "+", Keys.ARROW_LEFT)


def test_without_vectors_the_map_says_why_it_is_not_there(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "t.html").write_text(taxonomy_page(TREE), encoding="utf-8")
    browser.open(tmp_path / "t.html", "#tab=map")
    assert "No map on this page" in browser.texts("#map")[0]
    browser.go(f"node={VALUE.id}")
    browser.wait(lambda: "Not computed: this page was written without vectors." in browser.texts("#panel")[0])
    assert browser.errors() == []


def test_edits_are_drafted_downloaded_and_replayed_by_build(
    browser: Browser, run: Run, small_build: Path, tmp_path: Path
) -> None:
    tree = taxonomy.load(small_build / "taxonomy.json")
    (tmp_path / "t.html").write_text(taxonomy_page(tree), encoding="utf-8")
    browser.look(1280, 800)
    browser.open(tmp_path / "t.html", "#tab=review")
    assert "No edits drafted." in browser.texts(".drafts")[0]
    moved = browser.texts(".todo-row .todo-name a")[0]
    browser.button("Move to", ".todo-row").click()
    browser.save(SCREENSHOTS / "edit.png")
    browser.button("Draft this edit").click()

    renamed = max((node for node in tree.nodes if node.level == 1), key=lambda node: node.weight)
    new_name = 'Named "by\\hand" <b>\u007f'
    browser.go(f"node={renamed.id}&tab=review")
    browser.wait(lambda: title(browser) == renamed.label)
    browser.button("Rename", "#panel").click()
    browser.button("Draft this edit").click()
    assert browser.one(".problem").text == "New name: write something."
    browser.run("document.getElementById('edit-to').value = arguments[0]", new_name)
    browser.button("Draft this edit").click()

    rejected, kept = (node for node in tree.values(renamed)[:2])
    for node, action in ((rejected, "Reject"), (kept, "Keep here")):
        browser.go(f"node={node.id}&tab=review")
        browser.wait(lambda node=node: title(browser) == node.label)
        browser.button(action, "#panel").click()
        browser.button("Draft this edit").click()
    other = max((n for n in tree.nodes if n.level == 1 and n.id != renamed.id), key=lambda node: len(tree.values(node)))
    browser.go(f"node={other.id}&tab=review")
    browser.wait(lambda: title(browser) == other.label)
    browser.button("Split", "#panel").click()
    browser.one("#edit-to").send_keys("A part")
    browser.one(".checks input").click()
    browser.button("Draft this edit").click()
    assert browser.texts("#tab-review .badge") == ["5"]
    browser.save(SCREENSHOTS / "review.png")
    browser.one("#download-edits").click()
    file = browser.downloads / "edits.toml"
    browser.wait(file.exists)

    values = small_build.parent / "values.csv"
    previous = small_build / "taxonomy.json"
    done = run("build", values, "--previous", previous, "--edits", file, "--out", tmp_path / "build")
    assert done.returncode == 0, done.stderr
    # A value that is rejected is left out before the tree is built.
    assert "5 edits: 4 applied, 1 in place" in done.stdout
    after = taxonomy.load(tmp_path / "build" / "taxonomy.json")
    assert after.node(renamed.id).label == new_name
    was, now = tree.node(moved), after.node(tree.node(moved).id)
    assert was.placement is not None
    assert now.parent == was.placement.second_parent
    assert rejected.id not in {node.id for node in after.nodes}
    assert after.node("A part", level=1)

    browser.open(tmp_path / "t.html", "#tab=review")
    assert len(browser.all(".drafts li")) == 5
    for _ in range(5):
        browser.button("Take back", ".drafts").click()
    assert "No edits drafted." in browser.texts(".drafts")[0]
    assert browser.errors() == []


def test_what_changed_is_coloured_and_listed(browser: Browser, tmp_path: Path) -> None:
    parents = [node for node in TREE.nodes if node.level == 1 and node.id != VALUE.parent]
    edits = [
        Edit(action="rename", node=parents[0].id, to="A new name"),
        Edit(action="move", node=VALUE.id, to=parents[1].id),
        Edit(action="merge", node=parents[2].id, to=parents[3].id),
    ]
    new, _ = apply_edits(TREE, edits)
    (tmp_path / "t.html").write_text(page_of(new, old=TREE), encoding="utf-8")
    browser.look(1280, 800)
    browser.open(tmp_path / "t.html", "#tab=changes")
    assert f"1.0.0 → {new.version}" in browser.texts(".drafts")[-1]
    rows = dict(zip(browser.texts("#view-changes .todo-name"), browser.texts("#view-changes .todo-why"), strict=True))
    assert rows["A new namerenamed, cluster"] == f"was {parents[0].label}"
    assert rows[f"{VALUE.label}moved, value"] == f"from {TREE.node(str(VALUE.parent)).label} to {parents[1].label}"
    assert rows[f"{parents[2].label}merged, cluster"] == f"into {parents[3].label}"
    browser.save(SCREENSHOTS / "changes.png")
    browser.go(f"node={VALUE.id}")
    browser.wait(lambda: "Changed since 1.0.0" in browser.texts("#panel")[0])
    depth = "return document.querySelector('#treemap .by-change.chosen').style.getPropertyValue('--changed')"
    assert browser.run(depth) == "85%"
    browser.save(SCREENSHOTS / "diff.png")
    browser.button("Colour by domains").click()
    assert browser.all("#treemap .by-change") == []
    assert browser.errors() == []


@pytest.mark.parametrize("tab", ["overview", "list", "map", "review"])
def test_it_is_usable_at_380_pixels_and_in_the_dark(opened: Browser, tab: str) -> None:
    opened.look(1280, 800, dark=True)
    opened.go(f"tab={tab}")
    light = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    assert max(opened.run(light)) < 60
    opened.save(SCREENSHOTS / f"dark-{tab}.png")
    opened.look(380, 800)
    opened.go(f"node={VALUE.id}&tab={tab}")
    opened.wait(lambda: title(opened) == VALUE.label)
    assert min(opened.run(light)) > 200
    assert opened.run("return document.documentElement.scrollWidth") <= 380
    opened.save(SCREENSHOTS / f"small-{tab}.png")
    opened.one("#panel .close").click()
    assert opened.fragment() == ("#" if tab == "overview" else f"#tab={tab}") or opened.fragment() == ""
    opened.save(SCREENSHOTS / f"small-{tab}-closed.png")
