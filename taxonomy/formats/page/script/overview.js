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
  const header = (cell) => (cell.depth === 0 ? 0 : cell.depth === 1 ? 26 : 20);
  d3.treemap().size([width, height]).round(true).paddingInner((cell) => (cell.depth === 0 ? 6 : cell.depth === 1 ? 3 : 1))
    .paddingTop(header).paddingRight((cell) => (cell.depth ? 3 : 0)).paddingBottom((cell) => (cell.depth ? 3 : 0)).paddingLeft((cell) => (cell.depth ? 3 : 0))(root);
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
  const room = width > 34 && height > 16;
  const made = el(depth === 1 ? "button.cell" : "div.cell", {
    type: depth === 1 ? "button" : null, "data-i": node.i, "--hue": hueOf(node),
    "aria-label": depth === 1 ? `${node.label}, ${levelName(node.level)}, ${percent(node.share)} of all` : null,
    "aria-hidden": depth === 1 ? null : "true", tabIndex: depth === 1 ? 0 : undefined,
  }, room && el("span.cell-label", {}, node.label, (depth === 1 || (width > 110 && height > 34)) && width > 90 && el("span.cell-share", {}, percent(node.share))));
  made.classList.add(`depth-${depth}`);
  made.classList.toggle("parent", Boolean(cell.children));
  made.classList.toggle("chosen", node === chosen);
  made.classList.toggle("large", depth === 1 && !cell.children && width > 170 && height > 70);
  for (const [side, at] of [["left", cell.x0], ["top", cell.y0], ["width", width], ["height", height]]) made.style[side] = `${at}px`;
  if (data.diff && state.colours === "changes") {
    made.classList.add("by-change");
    const kinds = node.changes.map((change) => change.kind);
    made.style.setProperty("--hue", kinds.length ? changeHue(kinds[0]) : "var(--unchanged)");
    made.style.setProperty("--changed", kinds.length ? "85%" : `${Math.round(100 * Math.min(1, (node.changed / node.size) || 0))}%`);
  }
  return made;
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
