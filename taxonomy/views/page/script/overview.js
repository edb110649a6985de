// The treemap: three levels at a time below the node in focus, each as large as its share.

const whole = { label: "All", children: tops, share: 1, level: top_ + 1, parent: null };
const DEPTH = 3;
let laidOut = null;

function focusOf(node) {
  if (!node) return whole;
  return node.children.length ? node : (node.parent ?? whole);
}

function layOut(focus, width, height) {
  const root = d3.hierarchy(focus, (node) => (node.level > focus.level - DEPTH ? node.children : null));
  // Where nothing is weighed, all count the same.
  const weighed = focus.share > 0 && focus.children.some((child) => child.share > 0);
  root.sum((node) => (node.level === Math.max(0, focus.level - DEPTH) || !node.children.length ? (weighed ? node.share : 1) : 0));
  const edge = (cell) => (cell.depth ? 3 : 0);
  d3.treemap().size([width, height]).round(true)
    .paddingInner((cell) => (cell.height < 2 ? 2 : cell.depth === 0 ? 6 : 3))
    .paddingTop((cell) => [0, 26, 20][cell.depth]).paddingRight(edge).paddingBottom(edge).paddingLeft(edge)(root);
  return root;
}

function showOverview(node, animate = true) {
  const box = $("treemap");
  const focus = focusOf(node);
  showCrumbs(focus);
  showLegend();
  const { clientWidth: width, clientHeight: height } = box;
  if (!width || !height) return;
  const root = layOut(focus, width, height);
  const layer = el("div.layer");
  for (const cell of root.descendants().slice(1)) {
    if (cell.x1 - cell.x0 >= 3 && cell.y1 - cell.y0 >= 3) layer.append(drawCell(cell, node));
  }
  const unseen = focus.children.filter((child) => !layer.querySelector(`[data-i="${child.i}"]`)).length;
  if (!focus.children.length) layer.append(el("p.empty", {}, `Nothing belongs to ${focus.label} yet.`));
  else if (unseen) layer.append(el("p.unseen", {}, `${count(unseen)} too small to draw: see the list`));
  const came = laidOut;
  box.replaceChildren(layer);
  laidOut = { focus, root };
  if (animate && came && came.focus !== focus) zoom(layer, came, width, height);
}

function drawCell(cell, chosen) {
  const { data: node, depth } = cell;
  const [width, height] = [cell.x1 - cell.x0, cell.y1 - cell.y0];
  const made = el(depth === 1 ? "button.cell" : "div.cell", {
    type: depth === 1 ? "button" : null, "data-i": node.i, "--hue": hueOf(node),
    "aria-label": depth === 1 ? `${node.label}, ${levelName(node.level)}, ${percent(node.share)} of all` : null,
    "aria-hidden": depth === 1 ? null : "true", tabIndex: depth === 1 ? 0 : undefined,
  }, cellLabel(cell, width, height));
  made.classList.add(`depth-${depth}`);
  made.classList.toggle("parent", Boolean(cell.children));
  made.classList.toggle("chosen", node === chosen);
  made.classList.toggle("tiny", Math.min(width, height) < 24);
  for (const [side, at] of [["left", cell.x0], ["top", cell.y0], ["width", width], ["height", height]]) made.style[side] = `${at}px`;
  if (data.diff && state.colours === "changes") {
    made.classList.add("by-change");
    const kinds = node.changes.map((change) => change.kind);
    // Of what is below, the more changed, the more of the colour for a move, which most changes are.
    made.style.setProperty("--hue", changeHue(kinds[0] ?? "moved"));
    made.style.setProperty("--changed", kinds.length ? "85%" : `${Math.round(85 * Math.sqrt(Math.min(1, node.changed / Math.max(1, node.size))))}%`);
  }
  return made;
}

