// The tree as a nested list, with ARIA's tree roles; branches are made when they open.

const CHUNK = 200;
const items = new Map();

function showList(node) {
  const tree = $("tree");
  if (!tree.firstChild) {
    fill(tree, tops);
    tree.querySelector("[role=treeitem]").tabIndex = 0;
  }
  tree.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
  if (!node) return;
  for (const step of pathOf(node).slice(0, -1)) expand(step, true);
  const item = itemOf(node);
  item.setAttribute("aria-selected", "true");
  roveTo(item);
  item.firstChild.scrollIntoView({ block: "nearest" });
}

function fill(list, nodes_) {
  for (const node of nodes_.slice(0, CHUNK)) list.append(makeItem(node));
  if (nodes_.length > CHUNK) rest(list, nodes_, CHUNK);
}

function rest(list, nodes_, from) {
  const more = el("li.tree-more", { role: "none" }, el("button.more", {
    type: "button", tabIndex: -1,
    onclick: () => { more.remove(); nodes_.slice(from, from + CHUNK).forEach((node) => list.append(makeItem(node))); if (nodes_.length > from + CHUNK) rest(list, nodes_, from + CHUNK); },
  }, `Show more of ${count(nodes_.length)}`));
  list.append(more);
}

function makeItem(node) {
  const inner = node.children.length > 0;
  const marks = [...node.flags, ...(node.polarity === "value" ? [] : [node.polarity]), ...new Set(node.changes.map((change) => change.kind))];
  const item = el("li", {
    role: "treeitem", tabIndex: -1, "aria-level": top_ - node.level + 1, "aria-selected": "false",
    "aria-expanded": inner ? "false" : null, "data-i": node.i,
    "aria-label": `${node.label}, ${levelName(node.level)}, ${percent(node.share)}${marks.length ? `, ${marks.join(", ")}` : ""}`,
  },
  el("div.row", { "--depth": top_ - node.level, "aria-hidden": "true" },
    el("span.twist", {}, inner ? "›" : ""), node.level === top_ && dot(node), el("span.row-label", {}, node.label),
    marks.map((mark) => el("span.chip", {}, mark)),
    el("span.faint", {}, inner ? count(node.size) : ""), el("span.number", {}, percent(node.share))));
  items.set(node, item);
  return item;
}

// The item of a node whose parent is open, past the rows that are shown so far if need be.
function itemOf(node) {
  if (!items.has(node)) {
    const list = node.parent ? items.get(node.parent).lastChild : $("tree");
    list.insertBefore(makeItem(node), list.querySelector(":scope > .tree-more"));
  }
  return items.get(node);
}

function expand(node, open) {
  const item = itemOf(node);
  if (!node.children.length || (item.getAttribute("aria-expanded") === "true") === open) return;
  item.setAttribute("aria-expanded", String(open));
  if (open && item.children.length === 1) {
    const group = el("ul", { role: "group" });
    item.append(group);
    fill(group, node.children);
  }
  item.lastChild.hidden = !open && item.children.length > 1;
}

function roveTo(item, focus = false) {
  for (const other of $("tree").querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
  item.tabIndex = 0;
  if (focus) item.focus();
}

{
  const tree = $("tree");
  const nodeOf = (item) => nodes[item.dataset.i];
  const isOpen = (item) => item.getAttribute("aria-expanded") === "true";
  tree.addEventListener("click", (event) => {
    const item = event.target.closest(".row")?.parentElement;
    if (!item) return;
    const node = nodeOf(item);
    if (state.node === node || event.target.closest(".twist")) expand(node, !isOpen(item));
    else expand(node, true);
    roveTo(item, true);
    go({ node });
  });
  tree.addEventListener("keydown", (event) => {
    const item = document.activeElement.closest("[role=treeitem]");
    if (!item || event.target.closest("button") || event.ctrlKey || event.metaKey || event.altKey) return;
    const shown = [...tree.querySelectorAll("[role=treeitem]")].filter((other) => !other.parentElement.closest("[hidden]"));
    const at = shown.indexOf(item);
    const node = nodeOf(item);
    const move = (to) => to && roveTo(to, true);
    const keys = {
      ArrowDown: () => move(shown[at + 1]),
      ArrowUp: () => move(shown[at - 1]),
      ArrowRight: () => (isOpen(item) ? move(shown[at + 1]) : expand(node, true)),
      ArrowLeft: () => (isOpen(item) ? expand(node, false) : node.parent && move(items.get(node.parent))),
      Home: () => move(shown[0]),
      End: () => move(shown.at(-1)),
      Enter: () => go({ node }),
      " ": () => go({ node }),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });
}
