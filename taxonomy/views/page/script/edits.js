// Decisions in the making: a dialog that drafts them, and the file that `build --edits` replays.

const KEPT = `value-taxonomy edits ${data.id} ${data.digest}`;
let drafts = keptDrafts();
let author = drafts.at(-1)?.author ?? "";

function keptDrafts() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
}

function setDrafts(next) {
  drafts = next;
  try {
    if (drafts.length) localStorage.setItem(KEPT, JSON.stringify(drafts));
    else localStorage.removeItem(KEPT);
  } catch {
    keptNowhere = true;
  }
  showTabs();
  if (state.tab === "review") showReview();
}
let keptNowhere = false;
addEventListener("beforeunload", (event) => keptNowhere && drafts.length && event.preventDefault());

// Each action: for whom it is, what a person calls it, and what it asks for.
const ACTIONS = {
  rename: { name: "Rename", fits: () => true, asks: "text", label: "New name" },
  define: { name: "Define", fits: () => true, asks: "text", label: "Definition", from: (node) => node.definition },
  move: { name: "Move", fits: (node) => node.level < top_ && sizes[node.level + 1] > 1, asks: "node", label: "New parent", among: (node) => (other) => other.level === node.level + 1 && other !== node.parent },
  pin: { name: "Keep here", fits: (node) => node.level < top_, asks: "nothing", says: (node) => `${node.label} stays under ${node.parent.label}, whatever the next build finds.` },
  merge: { name: "Merge", fits: (node) => node.level < top_ && sizes[node.level] > 1, asks: "node", label: "Into", among: (node) => (other) => other.level === node.level && other !== node },
  split: { name: "Split", fits: (node) => node.level > 0 && node.level < top_ && node.children.length > 1, asks: "part", label: "Name of the part" },
  alias: { name: "Add a spelling", fits: (node) => node.level === 0, asks: "text", label: "Spelling" },
  new: { name: "New below it", fits: (node) => node.level > 1, asks: "new", label: "Name of the new node" },
  review: { name: "Reviewed", fits: () => true, asks: "nothing", gives: { to: data.version }, says: (node) => `${node.label}${node.level ? " and all below it are" : " is"} right as of version ${data.version}.` },
  unreview: { name: "Review again", fits: (node) => node.reviewed, asks: "nothing", gives: { to: data.version }, says: (node) => `${node.label}${node.level ? " and all below it are" : " is"} to be reviewed again.` },
  reject: { name: "Reject", fits: (node) => node.level === 0, asks: "nothing", says: (node) => `${node.label} is not a value: the next build leaves it out.` },
};

const actionsFor = (node) => Object.keys(ACTIONS).filter((action) => ACTIONS[action].fits(node));
const editButtons = (node) => el("div.actions", {}, actionsFor(node).map((action) => el("button.quiet", { type: "button", onclick: () => openEditor(node, { action }) }, ACTIONS[action].name)));

function openEditor(node, { action, to = null, note = "" }) {
  const editor = $("editor");
  const body = el("div.editor-body");
  const noteField = el("input", { id: "edit-note", value: note, autocomplete: "off" });
  const authorField = el("input", { id: "edit-author", value: author, autocomplete: "off" });
  const choice = el("div.actions", { role: "group", "aria-label": "What to do" }, actionsFor(node).map((name) => el("button.quiet", { type: "button", "data-action": name, onclick: () => ask(name, null) }, ACTIONS[name].name)));
  let current = null;

  function ask(name, given) {
    current = { name, ...askFor(node, ACTIONS[name], given) };
    for (const button of choice.children) button.setAttribute("aria-pressed", String(button.dataset.action === name));
    body.replaceChildren(...current.fields);
    body.querySelector("input, textarea")?.focus();
  }
  const problem = el("p.problem", { role: "alert" });
  const form = el("form", {
    method: "dialog", onsubmit: (event) => {
      event.preventDefault();
      const { fields, wrong } = current.read();
      if (wrong) { problem.textContent = wrong; return; }
      author = authorField.value.trim();
      const record = { note: noteField.value.trim(), author, date: new Date().toISOString().slice(0, 10) };
      const draft = { action: current.name, node: node.id, ...fields, ...Object.fromEntries(Object.entries(record).filter(([, text]) => text)) };
      setDrafts([...drafts.filter((other) => !(other.node === draft.node && other.action === draft.action && !["alias", "split", "new"].includes(draft.action))), draft]);
      editor.close();
      say(`Drafted: ${describe(draft)}. ${plural(drafts.length, "edit")} in Review.`);
    },
  },
  el("p.kicker", {}, dot(node), levelName(node.level)), el("h2", { id: "editor-title" }, node.label), choice, body,
  el("label", { htmlFor: "edit-note" }, "Why (for the record)"), noteField, el("label", { htmlFor: "edit-author" }, "Who"), authorField, problem,
  el("div.editor-end", {}, el("button.quiet", { type: "button", onclick: () => editor.close() }, "Cancel"), el("button.primary", { type: "submit" }, "Draft this edit")));
  editor.replaceChildren(form);
  editor.showModal();
  ask(action, to);
}

