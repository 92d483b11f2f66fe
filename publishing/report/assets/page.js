// The page: header, filters, sections; what is chosen stands in the address, so that a view can be sent on.
// More tiles than these want the whole width.
const WIDE_MAP = 17;
const FILTERS = ["period", "since", "until", "channel", "territory", "topic", "language"];

function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  state.period = usualPeriod();
  for (const name of FILTERS) if (asked.has(name)) state[name] = asked.get(name);
  if (!(state.language in LOCALES)) state.language = "ru";
  if (DATA.page !== "region" || !DATA.days) return;
  const known = (list, id) => (DATA[list].some((entry) => entry.id === id) ? id : "");
  state.channel = known("channels", state.channel);
  state.territory = known("territories", state.territory);
  state.topic = known("topics", state.topic);
  const isDay = (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
  const periods = new Set(["recent", "week", "all", ...months().map((month) => isoDay(month).slice(0, 7))]);
  if (state.period === "days" && isDay(state.since) && isDay(state.until)) return;
  if (!periods.has(state.period)) state.period = usualPeriod();
}

function writeAddress() {
  const kept = FILTERS.filter((name) => state[name] && !(name === "language" && state.language === "ru") && !(name === "period" && state.period === usualPeriod()))
    .filter((name) => state.period === "days" || (name !== "since" && name !== "until"));
  const address = new URLSearchParams(kept.map((name) => [name, state[name]])).toString();
  history.replaceState(null, "", address ? `#${address}` : location.pathname.split("/").pop() || "#");
}

function choose(changes) {
  Object.assign(state, changes);
  writeAddress();
  render();
}

const option = (value, text, chosenValue) => make("option", { value, selected: value === chosenValue }, text);

function select(id, label, options, value, onchange) {
  return make("div", { class: "filter" }, make("label", { for: id }, label),
    make("select", { id, onchange: (event) => onchange(event.target.value) },
      options.map(([each, text]) => option(each, text, value))));
}

function filters(span) {
  const fromList = (list, all) => [["", all], ...DATA[list].map((entry) => [entry.id, unknownName(entry.name)])];
  const periods = [
    ["recent", say("period_recent")], ["week", say("period_week")],
    ...months().map((month) => [isoDay(month).slice(0, 7), monthName(isoDay(month))]),
    ["all", say("period_all")], ["days", say("period_days")],
  ];
  const dayInput = (name, value) => make("div", { class: "filter" }, make("label", { for: name }, say(name)),
    make("input", { type: "date", id: name, value, min: isoDay(FIRST), max: isoDay(AFTER_LAST - 1),
      onchange: (event) => event.target.value && choose({ period: "days", since: isoDay(span.since), until: isoDay(span.until - 1), [name]: event.target.value }) }));
  return make("form", { class: "filters", "aria-label": say("filters"), onsubmit: (event) => event.preventDefault() },
    select("period", say("period"), periods, state.period, (value) =>
      choose(value === "days" ? { period: value, since: isoDay(span.since), until: isoDay(span.until - 1) } : { period: value })),
    state.period === "days" ? [dayInput("since", isoDay(span.since)), dayInput("until", isoDay(span.until - 1))] : null,
    select("territory", say("territory"), fromList("territories", say("all_territories")), state.territory, (value) => choose({ territory: value })),
    select("topic", say("topics_one"), fromList("topics", say("all_topics")), state.topic, (value) => choose({ topic: value })),
    select("channel", say("channels_one"), fromList("channels", say("every_channel")), state.channel, (value) => choose({ channel: value })),
    make("button", { type: "button", id: "reset", disabled: !filtersBeside() && state.period === usualPeriod(),
      onclick: () => choose({ period: usualPeriod(), channel: "", territory: "", topic: "" }) }, say("reset")));
}

function header() {
  const other = state.language === "ru" ? "en" : "ru";
  const zone = DATA.region?.time_zone ?? "UTC";
  const here = DATA.regions.find((region) => region.id === DATA.region?.id);
  return make("header", {},
    make("div", {},
      make("p", { class: "over" }, say("over")),
      make("h1", {}, DATA.region?.name ?? say("all_regions")),
      make("p", { class: "as-of" }, say("as_of", { moment: writeMoment(DATA.release.as_of, zone) }))),
    make("nav", { "aria-label": say("nav") },
      DATA.regions.length > 1 ? make("div", { class: "filter" }, make("label", { for: "region" }, say("region")),
        make("select", { id: "region", onchange: (event) => location.assign(`${event.target.value}${location.hash}`) },
          option("index.html", say("all_regions"), here?.file ?? "index.html"),
          DATA.regions.map((region) => option(region.file, region.name, here?.file)))) : null,
      make("a", { href: "report.xlsx", download: true }, say("workbook")),
      make("a", { href: "../index.html" }, say("catalogue")),
      make("button", { type: "button", id: "language", lang: other, onclick: () => choose({ language: other }) }, DATA.words[other].language)));
}

