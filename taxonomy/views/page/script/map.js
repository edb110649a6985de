// The map: every value as a point on a canvas; names come as there is room for them.

const map = { transform: d3.zoomIdentity, size: [0, 0], lasso: null, lassoed: false, over: null, drawn: false };
const STEPS = 10000;
const FONT = "system-ui, sans-serif";

if (data.map) {
  values.forEach((node, i) => ([node.x, node.y] = [data.map[i][0] / STEPS, -data.map[i][1] / STEPS]));
  // A name stands in the middle of its values: the median is not led astray by a few far ones.
  for (const node of nodes) {
    if (node.level === 0) continue;
    const below = valuesOf(node);
    [node.x, node.y] = [d3.median(below, (value) => value.x), d3.median(below, (value) => value.y)];
  }
}
// The first view holds 98 of 100 values each way; a few lie far out, and zooming out shows them.
const frame = (() => {
  const [x0, x1] = [0.01, 0.99].map((part) => d3.quantile(values, part, (node) => node.x ?? 0));
  const [y0, y1] = [0.01, 0.99].map((part) => d3.quantile(values, part, (node) => node.y ?? 0));
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, width: Math.max(x1 - x0, 1e-3), height: Math.max(y1 - y0, 1e-3) };
})();
const quadtree = data.map ? d3.quadtree(values, (node) => node.x, (node) => node.y) : null;

function showMap(node) {
  if (!data.map) {
    $("map").replaceChildren(el("div.nothing", {}, el("h2", {}, "No map on this page"), el("p", {}, "It was written without vectors. Write it again with "), el("code", {}, "value-taxonomy explore TAXONOMY --out taxonomy.html")));
    return;
  }
  const canvas = $("map-canvas");
  const { clientWidth: width, clientHeight: height } = $("map");
  const scale = devicePixelRatio || 1;
  map.size = [width, height];
  [canvas.width, canvas.height] = [width * scale, height * scale];
  if (!map.drawn) bindMap(canvas);
  map.drawn = true;
  if (node && !onScreen(node)) centre(node);
  drawMap();
}

const unitPixels = () => Math.min((map.size[0] - 60) / frame.width, (map.size[1] - 90) / frame.height);
const place = (node) => [map.size[0] / 2 + (node.x - frame.x) * unitPixels(), map.size[1] / 2 + (node.y - frame.y) * unitPixels()];
const toScreen = (node) => map.transform.apply(place(node));
function fromScreen(x, y) {
  const [px, py] = map.transform.invert([x, y]);
  return [(px - map.size[0] / 2) / unitPixels() + frame.x, (py - map.size[1] / 2) / unitPixels() + frame.y];
}
function onScreen(node) {
  const [x, y] = toScreen(node);
  return x > 20 && y > 20 && x < map.size[0] - 20 && y < map.size[1] - 20;
}
const radius = (node) => Math.max(1.6, Math.min(9, 1.6 + 26 * Math.sqrt(node.share))) * Math.min(1.8, Math.max(1, map.transform.k ** 0.35));

function drawMap() {
  const context = $("map-canvas").getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const scale = devicePixelRatio || 1;
  const [width, height] = map.size;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  const chosen = state.selection ? new Set(state.selection) : state.node ? new Set(valuesOf(state.node)) : null;
  const isChange = data.diff && state.colours === "changes";
  const points = chosen ? [...values.filter((node) => !chosen.has(node)), ...values.filter((node) => chosen.has(node))] : values;
  for (const node of points) {
    const [x, y] = toScreen(node);
    if (x < -10 || y < -10 || x > width + 10 || y > height + 10) continue;
    const lit = !chosen || chosen.has(node);
    context.globalAlpha = lit ? 0.9 : 0.55;
    context.fillStyle = !lit ? colour("--unchanged") : isChange ? (node.changes.length ? changeHue(node.changes[0].kind) : colour("--unchanged")) : hueOf(node);
    context.beginPath();
    context.arc(x, y, radius(node) * (lit && chosen ? 1.25 : 1), 0, 2 * Math.PI);
    context.fill();
  }
  context.globalAlpha = 1;
  for (const node of [map.over, state.node?.level === 0 ? state.node : null]) if (node) ring(context, node, colour("--ink"));
  drawNames(context, colour);
  drawLasso(context, colour);
}

function ring(context, node, ink) {
  const [x, y] = toScreen(node);
  context.strokeStyle = ink;
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(x, y, radius(node) + 4, 0, 2 * Math.PI);
  context.stroke();
}

