// Elements are made, never parsed: what a name holds is text.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

let explained = 0;

// A question mark that says what a figure means, to a mouse, a finger and a keyboard.
function explain(key) {
  explained += 1;
  const name = `definition-${explained}`;
  return make(
    "span", { class: "explain" },
    make("button", { type: "button", "aria-label": say("what_is_it"), "aria-describedby": name, onkeydown: (event) => {
      if (event.key === "Escape") event.currentTarget.blur();
    } }, "?"),
    make("span", { role: "tooltip", id: name }, define(key)),
  );
}

function section(id, title, definition, ...children) {
  return make(
    "section", { id, "aria-labelledby": `${id}-title` },
    make("h2", { id: `${id}-title` }, title, definition ? explain(definition) : null),
    ...children,
  );
}

const note = (...words) => make("p", { class: "note" }, ...words);

// columns: [{title, numeric}]; rows: arrays of text or elements.
function tableOf(caption, columns, rows, attributes = {}) {
  return make(
    "div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    make(
      "table", attributes,
      make("caption", {}, caption),
      make("thead", {}, make("tr", {}, columns.map((column) =>
        make("th", { scope: "col", class: column.numeric ? "numeric" : null }, column.title,
          column.definition ? explain(column.definition) : null)))),
      make("tbody", {}, rows.map((cells) => make("tr", {}, cells.map((cell, at) =>
        at === 0
          ? make("th", { scope: "row" }, cell)
          : make("td", { class: columns.at(at).numeric ? "numeric" : null }, cell))))),
    ),
  );
}

// The first rows at once, all of them on demand and in print.
function longTable(caption, columns, rows, shown = 12) {
  if (rows.length <= shown) return tableOf(caption, columns, rows);
  return make(
    "div", {},
    tableOf(caption, columns, rows.slice(0, shown)),
    make("details", {}, make("summary", {}, say("all_rows", { count: number(rows.length) })),
      tableOf(caption, columns, rows.slice(shown))),
  );
}

// The figures of a chart for those who read rather than look.
const behind = (caption, columns, rows) =>
  make("details", { class: "behind" }, make("summary", {}, say("as_table")), tableOf(caption, columns, rows));

function bar(value, most, kind = "") {
  const width = most > 0 ? Math.max((value / most) * 100, value > 0 ? 1 : 0) : 0;
  return make("span", { class: "bar", "aria-hidden": "true" },
    make("span", { class: `fill ${kind}`, style: { width: `${width}%` } }));
}

// A change with an arrow and a sign; colour only repeats what they say. better: 1 more is good, -1 less is, 0 neither.
function change(value, write, better = 0, otherwise = NOTHING) {
  if (value === null || value === undefined) return make("span", { class: "change" }, otherwise);
  const arrow = value > 0 ? "▲" : value < 0 ? "▼" : "■";
  const judged = better === 0 || value === 0 ? "" : Math.sign(value) === better ? "good" : "bad";
  return make("span", { class: `change ${judged}` }, `${arrow} ${signed(value, write)}`);
}
