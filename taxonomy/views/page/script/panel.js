// The side panel: all that is known of one node, of a lassoed selection, or of the whole.

const FLAGS = {
  doubtful: "Another parent is nearer: see the runner-up.",
  thin: "It has a single child.",
  empty: "Nothing belongs to it.",
  dormant: "The last input did not mention it.",
  made: "A person made it; no input had it yet.",
  outlying: "It fits no parent: it is nearer to the mean of all others.",
};
const POLARITIES = { vice: "People disvalue it.", opposition: "It is against what people disvalue." };
const SOURCES = {
  input: "as in the input", domain: "from the domains file", keyphrase: "made from its values",
  llm: "given by a language model", human: "given by a person", imported: "as imported",
};

function showPanel(node, selection) {
  const panel = $("panel");
  panel.replaceChildren(...(selection ? ofSelection(selection) : node ? ofNode(node) : ofAll()));
  panel.scrollTop = 0;
  document.body.classList.toggle("has-node", Boolean(selection || node));
}

const block = (title, ...content) => el("section.block", {}, el("h3", {}, title), ...content);
const fact = (name, ...content) => [el("dt", {}, name), el("dd", {}, ...content)];
const close = (label) => el("button.close", { type: "button", "aria-label": label, onclick: () => go({ node: null }) }, "×");

function ofNode(node) {
  return [
    el("div.panel-head", {},
      el("p.kicker", {}, dot(node), levelName(node.level), node.parent && ` in ${node.top.label}`),
      close("Close details"),
      el("h2", {}, node.label),
      node.parent && el("nav.path", { "aria-label": "Path" }, pathOf(node.parent).flatMap((step, i) => [i > 0 && " › ", link(step)])),
      node.definition ? el("p.definition", {}, node.definition) : node.level > 0 && el("p.faint", {}, "No definition yet."),
      node.reviewed && el("p.flag.reviewed", {}, el("strong", {}, "reviewed"), " A person has looked at it as it is."),
      node.polarity !== "value" && el("p.flag", {}, el("strong", {}, node.polarity), ` ${POLARITIES[node.polarity]}`),
      node.flags.map((flag) => el("p.flag", {}, el("strong", {}, flag), FLAGS[flag] ? ` ${FLAGS[flag]}` : "")),
    ),
    node.changes.length > 0 && block(`Changed since ${data.diff.old_version}`, changeLines(node)),
    counts(node),
    node.aliases.length > 0 && block("Other spellings", el("p.aliases", {}, node.aliases.map((alias) => el("span.chip", {}, alias)))),
    placement(node),
    node.level > 0 && members(node, plural(node.children.length, levelName(node.level - 1)), node.children),
    siblings(node),
    nearest(node),
    node.findings.length > 0 && block("To look at", el("ul.plain", {}, node.findings.map((one) => el("li", {}, sentence(one.message))))),
    block("Propose an edit", editButtons(node)),
    history_(node),
  ].filter(Boolean);
}

function counts(node) {
  const { conversations: talk, parent } = node;
  const of = (part) => el("span.bar-line", { "--part": part, "--hue": hueOf(node), "aria-hidden": "true" });
  return block("Counts", el("dl.facts", {},
    fact("of all", el("span.number", {}, percent(node.share)), of(node.share)),
    parent && parent.share > 0 && fact(`of ${parent.label}`, el("span.number", {}, percent(node.share / parent.share)), of(node.share / parent.share)),
    fact("weight", weightOf(node)),
    node.level > 0 && fact("holds", plural(node.size, levelName(0))),
    talk && fact("conversations", `${count(talk[0])} of ${count(talk[1])}: ${percent(talk[0] / talk[1])} (95% interval ${percent(talk[2])} to ${percent(talk[3])})`),
  ));
}

// Shares of conversations don't add up, since a conversation holds several values: above the values they are a sum.
function weightOf(node) {
  if (data.unit !== "pct_convos") return `${figure(node.weight)} ${unit}`;
  return node.level === 0 ? `${figure(node.weight)}% of conversations` : `${figure(node.weight)}, the sum of its values’ % of conversations`;
}

