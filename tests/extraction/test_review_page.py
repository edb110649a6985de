"""The page on which a review sheet is answered, in a real browser."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from taxonomy.errors import InputError, OutputError
from taxonomy.extraction.verification.review_item import KINDS, Kind, ReviewItem, ShownTurn
from taxonomy.extraction.verification.review_page import write_review_page
from taxonomy.extraction.verification.review_sheet import read_sheet, sheet_csv, shown_text
from taxonomy.mentions.columns import RESPONSE_TYPES, Side
from tests.browser import Browser
from tests.conftest import ROOT, Run
from tests.pages import Parts

SCREENSHOTS = ROOT / "build" / "screenshots"
SIDES: tuple[Side, ...] = ("human", "ai")
TALK = (
    ShownTurn(
        3, "human", "My sister wants to move in with us.\n\nI want to be “fair  to everyone”—the neighbours too."
    ),
    ShownTurn(4, "ai", "Then tell them early. Openness\nwith the neighbours costs little and saves trouble later."),
)
HOSTILE = (
    "</script><script>window.ran = 1</script>",
    '<img src=x onerror="window.ran = 1">',
    "\u202egnihton syas siht\u202c \u2066\u2067 and goes on",
    "Turn 4, AI:\nI never said this.\n| Turn 5, person:",
    '=HYPERLINK("http://127.0.0.1:9/")',
    "-->]]>{{ data }}{% raw %}&lt;b&gt;&amp;",
    "قال: «الصدق أهم من الفوز» ثم سكت.",
    "我们应该诚实，知行合一。한국어도 괜찮아요.",
    "averyverylongwordwithoutanyspace" * 20,
    "cut\u2028here\u0301\ufeff\tand 'there', \"quoted\", +1 @home",
)


def make_item(number: int, kind: Kind = "value", **fields: object) -> ReviewItem:
    made = ReviewItem(f"{number:016x}", kind, "ai" if kind == "value" else None, "openness", 0, "", TALK)
    return replace(made, **fields)  # type: ignore[arg-type]


def write_sheet(folder: Path, items: Sequence[ReviewItem], name: str = "sheet") -> Path:
    sheet = folder / f"{name}.csv"
    sheet.write_text(sheet_csv(items), encoding="utf-8")
    return sheet


def few_items() -> list[ReviewItem]:
    return [
        make_item(1, side="human", claim="fairness", turn=3, quote='"fair to everyone"-the neighbours'),
        make_item(2, claim="openness", turn=4, quote="Openness with the neighbours"),
        make_item(3, claim="honesty", turn=4, quote="words that nobody said"),
        make_item(4, "response", claim="fairness", turn=4),
        make_item(5, "screening", claim="subjective"),
        make_item(6, "conversation", claim="person: fairness; kindness\nAI: openness"),
        make_item(7, "conversation", claim="AI: openness", answer="wrong", missing="thrift", note="from the sheet"),
    ]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Browser]:
    """A page of few items that nobody answered, freshly opened; at the end nothing may have gone wrong on it."""
    browser.look(1280, 800)
    open_page(browser, write_sheet(tmp_path, few_items()))
    yield browser
    assert browser.errors() == []
    browser.run("localStorage.clear()")


def open_page(browser: Browser, sheet: Path) -> Path:
    page = sheet.with_name("review.html")
    write_review_page(sheet, page)
    browser.open(page)
    return page


def press(browser: Browser, *keys: str) -> None:
    ActionChains(browser.driver, duration=0).send_keys(*keys).perform()


def place(browser: Browser) -> str:
    return browser.texts("#place")[0].partition(" · ")[0]


def download(browser: Browser, name: str = "sheet-filled.csv") -> Path:
    """Download by keyboard, and return the file."""
    path = browser.downloads / name
    path.unlink(missing_ok=True)
    press(browser, "d")
    browser.wait(path.exists)
    return path


def test_a_sheet_is_answered_by_keyboard(opened: Browser, tmp_path: Path) -> None:
    assert opened.texts("#progress") == ["1 of 7 answered"]
    press(opened, "r", "u", "w", "7")
    assert place(opened) == "Item 5 of 7"
    press(opened, "u")
    # What is missing is asked for.
    press(opened, "w", "rest; 'thrift'", Keys.ENTER)
    assert place(opened) == "Item 7 of 7"
    press(opened, "g")
    assert opened.texts("#hint") == ["All are answered: download the sheet."]
    press(opened, Keys.ARROW_LEFT, "k", "n", '=SUM(1)\nr, "w"', Keys.ESCAPE, Keys.BACKSPACE)
    assert opened.texts("#progress") == ["6 of 7 answered"]
    press(opened, "g")
    assert place(opened) == "Item 5 of 7"
    press(opened, "r", "k", Keys.ARROW_RIGHT, "m", "more", Keys.ESCAPE)
    answers = ("right", "unsure", "wrong", "no values", "right", "wrong", "wrong")
    expected = [replace(item, answer=answer) for item, answer in zip(few_items(), answers, strict=True)]
    expected[4] = replace(expected[4], note='=SUM(1)\nr, "w"')
    expected[5] = replace(expected[5], missing="rest; 'thrift'more")
    filled = download(opened)
    assert filled.read_text(encoding="utf-8") == sheet_csv(expected)
    assert read_sheet(filled) == expected
    assert opened.requests() == [(tmp_path / "review.html").as_uri()]


def test_evidence_is_marked_where_it_stands(opened: Browser) -> None:
    assert opened.texts("mark") == ["“fair  to everyone”—the neighbours"]
    assert opened.texts(".evidence h3") == ["Turn 3 · PersonEvidence"]
    assert opened.texts(".gap") == ["Turns 1 to 2 are not shown."]
    press(opened, "j")
    assert opened.texts("mark") == ["Openness\nwith the neighbours"]
    press(opened, "j")
    assert opened.texts("mark") == []
    assert opened.one("#quote").text.strip('“”"') == "words that nobody said"


@pytest.mark.slow
def test_a_mouse_does_all_that_keys_do(opened: Browser) -> None:
    opened.button("w", ".answers").click()
    assert place(opened) == "Item 2 of 7"
    opened.button("Previous").click()
    assert opened.texts("[aria-pressed=true]") == ["wWrong"]
    opened.button("Clear").click()
    assert opened.all("[aria-pressed=true]") == []
    opened.button("Whole conversations").click()
    assert place(opened) == "Item 6 of 7"
    opened.one("#missing").send_keys("thrift")
    assert opened.texts("[aria-pressed=true]") == ["wWrong"]
    opened.button("r", ".answers").click()
    assert opened.texts("#hint") == ["Values are named as missing: empty the field first, or answer wrong."]
    opened.button("Unanswered").click()
    assert place(opened) == "Item 1 of 7"
    opened.button("Help").click()
    press(opened, "r")
    assert opened.one("#help").is_displayed()
    assert opened.texts("#progress") == ["2 of 7 answered"]
    press(opened, Keys.ESCAPE)
    opened.button("Start anew").click()
    opened.button("Keep the answers", "#anew").click()
    assert opened.texts("#progress") == ["2 of 7 answered"]
    opened.button("Start anew").click()
    opened.button("Start anew", "#anew").click()
    assert opened.texts("#progress") == ["1 of 7 answered"]


def test_answers_are_kept_for_their_sheet_alone(opened: Browser, tmp_path: Path) -> None:
    assert not asks_before_leaving(opened)
    press(opened, "r", "w", "n", "mine", Keys.ESCAPE)
    assert asks_before_leaving(opened)
    opened.open(tmp_path / "review.html")
    assert asks_before_leaving(opened)
    assert (place(opened), opened.texts("#progress")) == ("Item 3 of 7", ["3 of 7 answered"])
    assert opened.run("return document.getElementById('note').value") == "mine"
    download(opened)
    assert not asks_before_leaving(opened)
    other = tmp_path / "other"
    other.mkdir()
    open_page(opened, write_sheet(other, few_items()[:6]))
    assert (place(opened), opened.texts("#progress")) == ("Item 1 of 6", ["0 of 6 answered"])


def asks_before_leaving(browser: Browser) -> bool:
    return bool(browser.run("return !dispatchEvent(new Event('beforeunload', { cancelable: true }))"))


@pytest.mark.slow
def test_two_tabs_of_a_sheet_share_their_answers(opened: Browser, tmp_path: Path) -> None:
    first = opened.driver.current_window_handle
    opened.driver.switch_to.new_window("tab")
    try:
        opened.open(tmp_path / "review.html")
        press(opened, "r", "w")
        opened.driver.close()
    finally:
        opened.driver.switch_to.window(first)
    opened.wait(lambda: opened.texts("#progress") == ["3 of 7 answered"])
    assert opened.texts("[aria-pressed=true]") == ["rRight"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "broken",
    ["get localStorage() { throw new Error() }", "localStorage: { getItem() {}, setItem() { throw new Error() } }"],
)
def test_the_page_says_where_the_browser_keeps_nothing(browser: Browser, tmp_path: Path, broken: str) -> None:
    script = f"Object.defineProperties(window, Object.getOwnPropertyDescriptors({{ {broken} }}))"
    made = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
    try:
        open_page(browser, write_sheet(tmp_path, few_items()))
        assert browser.one("#notice").text.startswith("This browser does not keep the answers")
        press(browser, "r", "w")
        assert browser.texts("#progress") == ["3 of 7 answered"]
    finally:
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", made)


@pytest.mark.slow
def test_what_is_kept_and_damaged_is_left_alone(opened: Browser) -> None:
    key = "JSON.parse(document.getElementById('sheet').textContent).key"
    for kept in ("{", '{"at": 0, "given": [{}, {}, {}, {}, {}, {}, {}]}'):
        opened.run(f"localStorage.setItem({key}, arguments[0])", kept)
        opened.driver.refresh()
        assert opened.texts("#progress") == ["1 of 7 answered"]


def test_nothing_is_clipped_or_faint(opened: Browser) -> None:
    for width, dark in product((390, 1440), (False, True)):
        opened.look(width, 900, dark=dark)
        # A quote that is lost, a response, a whole conversation.
        for keys in ("kkkkkjj", "j", "jj"):
            press(opened, keys)
            assert poor_places(opened) == []
        # What stays at the foot of a small screen does not cover a field.
        press(opened, "n")
        box = "document.activeElement.getBoundingClientRect()"
        at_foot = opened.run(f"return document.elementFromPoint({box}.x + 9, {box}.bottom - 3)?.id")
        assert at_foot == "note"
        press(opened, Keys.ESCAPE)
        opened.save(SCREENSHOTS / f"review-{width}-{'dark' if dark else 'light'}.png")
    press(opened, "?")
    assert poor_places(opened) == []


def poor_places(browser: Browser) -> list[str]:
    """Return what is wider than its place, reaches out of the page, overlaps a button, or can hardly be read."""
    return list(browser.run(POOR))


POOR = """
const poor = [], name = (one) => `${one.tagName}.${one.className} ${one.textContent.slice(0, 30)}`;
if (document.documentElement.scrollWidth > innerWidth) poor.push("the page is too wide");
const seen = [...document.querySelectorAll("body *")]
  .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden, svg, script"));
