// Search as you type: every node is looked at each time, which is fast enough for tens of thousands.

const plainly = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
let texts = null;

function prepared() {
  texts ??= nodes.map((node) => ({
    node,
    label: plainly(node.label),
    aliases: node.aliases.map(plainly),
    definition: plainly(node.definition),
  }));
  return texts;
}

// 0 is best; null is no match.
function rank(text, query) {
  const at = text.indexOf(query);
  if (at < 0) return null;
  if (at === 0) return text.length === query.length ? 0 : 1;
  return /[\p{L}\p{N}]/u.test(text[at - 1]) ? 3 : 2;
}

function match(entry, query, words) {
  const own = rank(entry.label, query);
  if (own !== null) return { score: own, why: null };
  for (const [i, alias] of entry.aliases.entries()) {
    const other = rank(alias, query);
    if (other !== null) return { score: 1.5 + other, why: `also ${entry.node.aliases[i]}` };
  }
  if (words.length > 1 && words.every((word) => entry.label.includes(word))) return { score: 4, why: null };
  const all = words.every((word) => entry.definition.includes(word));
  return all ? { score: 6, why: entry.node.definition } : null;
}

function search(typed, fits = () => true) {
  const query = plainly(typed.trim());
  if (!query) return [];
  const words = query.split(/\s+/);
  const found = [];
  for (const entry of prepared()) {
    if (!fits(entry.node)) continue;
    const hit = match(entry, query, words);
    if (hit) found.push({ node: entry.node, ...hit });
  }
  return found.sort((a, b) => a.score - b.score || a.node.label.length - b.node.label.length || largestFirst(a.node, b.node));
}

// A text field with a list below it, as ARIA's combobox has it. `fits` narrows what is offered, `choose` gets the node.
function combobox(input, list, { fits, choose, shown = 12 }) {
  let found = [];
  let active = -1;

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
  function take(node) {
    close();
    choose(node);
  }
  function point(to) {
    active = to;
    [...list.querySelectorAll("[role=option]")].forEach((option, i) => {
      option.setAttribute("aria-selected", String(i === active));
      if (i !== active) return;
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    });
  }
  function show() {
    const all = search(input.value, fits);
    found = all.slice(0, shown);
    const rows = found.map((hit, i) => option(hit, `${list.id}-${i}`, () => take(hit.node)));
    const rest = all.length - found.length;
    const note = !all.length ? `Nothing matches “${input.value.trim()}”. Try one word, or part of it.` : rest && `and ${count(rest)} more: type on to narrow them`;
    list.replaceChildren(...rows, ...(note ? [el("li.note", { role: "presentation" }, note)] : []));
    list.hidden = !input.value.trim();
    input.setAttribute("aria-expanded", String(!list.hidden));
    say(list.hidden ? "" : all.length === 1 ? "1 result" : `${count(all.length)} results`);
    point(found.length ? 0 : -1);
  }
  const keys = {
    ArrowDown: () => (list.hidden ? show() : point(Math.min(active + 1, found.length - 1))),
    ArrowUp: () => point(Math.max(active - 1, 0)),
    Enter: () => found[active] && !list.hidden && take(found[active].node),
    Escape: () => (list.hidden ? (input.value = "") : close()),
  };
  input.addEventListener("input", show);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });
}

function option({ node, why }, id, choose) {
  const where = [levelName(node.level), node.parent && `in ${node.parent.label}`, node.top !== node && node.top !== node.parent && `· ${node.top.label}`];
  return el(
    "li", { id, role: "option", onmousedown: (event) => event.preventDefault(), onclick: choose },
    dot(node),
    el("span.result-label", {}, node.label, why && el("span.result-why", {}, why)),
    el("span.result-where", {}, where.filter(Boolean).join(" ")),
  );
}