// A label is drawn where its longest word fits, and the share where there is room for it too.
const pen = document.createElement("canvas").getContext("2d");
const family = getComputedStyle(document.body).fontFamily;
function cellLabel(cell, width, height) {
  const { label, share } = cell.data;
  const large = cell.depth === 1 && !cell.children && width > 190 && height > 70;
  const size = large ? 20 : cell.depth === 1 ? 14 : 12;
  pen.font = `${cell.depth === 1 ? 600 : 500} ${size}px ${family}`;
  const wide = (text) => pen.measureText(text).width;
  const inside = width - (large ? 24 : cell.depth === 1 ? 18 : 12);
  const figure_ = el("span.cell-share", {}, percent(share));
  if (cell.children) {
    if (inside < 28) return null;
    return el("span.cell-head", {}, el("span.cell-name", {}, label), wide(label) + wide("00.0%") + 4 < inside && figure_);
  }
  const lines = Math.floor((height - 6) / (size * 1.27));
  const longest = Math.max(...label.split(/\s+/).map(wide));
  const small = longest > inside && cell.depth > 1;
  if (lines < 1 || longest * (small ? 0.85 : 1) > inside) return null;
  const needed = Math.ceil((wide(label) / inside) * 1.2);
  return el(`span.cell-label${large ? ".large" : ""}${small ? ".small" : ""}`, {}, el("span.cell-name", { "--lines": Math.max(1, lines > needed ? lines - 1 : lines) }, label), lines > needed && wide("00.0%") < inside && figure_);
}

// The new picture grows out of the cell that was opened, or shrinks into it.
function zoom(layer, came, width, height) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const inOld = came.root.descendants().find((cell) => cell.data === laidOut.focus);
  const inNew = laidOut.root.descendants().find((cell) => cell.data === came.focus);
  const timing = { duration: 320, easing: "cubic-bezier(.2,.7,.2,1)" };
  if (inOld) {
    const from = `translate(${inOld.x0}px,${inOld.y0}px) scale(${(inOld.x1 - inOld.x0) / width},${(inOld.y1 - inOld.y0) / height})`;
    layer.animate([{ transform: from, opacity: 0.4 }, { transform: "none", opacity: 1 }], timing);
  } else if (inNew) {
    const [sx, sy] = [width / Math.max(1, inNew.x1 - inNew.x0), height / Math.max(1, inNew.y1 - inNew.y0)];
    const from = `scale(${sx},${sy}) translate(${-inNew.x0}px,${-inNew.y0}px)`;
    layer.animate([{ transform: from, opacity: 0.4 }, { transform: "none", opacity: 1 }], timing);
  } else {
    layer.animate([{ opacity: 0 }, { opacity: 1 }], timing);
  }
}

function showCrumbs(focus) {
  const steps = focus === whole ? [] : pathOf(focus);
  const crumb = (node, text) => (node === focus ? el("span", { "aria-current": "location" }, text) : el("a", { href: address({ node: node === whole ? null : node }) }, text));
  $("crumbs").replaceChildren(el("ol", {}, [[whole, "All values"], ...steps.map((step) => [step, step.label])].map(([node, text]) => el("li", {}, crumb(node, text)))));
}

function showLegend() {
  if (!data.diff) {
    $("legend").replaceChildren("Area is share. Click opens, Esc goes up.");
    return;
  }
  const kinds = [["added", "added"], ["moved", "moved"], ["renamed", "renamed or redefined"], ["split", "split or merged"]];
  const key = kinds.map(([kind, text]) => el("span.key", {}, el("span.dot", { "--hue": changeHue(kind) }), text));
  const other = state.colours === "changes" ? "domains" : "changes";
  $("legend").replaceChildren(...(state.colours === "changes" ? key : []), el("button.quiet", { type: "button", onclick: () => { state.colours = other; redraw(); } }, `Colour by ${other}`));
}

{
  const box = $("treemap");
  const nodeAt = (event) => nodes[event.target.closest("[data-i]")?.dataset.i];
  box.addEventListener("click", (event) => nodeAt(event) && go({ node: nodeAt(event) }));
  box.addEventListener("pointermove", (event) => event.pointerType === "mouse" && showTip(event, nodeAt(event)));
  box.addEventListener("pointerleave", (event) => showTip(event, null));
  box.addEventListener("keydown", (event) => {
    const cells = [...box.querySelectorAll("button.cell")];
    const at = cells.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step && cells.length) cells[(at + step + cells.length) % cells.length].focus();
    else if (event.key === "Backspace") goUp();
    else return;
    event.preventDefault();
  });
}
