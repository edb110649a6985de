// The address holds the state: which node, and which view.

const TABS = [["overview", "Overview"], ["list", "List"], ["map", "Map"], ["review", "Review"], ...(data.diff ? [["changes", "Changes"]] : [])];
const SHOW = { overview: showOverview, list: showList, map: showMap, review: showReview, changes: showChanges };
const state = { node: null, tab: "overview", selection: null, colours: data.diff ? "changes" : "domains", review: null, kind: null };

const encoded = (text) => encodeURIComponent(text).replace(/%3A/g, ":").replace(/%2F/g, "/");
function address({ node = state.node, tab = state.tab }) {
  const parts = [node && `node=${encoded(node.id)}`, tab !== "overview" && `tab=${tab}`].filter(Boolean);
  return `#${parts.join("&")}`;
}
function go(change) {
  state.selection = null;
  const hash = address(change);
  if (hash === (location.hash || "#")) redraw();
  else location.hash = hash;
}
const goUp = () => state.node && go({ node: state.node.parent });

function readAddress() {
  const fields = new Map(location.hash.slice(1).split("&").map((part) => part.split("=")));
  const read = (name) => {
    try {
      return decodeURIComponent(fields.get(name) ?? "");
    } catch {
      return "";
    }
  };
  const id = read("node");
  state.node = byId.get(id) ?? null;
  state.tab = TABS.some(([tab]) => tab === read("tab")) ? read("tab") : "overview";
  state.selection = null;
  return id && !state.node ? id : null;
}

function redraw() {
  showTabs();
  document.body.dataset.tab = state.tab;
  for (const [tab] of TABS) $(`view-${tab}`).hidden = tab !== state.tab;
  SHOW[state.tab](state.node);
  showPanel(state.node, state.selection);
  document.title = `${state.node ? `${state.node.label} · ` : ""}${data.title} ${data.version}`;
}

// A link to a node that was retired, or never was, says so instead of showing nothing.
function tellMissing(id) {
  const gone = data.retired.find((one) => one[0] === id);
  const successors_ = gone ? gone[4].map((successor) => byId.get(successor)).filter(Boolean) : [];
  const text = gone ? `${gone[1]} was retired in version ${gone[3]}` : `No node has the id ${id}`;
  $("panel").prepend(el("p.flag", { role: "status" }, text, successors_.length ? [" and replaced by ", successors_.map((successor) => link(successor))] : ""));
}

function showTabs() {
  const had = $("tabs").contains(document.activeElement);
  $("tabs").replaceChildren(...TABS.map(([tab, title]) => el("a.tab", {
    id: `tab-${tab}`, role: "tab", href: address({ tab }), "aria-selected": String(tab === state.tab), "aria-controls": `view-${tab}`, tabIndex: tab === state.tab ? 0 : -1,
  }, title, tab === "review" && drafts.length > 0 && el("span.badge", {}, count(drafts.length)))));
  if (had) $(`tab-${state.tab}`).focus();
}

function begin() {
  $("title").textContent = data.title;
  $("summary").replaceChildren(el("span.version", {}, `Version ${data.version}`), ` ${SUMMARY[0]} in ${SUMMARY.slice(1).join(", ")}`);
  combobox($("search"), $("search-results"), { choose: (node) => { $("search").value = ""; $("search").blur(); go({ node, tab: ["overview", "list", "map"].includes(state.tab) ? state.tab : "overview" }); } });
  const follow = () => {
    const missing = readAddress();
    redraw();
    if (missing) tellMissing(missing);
  };
  addEventListener("hashchange", follow);
  new ResizeObserver(() => ["overview", "map"].includes(state.tab) && SHOW[state.tab](state.node, false)).observe(document.querySelector(".stage"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  $("tabs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = TABS.findIndex(([tab]) => tab === state.tab);
    go({ tab: TABS[(at + step + TABS.length) % TABS.length][0] });
  });
  document.addEventListener("keydown", (event) => {
    if ($("editor").open || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea")) return;
    if (event.key === "/") $("search").focus();
    else if (event.key === "Escape" && state.selection) letGo();
    else if (event.key === "Escape") goUp();
    else if (TABS[event.key - 1]) go({ tab: TABS[event.key - 1][0] });
    else return;
    event.preventDefault();
  });
  follow();
}
begin();