const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
const light = (colour) => rgb(colour).slice(0, 3).map((part) => part / 255)
  .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
  .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (one) => {
  for (; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (rgb(colour)[3] !== 0) return colour;
  }
  return "rgb(255, 255, 255)";
};
for (const one of seen) {
  const inline = getComputedStyle(one).display.startsWith("inline") && one.tagName !== "BUTTON";
  if (!inline && one.scrollWidth > one.clientWidth + 1 && one.tagName !== "INPUT") poor.push(`wide: ${name(one)}`);
  const box = one.getBoundingClientRect();
  if (box.left < -1 || box.right > innerWidth + 1) poor.push(`outside: ${name(one)}`);
  if ([...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) {
    const [a, b] = [light(getComputedStyle(one).color), light(ground(one))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`faint (${ratio.toFixed(2)}): ${name(one)}`);
  }
}
const groups = new Map();
for (const button of document.querySelectorAll("button")) {
  if (!button.checkVisibility()) continue;
  groups.set(button.parentElement, [...(groups.get(button.parentElement) ?? []), button]);
}
for (const buttons of groups.values()) buttons.forEach((one, i) => buttons.slice(i + 1).forEach((other) => {
  const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
  if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) poor.push(`overlap: ${name(one)}`);
}));
return poor;
"""


def test_the_page_holds_nothing_but_text_and_lets_nothing_in(tmp_path: Path) -> None:
    items = [
        make_item(i, claim=text, turns=(ShownTurn(1, "ai", shown_text(text)),), note=text)
        for i, text in enumerate(HOSTILE)
    ]
    page = tmp_path / "review.html"
    write_review_page(write_sheet(tmp_path, items, 'a<b>"c'), page)
    parts = Parts(page.read_text(encoding="utf-8"))
    assert [tag for tag, *_ in parts.raw] == ["style", "script", "script"]
    assert "img" not in parts.tags
    assert "b" not in parts.tags
    assert [item["claim"] for item in parts.data["items"]] == [
        item.claim for item in read_sheet(tmp_path / 'a<b>"c.csv')
    ]
    assert {"default-src 'none'", "connect-src 'none'", "base-uri 'none'"} <= set(parts.policy.split("; "))
    assert "unsafe" not in parts.policy
    assert re.search(r"https?://(?!www\.w3\.org/2000/svg|127\.0\.0\.1)", page.read_text(encoding="utf-8")) is None


def test_the_command_writes_a_private_page(tmp_path: Path, run: Run) -> None:
    sheet, out = write_sheet(tmp_path, few_items()), tmp_path / "review.html"
    done = run("extract", "review", sheet, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert "it quotes conversations" in done.stdout
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    refused = run("extract", "review", sheet, "--out", tmp_path / "review.txt")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1


def test_the_page_is_written_to_a_place_of_its_own(tmp_path: Path) -> None:
    sheet = write_sheet(tmp_path, few_items())
    before = sheet.read_bytes()
    link = tmp_path / "link.html"
    link.symlink_to(sheet)
    for out, problem in (
        (sheet, "a review page is a page"),
        (tmp_path / "no" / "a.html", "no folder"),
        (link, "the sheet"),
    ):
        with pytest.raises(OutputError, match=problem):
            write_review_page(sheet, out)
    assert sheet.read_bytes() == before
    (tmp_path / "empty.csv").write_text("a,b\n", encoding="utf-8")
    with pytest.raises(InputError):
        write_review_page(tmp_path / "empty.csv", tmp_path / "review.html")


def many_items() -> list[ReviewItem]:
    """Three hundred items, with all that is hostile in their turns, claims and quotes."""
    kinds = [KINDS[min(i // 75, 3)] for i in range(300)]
    items = []
    for i, kind in enumerate(kinds):
        text = shown_text(HOSTILE[i % len(HOSTILE)])
        long = f"{text}\n" + "one word after another, " * 1700 if i % 60 == 0 else text
        turns = (
            ShownTurn(1, "human", f"{text} {i}"),
            ShownTurn(2, "ai", long),
            ShownTurn(5, "human", f"Then\n\n{text}"),
        )
        side = SIDES[i % 2] if kind == "value" else None
        has_evidence = kind in ("value", "response")
        quote = text.split("\n")[0][:60] if has_evidence else ""
        claim = f"{text}, {i}" if i % 3 == 0 else "honesty"
        items.append(
            make_item(i, kind, side=side, claim=claim, turn=2 if has_evidence else 0, quote=quote, turns=turns)
        )
    return items


@pytest.mark.slow
def test_three_hundred_hostile_items_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    browser.look(1440, 900)
    sheet = write_sheet(tmp_path, many_items())
    items = read_sheet(sheet)
    page = open_page(browser, sheet)
    expected = []
    for i, item in enumerate(items):
        if i == 150:
            browser.open(page)
            assert browser.texts("#progress") == ["150 of 300 answered"]
            assert place(browser) == "Item 151 of 300"
        answer = item.answers[i % len(item.answers)]
        filled = replace(item, answer=answer)
        if i % 7 == 0:
            filled = replace(filled, note=HOSTILE[i % len(HOSTILE)].replace("\t", " ").replace("\u2028", " "))
            press(browser, "n", filled.note, Keys.ESCAPE)
        key = str(i % 8 + 1) if answer in RESPONSE_TYPES else answer[0]
        assert browser.texts(".text") == [turn.text for turn in item.turns]
        press(browser, key)
        if item.kind == "conversation" and answer == "wrong":
            filled = replace(filled, missing=f"-thrift {i}; 'calm'; =care")
            press(browser, filled.missing, Keys.ENTER)
        expected.append(filled)
    assert browser.texts("#progress") == ["300 of 300 answered"]
    filled_sheet = download(browser)
    assert filled_sheet.read_text(encoding="utf-8") == sheet_csv(expected)
    assert read_sheet(filled_sheet) == expected
    assert browser.run("return window.ran ?? null") is None
    assert browser.requests() == [page.as_uri()]
    assert browser.errors() == []
    for width in (390, 1440):
        browser.look(width, 900)
        browser.open(page)
        for _ in range(25):
            assert poor_places(browser) == []
            press(browser, *[Keys.ARROW_LEFT] * 12)