function regionPage(width) {
  if (!DATA.days || !DATA.cube.appeals.length) return [note(say("no_data"))];
  const span = period();
  const half = Math.max(width >= 1000 ? (width - 24) / 2 - 42 : width - 42, 280);
  const hint = say("applied", { span: spanWords(span), territory: state.territory ? named("territories", state.territory) : say("all_territories"),
    topic: state.topic ? named("topics", state.topic) : say("all_topics"), channel: state.channel ? named("channels", state.channel) : say("every_channel") });
  return [
    filters(span),
    make("p", { class: "applied", "aria-live": "polite" }, hint),
    cards(span),
    ...(DATA.territories.length > WIDE_MAP
      ? [heatMap(span, Math.max(width - 42, 280)), make("div", { class: "pair" }, overTime(span, half), signals(span))]
      : [make("div", { class: "pair" }, heatMap(span, half), make("div", { class: "stack" }, overTime(span, half), signals(span)))]),
    ranking("topics", say("topics_title"), "topics", "topics", "topic_group", span, (id) => choose({ topic: id }), state.topic),
    make("div", { class: "pair" }, answerTimes(half), backlog(span, half)),
    ranking("channels", say("channels_title"), "channels", "channels", "channel", span, (id) => choose({ channel: id }), state.channel),
    monthTopics(span), authorities(span), episodes(span), gospublics(), surveys(), review(),
  ].filter(Boolean);
}

function overviewPage() {
  const rows = recordsOf(DATA.overview);
  const month = rows.find((row) => row.is_complete)?.month_start ?? rows.at(0)?.month_start;
  if (!month) return [note(say("no_data"))];
  const title = say("overview_title", { month: monthName(month) });
  const file = (row) => DATA.regions.find((region) => region.id === row.region_id)?.file;
  const chosenRows = rows.filter((row) => row.month_start === month);
  const most = Math.max(...chosenRows.map((row) => row.appeals_per_10k ?? 0));
  const columns = [
    { title: say("region") }, { title: say("rank"), numeric: true, definition: "region_rank" }, { title: say("appeals"), numeric: true, definition: "appeals" },
    { title: say("change_on_month"), numeric: true }, { title: say("per_10k_title"), definition: "per_10k" }, { title: say("on_time"), numeric: true, definition: "on_time" },
    { title: say("mean"), numeric: true, definition: "mean" }, { title: say("median"), numeric: true, definition: "median" }, { title: say("overdue"), numeric: true, definition: "overdue" },
  ];
  return [section("overview", title, "overview", tableOf(title, columns, chosenRows.map((row) => [
    make("a", { href: file(row) }, row.region_name), row.on_time_rank === null ? NOTHING : say("rank_of", { rank: row.on_time_rank, peers: row.regions }),
    number(row.appeals), change(row.appeals_change, number),
    make("span", { class: "counted" }, make("span", { class: "count" }, number(row.appeals_per_10k, 1)), bar(row.appeals_per_10k ?? 0, most)),
    percent(row.on_time_share, 1), duration(row.mean_first_answer_minutes), duration(row.median_first_answer_minutes), number(row.overdue_appeals),
  ])))];
}

function render() {
  const page = document.getElementById("page");
  const focused = document.activeElement?.id;
  const open = new Set([...page.querySelectorAll("details[open]")].map((each) => each.closest("section")?.id));
  explained = 0;
  document.documentElement.lang = state.language;
  document.title = `${DATA.region?.name ?? say("all_regions")} · ${say("over")}`;
  const width = Math.min(page.clientWidth, 1280);
  const parts = DATA.page === "region" ? regionPage(width) : overviewPage();
  page.replaceChildren(header(), make("main", {}, ...parts), foot());
  for (const each of page.querySelectorAll("details.behind")) each.open = open.has(each.closest("section")?.id);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

let drawnAt = 0;
function redrawWhereWidthChanged() {
  const width = document.getElementById("page").clientWidth;
  if (width === drawnAt) return;
  drawnAt = width;
  render();
}

readAddress();
redrawWhereWidthChanged();
addEventListener("resize", redrawWhereWidthChanged);
addEventListener("hashchange", () => { readAddress(); render(); });
// Paper shows what a click would.
addEventListener("beforeprint", () => document.querySelectorAll("details:not(.behind)").forEach((each) => { each.dataset.wasOpen = String(each.open); each.open = true; }));
addEventListener("afterprint", () => document.querySelectorAll("details[data-was-open]").forEach((each) => { each.open = each.dataset.wasOpen === "true"; }));
