"use strict";
{
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("sheet").textContent);
  const { items } = data;
  const KINDS = { value: "Values", response: "Responses of the AI", screening: "Screening", conversation: "Whole conversations" };
  const REFUSED = "This browser does not keep the answers: download the sheet before you leave the page.";
  const NAMED = "Values are named as missing: empty the field first, or answer wrong.";
  const fromSheet = () => items.map(({ given: [answer, missing, note] }) => ({ answer, missing, note }));

  // What is kept: the answers, the place, and whether there is something that was not downloaded.
  let given = fromSheet();
  let at = 0;
  let pending = false;
  let shown = -1;

  function element(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  // -- what is kept in the browser

  const isKept = (kept) =>
    Array.isArray(kept?.given) && kept.given.length === items.length && Number.isInteger(kept.at) && kept.at in items &&
    kept.given.every((one, i) => [one?.answer, one?.missing, one?.note].every((cell) => typeof cell === "string") &&
      (one.answer === "" || data.answers[items[i].kind].includes(one.answer)));

  function parse(text) {
    try {
      const kept = JSON.parse(text);
      return isKept(kept) ? kept : null;
    } catch {
      return null;
    }
  }

  function recall() {
    try {
      return parse(localStorage.getItem(data.key));
    } catch {
      return null;
    }
  }

  function keep() {
    try {
      localStorage.setItem(data.key, JSON.stringify({ at, pending, given }));
      notice("");
    } catch {
      notice(REFUSED);
    }
  }

  function adopt(kept) {
    given = kept.given;
    pending = kept.pending === true;
  }

  // -- what is said

  function notice(text) {
    if ($("notice").textContent !== text) $("notice").textContent = text;
    $("notice").hidden = text === "";
  }

  const hint = (text) => { $("hint").textContent = text; };

  // -- what is drawn

  const unanswered = () => given.filter((one) => one.answer === "").length;

  function draw() {
    const item = items[at];
    if (shown !== at) drawItem(item);
    shown = at;
    for (const button of $("answers").children) button.setAttribute("aria-pressed", String(button.value === given[at].answer));
    for (const name of ["missing", "note"]) if ($(name).value !== given[at][name]) $(name).value = given[at][name];
    drawProgress();
  }

  function drawItem(item) {
    $("place").textContent = `Item ${at + 1} of ${items.length} · ${KINDS[item.kind]}`;
    $("said").textContent = `Item ${at + 1} of ${items.length}. ${item.claim} ${item.question}`;
    $("claim").textContent = item.claim;
    $("claim").hidden = item.claim === "";
    $("claim").classList.toggle("long", item.claim.length > 80);
    $("question").textContent = item.question;
    $("quote").textContent = item.quote;
    $("lost").hidden = item.quote === "";
    $("missing-field").hidden = item.kind !== "conversation";
    drawAnswers(item.kind);
    $("talk").replaceChildren(...turnsOf(item));
    $("about").scrollTop = 0;
    const mark = $("talk").querySelector("mark") ?? $("talk").querySelector(".evidence");
    $("talk").scrollTop = mark === null ? 0 : mark.offsetTop - $("talk").clientHeight / 3;
    scrollTo(0, 0);
    hint("");
  }

  // The same buttons stay as long as they fit, so that the focus does.
  function drawAnswers(kind) {
    const answers = data.answers[kind];
    if ([...$("answers").children].map((button) => button.value).join() === answers.join()) return;
    $("answers").classList.toggle("many", answers.length > 3);
    $("answers").replaceChildren(...answers.map((answer, i) => element(
      "button", { type: "button", className: "answer", value: answer },
      element("kbd", {}, keyOf(answers, i)), element("span", {}, answer[0].toUpperCase() + answer.slice(1)),
    )));
  }

  const keyOf = (answers, i) => (answers.length > 3 && answers[i] !== "unsure" ? String(i + 1) : answers[i][0]);

  function* turnsOf({ turns, turn: evidence }) {
    let last = 0;
    for (const turn of turns) {
      if (turn.number > last + 1) yield element("p", { className: "gap" }, gap(last + 1, turn.number - 1));
      last = turn.number;
      const isEvidence = turn.number === evidence;
      const name = turn.side === "ai" ? turn.name : turn.name[0].toUpperCase() + turn.name.slice(1);
      const head = element("h3", {}, `Turn ${turn.number} · ${name}`);
      if (isEvidence) head.append(element("span", { className: "chip" }, "Evidence"));
      const [before, quote, after] = turn.parts;
      const text = element("div", { className: "text", dir: "auto" }, before);
      if (quote !== undefined) text.append(element("mark", {}, quote), after);
      yield element("article", { className: `turn ${turn.side}${isEvidence ? " evidence" : ""}` }, head, text);
    }
    if (last === 0) yield element("p", { className: "gap" }, "No turn is shown.");
  }

  const gap = (from, to) => (from === to ? `Turn ${from} is not shown.` : `Turns ${from} to ${to} are not shown.`);

  function drawProgress() {
    const answered = items.length - unanswered();
    $("progress").textContent = `${answered} of ${items.length} answered`;
    $("share").setAttribute("width", String((100 * answered) / items.length));
    for (const button of $("kinds").children) {
      const places = placesOf(button.value);
      const done = places.filter((i) => given[i].answer !== "").length;
      button.querySelector(".number").textContent = `${done} of ${places.length}`;
      button.querySelector("rect").setAttribute("width", String((100 * done) / places.length));
      button.setAttribute("aria-current", String(items[at].kind === button.value));
    }
  }

  const placesOf = (kind) => [...items.keys()].filter((i) => items[i].kind === kind);

  function drawKinds() {
    const there = Object.keys(KINDS).filter((kind) => items.some((item) => item.kind === kind));
    $("kinds").replaceChildren(...there.map((kind) => {
      const bar = document.querySelector(".share").cloneNode(true);
      bar.querySelector("rect").removeAttribute("id");
      const count = element("span", { className: "number faint" });
      return element("button", { type: "button", className: "kind", value: kind }, element("span", {}, KINDS[kind]), count, bar);
    }));
  }

  // -- what is done

  function go(place) {
    at = Math.min(Math.max(place, 0), items.length - 1);
    draw();
    keep();
  }

  function change(name, cell) {
    if (given[at][name] === cell) return;
    given[at][name] = cell;
    pending = true;
    keep();
  }

  function answer(choice) {
    const isWhole = items[at].kind === "conversation";
    if (isWhole && choice === "right" && given[at].missing.trim() !== "") return hint(NAMED);
    change("answer", choice);
    hint("");
    if (isWhole && choice === "wrong") {
      draw();
      enter("missing");
    } else {
      goOn();
    }
  }

  function enter(field) {
    $(field).focus({ preventScroll: true });
    // With the margin that the style gives it: a small screen's foot covers what a focus alone takes for visible.
    $(field).scrollIntoView({ block: "nearest" });
  }

  function goOn() {
    if (at < items.length - 1) return go(at + 1);
    draw();
    const left = unanswered();
    hint(left === 0 ? "All are answered: download the sheet." : `This is the last item. Unanswered: ${left}.`);
  }

  function goToUnanswered() {
    const open = (i) => given[i].answer === "";
    const places = [...items.keys()];
    const next = places.slice(at + 1).find(open) ?? places.slice(0, at + 1).find(open);
    if (next === undefined) hint("All are answered: download the sheet.");
    else if (next === at) hint("This is the only item that is unanswered.");
    else go(next);
  }

  function goToKind(kind) {
    const places = placesOf(kind);
    go(places.find((i) => given[i].answer === "") ?? places[0]);
  }

  // As taxonomy/formats/csv.py writes a cell.
  const escaped = (cell) => (/^[=+\-@\t\r']/.test(cell) ? `'${cell}` : cell);
  const quoted = (cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

  function csv() {
    const places = ["answer", "missing", "note"].map((name) => [name, data.columns.indexOf(name)]);
    const rows = data.rows.map((cells, i) => {
      const row = [...cells];
      for (const [name, place] of places) row[place] = escaped(given[i][name]);
      return row;
    });
    return data.start + [data.columns, ...rows].map((row) => `${row.map(quoted).join(",")}\n`).join("");
  }

  function download() {
    const address = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    element("a", { href: address, download: data.file }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
    pending = false;
    keep();
    hint(`${data.file} is downloaded, with ${items.length - unanswered()} of ${items.length} answered.`);
  }

  function startAnew() {
    given = fromSheet();
    pending = false;
    go(0);
    hint("Started anew.");
  }

  const DO = {
    previous: () => go(at - 1),
    next: () => go(at + 1),
    unanswered: goToUnanswered,
    clear: () => { change("answer", ""); draw(); },
    note: () => enter("note"),
    missing: () => items[at].kind === "conversation" && enter("missing"),
    download,
    help: () => $("help").showModal(),
    anew: () => $("anew").showModal(),
    up: () => $("talk").scrollBy(0, -80),
    down: () => $("talk").scrollBy(0, 80),
    pageUp: () => $("talk").scrollBy(0, -0.9 * $("talk").clientHeight),
    pageDown: () => $("talk").scrollBy(0, 0.9 * $("talk").clientHeight),
  };
  const KEYS = {
    k: "previous", arrowleft: "previous", j: "next", arrowright: "next", g: "unanswered", backspace: "clear", n: "note", m: "missing",
    d: "download", "?": "help", arrowup: "up", arrowdown: "down", pageup: "pageUp", pagedown: "pageDown",
  };
  // What may be done over and over while a key is held.
  const HELD = ["previous", "next", "up", "down", "pageUp", "pageDown"];

  // On a keyboard without Latin letters, by where the key is.
  const keyPressed = ({ key, code }) => (key.length === 1 && key > "~" ? code.replace(/^Key/, "") : key).toLowerCase();

  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input, textarea")) return pressInField(event);
    const key = keyPressed(event);
    const scrolls = event.target === $("talk") && /^(arrow(up|down)|page)/.test(key);
    if (scrolls) return;
    const answers = data.answers[items[at].kind];
    const choice = answers.find((_, i) => keyOf(answers, i) === key);
    const action = KEYS[key];
    if (choice === undefined && action === undefined) return;
    event.preventDefault();
    if (event.repeat && !HELD.includes(action)) return;
    if (choice !== undefined) answer(choice);
    else DO[action]();
  }

  function pressInField(event) {
    if (event.key === "Escape") event.target.blur();
    if (event.key === "Enter" && event.target === $("missing") && !event.repeat) {
      event.preventDefault();
      event.target.blur();
      goOn();
    }
  }

  // Without what is no character of a text, as review_sheet.py shows one.
  const cleaned = (text) => text.replace(/\r\n?/g, "\n").replace(/[\p{Cc}\p{Cs}]/gu, (char) => ("\n\t".includes(char) ? char : ""));

  addEventListener("keydown", press);
  addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button === null) return;
    if (button.dataset.do) DO[button.dataset.do]();
    else if (button.parentElement === $("answers")) answer(button.value);
    else if (button.parentElement === $("kinds")) goToKind(button.value);
  });
  $("note").addEventListener("input", () => change("note", cleaned($("note").value)));
  $("missing").addEventListener("input", () => {
    change("missing", cleaned($("missing").value));
    if (given[at].missing.trim() !== "" && given[at].answer !== "unsure") change("answer", "wrong");
    draw();
  });
  $("anew").addEventListener("close", () => $("anew").returnValue === "anew" && startAnew());
  addEventListener("beforeunload", (event) => pending && event.preventDefault());
  // The same page in another tab: what was answered there counts here.
  addEventListener("storage", ({ key, newValue }) => {
    const kept = key === data.key ? parse(newValue) : null;
    if (kept === null) return;
    adopt(kept);
    draw();
  });

  const kept = recall();
  if (kept !== null) {
    adopt(kept);
    at = kept.at;
  }
  drawKinds();
  go(at);
}
