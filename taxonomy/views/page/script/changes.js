// What changed since another version: counts by kind, and every change.

const KINDS = [...new Set(changes.map((change) => change.kind))];

function showChanges() {
  if (!data.diff) return;
  const { old_version: from, new_version: to, bump } = data.diff;
  const kind = KINDS.includes(state.kind) ? state.kind : null;
  const chosen = changes.filter((change) => kind === null || change.kind === kind);
  const chip = (name, title, n) => el("button.filter", { type: "button", "aria-pressed": String(kind === name), onclick: () => { state.kind = name; showChanges(); } },
    name && el("span.dot", { "--hue": changeHue(name) }), title, el("span.number", {}, count(n)));
  const row = (change) => el("li.todo-row", {}, el("div", {},
    el("p.todo-name", {}, el("span.dot", { "--hue": changeHue(change.kind) }), change.node ? link(change.node) : el("span.gone", {}, change.label), el("span.faint", {}, `${change.kind}, ${levelName(change.level) ?? "level"}`)),
    el("p.todo-why", {}, change.text, el("span.faint", {}, ` ${change.why}`))));
  const recounted = data.diff.counts.recounted ?? 0;
  $("view-changes").replaceChildren(
    el("div.drafts", {}, el("p", {}, el("strong", {}, `${from} → ${to}`), bump ? `, a ${bump} change. ` : ". ", recounted ? `${plural(recounted, "node")} counted anew are not listed.` : "")),
    el("div.filters", { role: "group", "aria-label": "Kind of change" }, chip(null, "All", changes.length), KINDS.map((name) => chip(name, name, changes.filter((change) => change.kind === name).length))),
    chosen.length ? growing(el("ul.todo"), chosen, row) : el("p.empty", {}, "No node came, went, moved or was named anew between the two versions."));
}

const changeLines = (node) => el("ul.plain", {}, node.changes.map((change) => el("li", {}, el("span.dot", { "--hue": changeHue(change.kind) }), el("strong", {}, change.kind), ` ${change.text}`, el("span.faint", {}, ` ${change.why}`))));
