// What a taxonomist should look at, and the edits drafted so far.

const CODES = {
  "not-reviewed": "Not reviewed", "stale-definition": "Definition names what is gone", "mixed-folder": "Mixed folder",
  digest: "Changed by hand", "doubtful-parent": "Nearer to another parent", "empty-domain": "Empty", "label-fit": "Label fits another node",
  "near-label": "Almost the same label", opposites: "Opposites together", "other-domain": "Neighbours in another domain", oversized: "Too many children",
  "same-label": "The same label", "single-child": "Single child", "spelling-twins": "Spellings of one value", unstable: "Unstable", vice: "Vice among values", weights: "Weights don't add up",
};
// What is most likely to be done about each.
const LIKELY = {
  "doubtful-parent": "move", "other-domain": "move", opposites: "move", vice: "move", "spelling-twins": "merge", "single-child": "merge", oversized: "split",
  "not-reviewed": "review", "stale-definition": "define", unstable: "pin", "empty-domain": "define", digest: "pin",
};
const sentence = (text) => text.replace(/ \(level \d+\)/g, "").replace(/^\p{Ll}/u, (first) => first.toUpperCase());

function likely(node, code) {
  const action = LIKELY[code] ?? "rename";
  return ACTIONS[action].fits(node) ? action : actionsFor(node)[0];
}

const reviews = (() => {
  const sections = d3.groups(data.findings.map(([code, i, message]) => ({ code, message, node: nodes[i] })), (one) => one.code)
    .map(([code, list]) => ({ key: code, title: CODES[code] ?? code, list: list.sort((a, b) => b.node.share - a.node.share || (a.node.label < b.node.label ? -1 : 1)) }));
  const unsure = nodes.filter((node) => node.confidence !== null && node.second).sort((a, b) => a.confidence - b.confidence).slice(0, 300)
    .map((node) => ({ node, code: "doubtful-parent", message: `${node.confidence.toFixed(2)}: under ${node.parent.label}, runner-up ${node.second.label}` }));
  const shaky = nodes.filter((node) => node.stability !== null && node.level > 0).sort((a, b) => a.stability - b.stability).slice(0, 300)
    .map((node) => ({ node, code: "unstable", message: `came back in ${percent(node.stability)} of the runs` }));
  return [
    { key: "unsure", title: "Lowest confidence", list: unsure, none: "No placement has a confidence: the tree was imported, or has one level." },
    { key: "shaky", title: "Least stable", list: shaky, none: "Stability was not measured. Run value-taxonomy stability TAXONOMY --out TAXONOMY, and write the page again." },
    ...sections,
  ];
})();

function showReview() {
  const current = reviews.find((one) => one.key === state.review) ?? reviews.find((one) => one.list.length) ?? reviews[0];
  const chips = reviews.map((one) => el("button.filter", { type: "button", "aria-pressed": String(one === current), onclick: () => { state.review = one.key; showReview(); } }, one.title, el("span.number", {}, count(one.list.length))));
  const list = current.list.length ? growing(el("ul.todo"), current.list, todo) : el("p.empty", {}, current.none ?? "Nothing found.");
  $("view-review").replaceChildren(...[
    draftsCard(),
    el("div.filters", { role: "group", "aria-label": "What to review" }, chips),
    data.unchecked.length > 0 && el("p.faint.pad", {}, `Not checked, for want of vectors: ${data.unchecked.map((code) => (CODES[code] ?? code).toLowerCase()).join(", ")}.`),
    el("h2.visually-hidden", {}, current.title), list,
  ].filter(Boolean));
}

function todo({ node, code, message }) {
  const action = likely(node, code);
  const to = action === "move" ? node.second : null;
  const edit = (wanted, target = null) => openEditor(node, { action: wanted, to: target, note: sentence(message) });
  return el("li.todo-row", {},
    el("div", {}, el("p.todo-name", {}, dot(node), link(node), el("span.faint", {}, levelName(node.level))), el("p.todo-why", {}, sentence(message))),
    el("div.actions", {},
      el("button.quiet", { type: "button", onclick: () => edit(action, to) }, to ? `Move to ${to.label}` : ACTIONS[action].name),
      action !== "pin" && ACTIONS.pin.fits(node) && el("button.quiet", { type: "button", onclick: () => edit("pin") }, ACTIONS.pin.name)));
}

function draftsCard() {
  if (!drafts.length) return el("div.drafts", {}, el("p", {}, el("strong", {}, "No edits drafted. "), "Take something from the list below, or “Propose an edit” beside any node; then download them as a file that the next build follows."));
  const row = (edit, i) => el("li", {}, byId.has(edit.node) ? link(byId.get(edit.node), describe(edit)) : describe(edit), el("button.quiet", { type: "button", "aria-label": `Take back: ${describe(edit)}`, onclick: () => setDrafts(drafts.filter((_, j) => j !== i)) }, "Take back"));
  return el("div.drafts", {},
    el("div.drafts-head", {}, el("p", {}, el("strong", {}, `${plural(drafts.length, "edit")} drafted. `), keptNowhere ? "This browser does not keep them: download before you close the page." : "Kept in this browser until taken back."),
      el("button.primary", { type: "button", id: "download-edits", onclick: downloadEdits }, "Download edits.toml")),
    growing(el("ol.plain"), drafts, (edit) => row(edit, drafts.indexOf(edit)), 8),
    el("p.faint", {}, "Then: ", el("code", {}, "value-taxonomy build VALUES --previous TAXONOMY --edits edits.toml --out build/")));
}