function placement(node) {
  if (node.confidence === null) return null;
  const sure = node.confidence;
  return block("Placement",
    el("div.meter", { role: "img", "aria-label": `Confidence ${sure.toFixed(2)}; below 0.5 the runner-up is nearer` },
      el("span", { "--part": sure, "--hue": hueOf(node) })),
    el("dl.facts", {},
      fact("confidence", `${sure.toFixed(2)}${sure < 0.5 ? ", below a tie" : ""}`),
      fact("runner-up", node.second ? [dot(node.second), link(node.second)] : "none"),
      node.votes !== undefined && fact("model's votes", percent(node.votes)),
    ));
}

function members(node, title, list, open = true) {
  const largest = Math.max(...list.map((one) => one.share), 1e-12);
  const row = (one) => el("li", {}, el("a.member", { href: address({ node: one }) },
    el("span.member-label", {}, one.label), el("span.number", {}, percent(one.share)),
    el("span.bar-line", { "--part": one.share / largest, "--hue": hueOf(one), "aria-hidden": "true" })));
  const content = list.length ? growing(el("ul.plain"), list, row, 12) : el("p.faint", {}, "None.");
  return open ? block(title, content) : el("details.block", {}, el("summary", {}, title), content);
}

function siblings(node) {
  const beside = (node.parent ? node.parent.children : tops).filter((other) => other !== node);
  return members(node, `${plural(beside.length, "sibling")}`, beside, node.level === 0);
}

function nearest(node) {
  if (node.near === null) return block("Nearest elsewhere", el("p.faint", {}, "Not computed: this page was written without vectors."));
  const row = (other) => el("li.beside", {}, dot(other), el("span", {}, link(other), other.parent && el("span.faint", {}, ` in ${other.parent.label}`)));
  return block("Nearest elsewhere", node.near.length ? el("ul.plain", {}, node.near.map(row)) : el("p.faint", {}, "Nothing on this level has another parent."));
}

// Retired nodes by the node that replaces them today; successors may have been retired since.
const successors = (() => {
  const replacedBy = new Map();
  const retired = new Map(data.retired.map((entry) => [entry[0], entry]));
  function follow(id, start, seen) {
    const live = byId.get(id);
    if (live) replacedBy.set(live, [...(replacedBy.get(live) ?? []), start]);
    else if (retired.has(id) && !seen.has(id)) for (const successor of retired.get(id)[4]) follow(successor, start, new Set([...seen, id]));
  }
  for (const entry of data.retired) for (const successor of entry[4]) follow(successor, entry, new Set([entry[0]]));
  return replacedBy;
})();

function history_(node) {
  const replaced = [...new Set(successors.get(node) ?? [])];
  return block("Identity and history",
    el("button.id", { type: "button", "aria-label": `Copy the id ${node.id}`, onclick: (event) => copy(event.currentTarget, node.id) }, el("code", {}, node.id), el("span", {}, "Copy")),
    el("dl.facts", {},
      fact("version", data.version, data.previous && data.previous !== data.version ? `, after ${data.previous}` : ""),
      fact("label", SOURCES[node.source], node.rank ? `; ranks ${count(node.rank)} on its level as a query for it` : "", node.covered !== undefined ? `; covers ${percent(node.covered)} of its weight` : ""),
      node.stability !== null && fact("stability", `came back in ${percent(node.stability)} of the runs`),
      fact("replaces", replaced.length ? el("ul.plain", {}, replaced.map((one) => el("li", {}, one[1], el("span.faint", {}, ` until ${one[3]}, ${one[0]}`), decisions(one[5])))) : "nothing that was retired"),
      fact("decisions", node.history.length ? decisions(node.history) : "none by a person"),
    ));
}

