// The taxonomy as nodes that know their parent and children, and how figures and elements are made.

const data = JSON.parse(document.getElementById("taxonomy").textContent);
const top_ = data.levels.length - 1;

const nodes = data.nodes.id.map((id, i) => ({
  i,
  id,
  level: data.nodes.level[i],
  label: data.nodes.label[i],
  weight: data.nodes.weight[i],
  share: data.nodes.share[i],
  definition: data.nodes.definition[i] ?? "",
  aliases: data.nodes.aliases[i] ?? [],
  flags: data.nodes.flags[i] ?? [],
  polarity: data.nodes.polarity[i] ?? "value",
  reviewed: data.nodes.reviewed[i] ?? false,
  history: data.nodes.history[i] ?? [],
  source: data.nodes.source[i],
  rank: data.nodes.rank[i],
  covered: data.nodes.covered[i],
  stability: data.nodes.stability[i],
  confidence: data.nodes.confidence[i],
  votes: data.nodes.votes[i],
  conversations: data.nodes.conversations[i],
  changes: [],
  findings: [],
  children: [],
}));
for (const node of nodes) {
  node.parent = nodes[data.nodes.parent[node.i]] ?? null;
  node.second = nodes[data.nodes.second[node.i]] ?? null;
  node.near = data.nodes.near === null ? null : data.nodes.near[node.i].map((i) => nodes[i]);
  node.parent?.children.push(node);
}
const largestFirst = (a, b) => b.share - a.share || (a.label < b.label ? -1 : 1);
const tops = nodes.filter((node) => node.level === top_).sort(largestFirst);
const values = nodes.filter((node) => node.level === 0);
const byId = new Map(nodes.map((node) => [node.id, node]));

// Nodes stand top level first: parents are done before their children, and backwards children before their parents.
for (const node of nodes) {
  node.top = node.parent ? node.parent.top : node;
  node.children.sort(largestFirst);
}
for (const node of [...nodes].reverse()) {
  node.size = node.level === 0 ? 1 : node.children.reduce((sum, child) => sum + child.size, 0);
}
const pathOf = (node) => (node ? [...pathOf(node.parent), node] : []);
const under = (node, other) => node === other || (node.parent !== null && under(node.parent, other));
const valuesOf = (node) => (node.level === 0 ? [node] : node.children.flatMap(valuesOf));

// Seven colours that people with each kind of colour blindness tell apart; names stand beside them everywhere.
const COLOURS = ["#4a74b4", "#e3a233", "#6fd8bd", "#b9512f", "#a99cf2", "#7d4a83", "#e8dc7c"];
[...tops].sort((a, b) => (a.label < b.label ? -1 : 1)).forEach((top, i) => (top.hue = COLOURS[i % COLOURS.length]));
const hueOf = (node) => node.top.hue;

// -- what changed since another version, and what a taxonomist should look at

for (const [code, i, message] of data.findings) nodes[i].findings.push({ code, message, node: nodes[i] });
const CHANGE_HUES = { added: "#2a9d8f", moved: "#e3a233", split: "#b9512f", merged: "#b9512f", retired: "#b9512f" };
const RELABELLED = "#8a63c9";
const changes = (data.diff?.changes ?? []).map(([kind, i, id, label, level, text, why]) => ({
  kind, id, label, level, text, why, node: i === null ? null : nodes[i],
}));
for (const change of changes) change.node?.changes.push(change);
for (const node of [...nodes].reverse()) {
  node.changed = node.children.reduce((sum, child) => sum + child.changed, 0) + (node.changes.length ? 1 : 0);
}
const changeHue = (kind) => CHANGE_HUES[kind] ?? RELABELLED;

// -- words and figures

const UNITS = { pct_convos: "% of conversations", mentions: "mentions", strings: "strings" };
const unit = UNITS[data.unit];
const count = (n) => n.toLocaleString("en");
const figure = (x) => x.toLocaleString("en", { maximumSignificantDigits: 4 });
function percent(x) {
  const points = 100 * x;
  if (points > 0 && points < 0.01) return "<0.01%";
  return `${points.toFixed(points && points < 1 ? 2 : 1)}%`;
}
const plural = (n, name) => `${count(n)} ${n === 1 ? name : name.endsWith("s") ? name : `${name}s`}`;
const levelName = (level) => data.levels[level];
const sizes = data.levels.map((name, level) => nodes.filter((node) => node.level === level).length);
const SUMMARY = [...data.levels.keys()].map((level) => plural(sizes[level], levelName(level)));

// -- elements: text is always text, and styles are set as properties, which the policy allows

function el(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key.startsWith("--")) made.style.setProperty(key, value);
    else if (key in made && key !== "list" && !key.includes("-")) made[key] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}
const dot = (node) => el("span.dot", { "--hue": hueOf(node), "aria-hidden": "true" });
const link = (node, text = node.label) => el("a", { href: address({ node }) }, text);
const say = (text) => (document.getElementById("said").textContent = text);
const $ = (id) => document.getElementById(id);

// A list that grows when asked, so that thousands of rows cost nothing until someone wants them.
function growing(list, items, row, step = 50) {
  let shown = 0;
  const more = el("button.more", { type: "button", onclick: grow });
  function grow() {
    const first = items.slice(shown, shown + step).map(row);
    list.append(...first);
    if (shown) first[0]?.querySelector("a, button")?.focus();
    shown += first.length;
    more.hidden = shown >= items.length;
    more.textContent = `Show ${count(Math.min(step, items.length - shown))} more of ${count(items.length)}`;
  }
  grow();
  return el("div", {}, list, more);
}