// Far out the names of the level below the top, then of the next ones, and of values close by; none over another.
function drawNames(context, colour) {
  const { k } = map.transform;
  const finest = Math.max(0, Math.min(top_ - 1, top_ - 1 - Math.floor(Math.log(Math.max(1, k)) / Math.log(2.6))));
  const taken = [];
  const chosen = state.node;
  const named = (node) => node === chosen || (node.level >= finest && node.level < Math.max(top_, 1));
  const wanted = nodes.filter((node) => node.size && named(node) && onScreen(node));
  wanted.sort((a, b) => (b === chosen) - (a === chosen) || b.level - a.level || b.share - a.share);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  let drawn = 0;
  for (const node of wanted) {
    if (drawn > 90) break;
    const [x, at] = toScreen(node);
    const y = node.level ? at : at - radius(node) - 8;
    const size = node.level === 0 ? 11 : node.level === finest ? 12 : 13.5;
    context.font = `${node.level ? 600 : 400} ${size}px ${FONT}`;
    const half = context.measureText(node.label).width / 2 + 4;
    const box = [x - half, y - size * 0.75, x + half, y + size * 0.75];
    if (taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
    taken.push(box);
    drawn += 1;
    context.globalAlpha = !chosen || node === chosen ? 1 : 0.6;
    context.strokeStyle = colour("--surface");
    context.lineWidth = 4;
    context.strokeText(node.label, x, y);
    context.fillStyle = colour(node.level ? "--ink" : "--muted");
    context.fillText(node.label, x, y);
  }
  context.globalAlpha = 1;
}

function drawLasso(context, colour) {
  if (!map.lasso?.length) return;
  context.beginPath();
  map.lasso.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
  context.fillStyle = colour("--accent");
  context.globalAlpha = 0.12;
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = colour("--accent");
  context.lineWidth = 1.5;
  context.setLineDash([5, 4]);
  context.stroke();
  context.setLineDash([]);
}

function nearestTo(event) {
  const box = $("map-canvas").getBoundingClientRect();
  const [x, y] = fromScreen(event.clientX - box.left, event.clientY - box.top);
  return quadtree.find(x, y, 14 / (unitPixels() * map.transform.k)) ?? null;
}

const zooming = d3.zoom().scaleExtent([0.25, 60]).on("zoom", ({ transform }) => { map.transform = transform; drawMap(); });
const lassoing = () => $("map-lasso").getAttribute("aria-pressed") === "true";

function centre(node) {
  const [width, height] = map.size;
  const k = Math.max(map.transform.k, [7, 4, 2][node.level] ?? 1.4);
  const [x, y] = place(node);
  const transform = d3.zoomIdentity.translate(width / 2, height / 2).scale(k).translate(-x, -y);
  d3.select($("map-canvas")).call(zooming.transform, transform);
}

function letGo() {
  state.selection = null;
  redraw();
}

function bindMap(canvas) {
  const surface = d3.select(canvas);
  zooming.filter((event) => !lassoing() && !event.shiftKey && !event.button);
  surface.call(zooming).on("dblclick.zoom", null);
  $("map-lasso").addEventListener("click", () => setLasso(!lassoing()));
  $("map-in").addEventListener("click", () => surface.call(zooming.scaleBy, 1.6));
  $("map-out").addEventListener("click", () => surface.call(zooming.scaleBy, 1 / 1.6));
  $("map-all").addEventListener("click", () => surface.call(zooming.transform, d3.zoomIdentity));
  setLasso(false);
  canvas.addEventListener("click", (event) => {
    // The click that ends a lasso chooses nothing.
    const node = map.lassoed ? null : nearestTo(event);
    map.lassoed = false;
    if (node) go({ node });
  });
  canvas.addEventListener("pointerdown", (event) => {
    if ((!lassoing() && !event.shiftKey) || event.button) return;
    [map.lasso, map.lassoed] = [[[event.offsetX, event.offsetY]], false];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (map.lasso) map.lasso.push([event.offsetX, event.offsetY]);
    const over = map.lasso || event.pointerType !== "mouse" ? null : nearestTo(event);
    showTip(event, over);
    canvas.classList.toggle("over", Boolean(over));
    if (map.lasso || over !== map.over) { map.over = over; drawMap(); }
  });
  canvas.addEventListener("pointerup", () => {
    if (!map.lasso) return;
    const outline = map.lasso;
    [map.lasso, map.lassoed] = [null, true];
    state.selection = outline.length > 2 ? values.filter((node) => d3.polygonContains(outline, toScreen(node))) : [];
    setLasso(false);
    say(`${plural(state.selection.length, levelName(0))} in the lasso`);
    redraw();
  });
  canvas.addEventListener("pointerleave", (event) => { map.over = null; showTip(event, null); drawMap(); });
  canvas.addEventListener("keydown", (event) => {
    const keys = {
      ArrowLeft: () => surface.call(zooming.translateBy, 60 / map.transform.k, 0), ArrowRight: () => surface.call(zooming.translateBy, -60 / map.transform.k, 0),
      ArrowUp: () => surface.call(zooming.translateBy, 0, 60 / map.transform.k), ArrowDown: () => surface.call(zooming.translateBy, 0, -60 / map.transform.k),
      "+": () => surface.call(zooming.scaleBy, 1.6), "=": () => surface.call(zooming.scaleBy, 1.6), "-": () => surface.call(zooming.scaleBy, 1 / 1.6),
      0: () => surface.call(zooming.transform, d3.zoomIdentity),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });
}

function setLasso(on) {
  $("map-lasso").setAttribute("aria-pressed", String(on));
  $("map-canvas").classList.toggle("lassoing", on);
  $("map-hint").textContent = on ? "Draw around the values that you mean." : "Alike values lie close together; distances across the map say little. Scroll to zoom, drag to move, shift and drag for the lasso.";
}
