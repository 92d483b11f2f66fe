// Two charts over time. Each is an image with a sentence, hints on its marks, and a table behind it.
const HEIGHT = 220;
const EDGE = { top: 14, right: 12, bottom: 26, left: 52 };

function scaleTop(most) {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= most);
}

// Minutes end at what is a round number of minutes, hours or days, and so is its half.
const ROUND_MINUTES = [10, 20, 60, 120, 240, 480, 720, 1440, 2880, 5760, 8640, 11520, 17280, 28800, 43200, 57600];
const durationTop = (most) => ROUND_MINUTES.find((minutes) => minutes >= most) ?? scaleTop(most / 1440) * 1440;

function frame(width, most, label, write) {
  const top = write === duration ? durationTop(most) : scaleTop(most);
  const y = (value) => HEIGHT - EDGE.bottom - (value / top) * (HEIGHT - EDGE.top - EDGE.bottom);
  const chart = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label, class: "chart" });
  for (const part of [0, 0.5, 1]) {
    chart.append(
      draw("line", { x1: EDGE.left, x2: width - EDGE.right, y1: y(part * top), y2: y(part * top), class: "grid" }),
      draw("text", { x: EDGE.left - 6, y: y(part * top) + 4, class: "tick end" }, write(part * top)),
    );
  }
  return { chart, y };
}

// Every so many labels that they do not touch.
function ticks(chart, labels, x, width) {
  const every = Math.max(1, Math.ceil(labels.length / Math.max(2, Math.floor((width - EDGE.left) / 64))));
  labels.forEach((label, at) => {
    if (at % every === 0) chart.append(draw("text", { x: x(at), y: HEIGHT - 8, class: "tick middle" }, label));
  });
}

// points: [{label, value, hint}]
function columnChart(width, label, points, write = number) {
  const { chart, y } = frame(width, Math.max(...points.map((point) => point.value), 0), label, write);
  const step = (width - EDGE.left - EDGE.right) / Math.max(points.length, 1);
  points.forEach((point, at) => {
    chart.append(draw(
      "rect",
      { x: EDGE.left + at * step + step * 0.1, width: step * 0.8, y: y(point.value), height: Math.max(y(0) - y(point.value), 0), class: "column" },
      draw("title", {}, point.hint),
    ));
  });
  ticks(chart, points.map((point) => point.label), (at) => EDGE.left + (at + 0.5) * step, width);
  return chart;
}

// lines: [{name, kind, points: [{value, hint, hollow}]}]; a null value is a gap. Kinds differ in dash and mark too.
function lineChart(width, label, labels, lines, write = number) {
  const values = lines.flatMap((line) => line.points.map((point) => point.value ?? 0));
  const { chart, y } = frame(width, Math.max(...values, 0), label, write);
  const step = (width - EDGE.left - EDGE.right) / Math.max(labels.length, 1);
  const x = (at) => EDGE.left + (at + 0.5) * step;
  for (const line of lines) {
    let path = "";
    line.points.forEach((point, at) => {
      if (point.value === null) return;
      const gap = at === 0 || line.points.at(at - 1).value === null;
      path += `${gap ? "M" : "L"}${x(at).toFixed(1)} ${y(point.value).toFixed(1)}`;
    });
    chart.append(draw("path", { d: path, class: `line ${line.kind}` }));
    const marked = line.points.length <= 40;
    line.points.forEach((point, at) => {
      if (point.value === null) return;
      chart.append(draw(
        "circle",
        { cx: x(at).toFixed(1), cy: y(point.value).toFixed(1), r: marked ? 4 : 7, class: `${marked ? "mark" : "hover"} ${line.kind} ${point.hollow ? "hollow" : ""}` },
        draw("title", {}, point.hint),
      ));
    });
  }
  ticks(chart, labels, x, width);
  return chart;
}

function legend(lines) {
  return make("ul", { class: "legend" }, lines.map((line) =>
    make("li", {},
      draw("svg", { viewBox: "0 0 30 10", width: 30, height: 10, "aria-hidden": "true" },
        draw("path", { d: "M0 5L30 5", class: `line ${line.kind}` })),
      line.name, line.definition ? explain(line.definition) : null)));
}
