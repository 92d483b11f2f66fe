// The municipalities of the heat map as tiles or in their borders: same colours, marks, words and keys.
const TALLEST_MAP = 600;
// Pixels: radius of the room that a count wants, width of a letter, height of a line.
const ROOM_FOR_COUNT = 15;
const LETTER = 7;
const LINE = 15;

// places: [{territory, level, rate, words, figure, isChosen, press}]
function tilesOf(places) {
  return make("div", { class: "tiles" }, places.map((place) => make("button", {
    type: "button", class: `tile ${place.level ?? "none"}`, id: `tile-${place.territory.id}`, "aria-pressed": String(place.isChosen),
    "aria-label": place.words, title: place.words, style: { gridRow: String(place.territory.row), gridColumn: String(place.territory.column) },
    onclick: place.press,
  },
  make("span", { class: "name" }, place.territory.name),
  make("span", { class: "figure" }, place.figure),
  make("span", { class: "rate" }, place.rate === null ? "" : say("per_10k", { rate: number(place.rate, 1) })))));
}

// What fits into a circle of this radius: name and count, the count, or the mark of the level alone.
function labelOf(place, x, y, radius) {
  const isInside = radius >= ROOM_FOR_COUNT;
  const figure = isInside ? place.figure : LEVELS[place.level] ?? "";
  const lines = place.territory.name.split(" ");
  const halfWidth = (Math.max(...lines.map((line) => line.length)) * LETTER) / 2;
  const hasName = Math.hypot(halfWidth, (lines.length + 0.5) * LINE) <= radius;
  const top = hasName ? y - ((lines.length - 1) * LINE) / 2 : y;
  return [
    hasName ? lines.map((line, at) => draw("text", { x, y: top + (at - 0.4) * LINE, class: "name" }, line)) : [],
    draw("text", { x, y: hasName ? top + (lines.length - 0.1) * LINE : y + 5, class: isInside ? "figure" : "figure beside" }, figure),
  ].flat();
}

function bordersOf(places, width) {
  const { shapes, ...size } = DATA.map;
  const scale = Math.min(width / size.width, TALLEST_MAP / size.height);
  const pressed = (event, press) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    press();
  };
  // The largest first: a town may lie on the district around it. Labels and the chosen outline lie on all areas.
  const groups = places.map((place) => ({ place, shape: shapes[place.territory.id] }));
  groups.sort((one, other) => other.shape.label.at(2) - one.shape.label.at(2));
  const areas = groups.map(({ place, shape }) => draw("path", {
    d: shape.path, transform: `scale(${scale})`, class: `tile ${place.level ?? "none"}`, id: `tile-${place.territory.id}`,
    role: "button", tabindex: "0", "aria-pressed": String(place.isChosen), "aria-label": place.words,
    onclick: place.press, onkeydown: (event) => pressed(event, place.press),
  }, draw("title", {}, place.words)));
  const outlined = groups.filter(({ place }) => place.isChosen).map(({ shape }) =>
    draw("path", { d: shape.path, transform: `scale(${scale})`, class: "chosen", "aria-hidden": "true" }));
  const labels = groups.map(({ place, shape: { label: [x, y, radius] } }) =>
    draw("g", { class: `label ${place.level ?? "none"}`, id: `label-${place.territory.id}`, "aria-hidden": "true" },
      labelOf(place, x * scale, y * scale, radius * scale)));
  const box = [size.width * scale, size.height * scale];
  return draw("svg", { class: "borders", viewBox: `-2 -2 ${box[0] + 4} ${box[1] + 4}`, width: box[0] + 4, height: box[1] + 4,
    role: "group", "aria-label": say("heat_title") }, areas, outlined, labels);
}
