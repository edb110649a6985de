"""The page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

import taxonomy
from taxonomy.model import Retired
from taxonomy.versions.edits import Edit
from taxonomy.versions.replay import apply_edits
from taxonomy.views.page import taxonomy_page
from tests.browser import Browser
from tests.conftest import ROOT, Run
from tests.pages import MARKUP, TREE, VALUE, page_of

SCREENSHOTS = ROOT / "build" / "screenshots"


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
    assert browser.texts("#panel > .flag") == ["No node has the id vt:never"]


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
    browser: Browser, run: Run, small_values: Path, small_build: Path, tmp_path: Path
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
    new_name = 'Named "by\\hand" <b>'
    browser.go(f"node={renamed.id}&tab=review")
    browser.wait(lambda: title(browser) == renamed.label)
    browser.button("Rename", "#panel").click()
    browser.button("Draft this edit").click()
    assert browser.one(".problem").text == "New name: write something."
    for bad in (f"{new_name}\u007f", "Epistemic > Honesty", "long " * 21):
        browser.run("document.getElementById('edit-to').value = arguments[0]", bad)
        browser.button("Draft this edit").click()
        assert browser.one(".problem").text.startswith("New name: it ")
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
    # A node made by hand, of values from two others; and one that is right as it is.
    domain = next(top for top in tree.top if top.id != tree.path(renamed)[0].id and len(tree.children(top)) > 1)
    browser.go(f"node={domain.id}&tab=review")
    browser.wait(lambda: title(browser) == domain.label)
    browser.button("New below it", "#panel").click()
    browser.one("#edit-to").send_keys("By hand")
    browser.one("#edit-author").send_keys("kim")
    for box in browser.all(".checks input")[-2:]:
        box.click()
    browser.button("Draft this edit").click()
    browser.button("Reviewed", "#panel").click()
    assert browser.run("return document.getElementById('edit-author').value") == "kim"
    browser.save(SCREENSHOTS / "editor.png")
    browser.button("Draft this edit").click()
    assert browser.texts("#tab-review .badge") == ["7"]
    browser.save(SCREENSHOTS / "review.png")
    browser.one("#download-edits").click()
    file = browser.downloads / "edits.toml"
    browser.wait(file.exists)

    previous = small_build / "taxonomy.json"
    done = run("build", small_values, "--previous", previous, "--edits", file, "--out", tmp_path / "build")
    assert done.returncode == 0, done.stderr
    assert "7 edits: 7 applied" in done.stdout
    after = taxonomy.load(tmp_path / "build" / "taxonomy.json")
    assert after.node(renamed.id).label == new_name
    was, now = tree.node(moved), after.node(tree.node(moved).id)
    assert was.placement is not None
    assert now.parent == was.placement.second_parent
    assert rejected.id not in {node.id for node in after.nodes}
    assert after.node("A part", level=1)
    assert len(after.values("By hand")) == 2
    (decided,) = (one for one in after.node(domain.id).history if one.action == "review")
    assert (decided.author, len(decided.date), decided.to) == ("kim", 10, tree.version)
    assert f'node = "{domain.id}" # {domain.label}\n' in file.read_text(encoding="utf-8")
    (tmp_path / "after.html").write_text(taxonomy_page(after), encoding="utf-8")
    browser.open(tmp_path / "after.html", f"#node={domain.id}")
    browser.wait(lambda: title(browser) == domain.label)
    assert (
        f"Reviewed in version {tree.version} kim, {decided.date}, {after.version}"
        in browser.texts("#panel .decisions")[0]
    )
    assert browser.texts("#panel .flag.reviewed") == ["reviewed A person has looked at it as it is."]
    browser.save(SCREENSHOTS / "decisions.png")

    browser.open(tmp_path / "t.html", "#tab=review")
    assert len(browser.all(".drafts li")) == 7
    for _ in range(7):
        browser.button("Take back", ".drafts").click()
    assert "No edits drafted." in browser.texts(".drafts")[0]
    assert browser.errors() == []


def test_what_changed_is_coloured_and_listed(browser: Browser, tmp_path: Path) -> None:
    parents = [node for node in TREE.nodes if node.level == 1 and node.id != VALUE.parent]
    edits = [
        Edit(action="rename", node=parents[0].id, to="A new name"),
        Edit(action="move", node=VALUE.id, to=parents[1].id, note="it fits"),
        Edit(action="merge", node=parents[2].id, to=parents[3].id),
    ]
    new, _ = apply_edits(TREE, edits)
    (tmp_path / "t.html").write_text(page_of(new, old=TREE), encoding="utf-8")
    browser.look(1280, 800)
    browser.open(tmp_path / "t.html", "#tab=changes")
    assert f"1.0.0 → {new.version}" in browser.texts(".drafts")[-1]
    rows = dict(zip(browser.texts("#view-changes .todo-name"), browser.texts("#view-changes .todo-why"), strict=True))
    assert rows["A new namerenamed, cluster"] == f"was {parents[0].label} by edit"
    assert (
        rows[f"{VALUE.label}moved, value"]
        == f"from {TREE.node(str(VALUE.parent)).label} to {parents[1].label} by edit: it fits"
    )
    assert rows[f"{parents[2].label}merged, cluster"] == f"into {parents[3].label} by edit"
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