function askFor(node, action, given) {
  if (action.asks === "nothing") return { fields: [el("p", {}, action.says(node))], read: () => ({ fields: action.gives ?? {} }) };
  if (action.asks === "node") return askForNode(action.label, action.among(node), given);
  if (action.asks === "part") return askForPart(action.label, node.children, "These go to the part; the others stay:", (label, members) => ({ into: [{ label, members }] }));
  if (action.asks === "new") return askForPart(action.label, node.children.flatMap((child) => child.children), "These go to it; the others stay:", (to, members) => ({ to, members }));
  const field = el("textarea", { id: "edit-to", rows: action.from ? 3 : 1, value: action.from?.(node) ?? "" });
  return {
    fields: [el("label", { htmlFor: "edit-to" }, action.label), field],
    read: () => {
      const to = field.value.trim();
      const wrong = to ? (action.from ? null : labelProblem(to)) : "write something";
      return wrong ? { wrong: `${action.label}: ${wrong}.` } : { fields: { to } };
    },
  };
}

// The rule of `label_problem` in taxonomy/values/canonical.py, which reads the file.
function labelProblem(text) {
  if (/(?! )[\p{C}\p{Z}]/u.test(text.replace(/[\u200c\u200d]/g, ""))) return "it holds a line break or another character that does not print";
  if (text.includes(" > ")) return "it holds ' > ', which stands between the labels of a path";
  return [...text].length > 100 ? "it has more than 100 characters" : null;
}

function askForNode(label, fits, given) {
  let chosen = given;
  const field = el("input", { id: "edit-to", type: "text", role: "combobox", autocomplete: "off", "aria-controls": "edit-found", "aria-expanded": "false", value: given?.label ?? "", placeholder: "Type part of its name" });
  const list = el("ul.results", { id: "edit-found", role: "listbox", "aria-label": label, hidden: true });
  field.addEventListener("input", () => (chosen = null));
  combobox(field, list, { fits, shown: 8, choose: (node) => { chosen = node; field.value = node.label; } });
  return {
    fields: [el("label", { htmlFor: "edit-to" }, label), el("div.pick", {}, field, list)],
    read: () => (chosen ? { fields: { to: chosen.id } } : { wrong: `${label}: choose one from the list that opens as you type.` }),
  };
}

function askForPart(label, candidates, says, fields) {
  const name = el("input", { id: "edit-to", autocomplete: "off" });
  const boxes = candidates.map((child) => el("input", { type: "checkbox", value: child.id }));
  const list = el("ul.plain.checks", {}, candidates.map((child, i) => el("li", {}, el("label", {}, boxes[i], ` ${child.label}`))));
  return {
    fields: [el("label", { htmlFor: "edit-to" }, label), name, el("p.faint", {}, says), list],
    read: () => {
      const members = boxes.filter((box) => box.checked).map((box) => box.value);
      const wrong = name.value.trim() ? labelProblem(name.value.trim()) : "write something";
      if (wrong) return { wrong: `${label}: ${wrong}.` };
      if (!members.length || members.length === boxes.length) return { wrong: "Choose some of the children, not none and not all." };
      return { fields: fields(name.value.trim(), members) };
    },
  };
}

function describe(edit) {
  const label = byId.get(edit.node)?.label ?? edit.node;
  const to = byId.get(edit.to)?.label ?? edit.to;
  return {
    rename: () => `Rename ${label} to ${to}`, define: () => `Define ${label}: ${to}`, move: () => `Move ${label} to ${to}`,
    pin: () => `Keep ${label} where it is`, merge: () => `Merge ${label} into ${to}`,
    split: () => `Split ${edit.into?.[0].label} (${plural(edit.into?.[0].members.length, "child").replace("childs", "children")}) from ${label}`,
    new: () => `Make ${to} (${plural(edit.members?.length, "child").replace("childs", "children")}) under ${label}`,
    review: () => `${label} is reviewed`, unreview: () => `Review ${label} again`,
    alias: () => `Add the spelling ${to} to ${label}`, reject: () => `Reject ${label}`,
  }[edit.action]();
}

// -- the file

// JSON's escapes are TOML's, which also wants the one control character that JSON leaves as it is.
const tomlString = (text) => JSON.stringify(text).replace(/\u007f/g, "\\u007F");
function tomlValue(value) {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([key, one]) => `${key} = ${tomlValue(one)}`).join(", ")}}`;
  return tomlString(value);
}
// The label beside an id, so that a colleague can read the file.
function comment(edit, key, value) {
  const isId = key === "node" || (key === "to" && ["move", "merge", "pin"].includes(edit.action));
  return isId && byId.has(value) ? ` # ${byId.get(value).label.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, " ")}` : "";
}
function editsToml() {
  const table = (edit) => `[[edit]]\n${Object.entries(edit).map(([key, value]) => `${key} = ${tomlValue(value)}${comment(edit, key, value)}\n`).join("")}`;
  return drafts.map(table).join("\n");
}
function downloadEdits() {
  const address_ = URL.createObjectURL(new Blob([editsToml()], { type: "application/toml" }));
  el("a", { href: address_, download: "edits.toml" }).click();
  setTimeout(() => URL.revokeObjectURL(address_), 10000);
  say("edits.toml downloaded");
}