const decisions = (history) => history.length > 0 && el("ul.plain.decisions", {}, history.map(([version, what, why, who]) =>
  el("li", {}, sentence(what), why && el("span", {}, `: ${why}`), el("span.faint", {}, ` ${[who, version].filter(Boolean).join(", ")}`))));

async function copy(button, text) {
  const label = button.lastChild;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // From a file some browsers keep the clipboard shut: the older way works there.
    const field = el("textarea.visually-hidden", { value: text });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  label.textContent = "Copied";
  say(`Copied ${text}`);
  setTimeout(() => (label.textContent = "Copy"), 1500);
}

function ofAll() {
  const doubtful = values.filter((node) => node.flags.includes("doubtful")).length;
  const first = [...data.levels.keys()].reverse().map((level) => plural(sizes[level], levelName(level)));
  return [
    el("div.panel-head", {}, el("p.kicker", {}, "About this page"), el("h2", {}, "Start anywhere"),
      el("p.definition", {}, `${first.join(", ")}. Choose one in the picture, or search; what it means, how often it occurs and what lies near it stands here.`)),
    block("The top", el("ul.plain", {}, tops.map((top) => el("li", {}, el("a.member", { href: address({ node: top }) },
      dot(top), el("span.member-label", {}, top.label, top.size === 0 && el("span.faint", {}, " (empty)")), el("span.number", {}, percent(top.share)),
      el("span.bar-line", { "--part": top.share, "--hue": top.hue, "aria-hidden": "true" })))))),
    block("What is doubtful", el("p", {}, doubtful > 0 && `${plural(doubtful, levelName(0))} ${doubtful === 1 ? "lies" : "lie"} nearer to another parent. `,
      data.findings.length ? [`${plural(data.findings.length, "finding")} in all: see `, el("a", { href: address({ tab: "review" }) }, "Review"), "."] : "There are no findings.")),
    block("Keys", el("dl.keys", {}, [["/", "search"], ["↑ ↓ ← →", "move"], ["Enter", "open"], ["Esc", "go up"], [`1 – ${TABS.length}`, "views"]].flatMap(([key, does]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, does)]))),
    block("Made from", el("dl.facts", {},
      fact("id", data.id), fact("weights", unit), data.method && fact("method", data.method),
      data.model && fact("model", data.model), data.labeller && fact("labels", data.labeller),
      data.previous && fact("after", `version ${data.previous}`),
      data.retired.length > 0 && fact("retired", plural(data.retired.length, "node")))),
  ];
}

function ofSelection(chosen) {
  const share = chosen.reduce((sum, node) => sum + node.share, 0);
  const byTop = d3.rollups(chosen, (part) => part.length, (node) => node.top).sort((a, b) => b[1] - a[1]);
  return [
    el("div.panel-head", {}, el("p.kicker", {}, "Lasso"), el("button.close", { type: "button", "aria-label": "Let the selection go", onclick: () => letGo() }, "×"),
      el("h2", {}, plural(chosen.length, levelName(0))), el("p.definition", {}, chosen.length ? `${percent(share)} of all.` : "The lasso caught no value: draw around some points.")),
    chosen.length > 0 && block("Where they are in the tree", el("ul.plain", {}, byTop.map(([top, n]) => el("li", {}, el("a.member", { href: address({ node: top }) },
      dot(top), el("span.member-label", {}, top.label), el("span.number", {}, count(n)),
      el("span.bar-line", { "--part": n / chosen.length, "--hue": top.hue, "aria-hidden": "true" })))))),
    chosen.length > 0 && members(null, "Values", [...chosen].sort(largestFirst)),
  ].filter(Boolean);
}

function showTip(event, node) {
  const tip = $("tip");
  tip.hidden = !node;
  if (!node) return;
  tip.replaceChildren(el("strong", {}, node.label), el("span", {}, `${levelName(node.level)}, ${percent(node.share)} of all${node.level ? `, ${plural(node.size, levelName(0))}` : ""}`));
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
  tip.style.top = `${event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 10 : event.clientY + 18}px`;
}
