// The parts of the page, from the figures of the governor's first minute to the checks at the foot.
const LEVELS = { red: "▲", yellow: "◆", green: "●" };
const YOUNG_DAYS = 30;
const filtersBeside = () => Boolean(state.channel || state.territory || state.topic);
const named = (list, id) => unknownName(DATA[list].find((entry) => entry.id === id)?.name);

function spanWords(span) {
  if (span.month !== null && span.until === monthAfter(span.month)) return monthName(isoDay(span.month));
  return say("span", { since: writeDay(isoDay(span.since)), until: writeDay(isoDay(span.until - 1)) });
}

function lead(span, now, before) {
  const words = spanWords(span);
  const begin = words.charAt(0).toLocaleUpperCase(LOCALES[state.language]) + words.slice(1);
  const parts = [say("lead_total", { span: begin, appeals: number(now.appeals) })];
  if (before && before.appeals > 0) {
    const share = now.appeals / before.appeals - 1;
    const key = Math.abs(share) < 0.005 ? "lead_same" : share > 0 ? "lead_more" : "lead_less";
    parts.push(say(key, { share: percent(Math.abs(share)) }));
  }
  const sentences = [`${parts.join(", ")}.`];
  if (onTime(now) !== null) sentences.push(say("lead_on_time", { share: percent(onTime(now)) }));
  if (meanMinutes(now) !== null) sentences.push(say("lead_mean", { duration: duration(meanMinutes(now)) }));
  const levels = heatLevels(span);
  if (levels && !filtersBeside()) {
    const red = levels.filter((row) => row.heat_level === "red").map((row) => named("territories", row.territory_id));
    sentences.push(red.length ? say("lead_red", { names: red.join(", ") }) : say("lead_no_red"));
  }
  return make("p", { class: "lead" }, sentences.join(" "));
}

function card(id, title, definition, value, after, exact) {
  return make("div", { class: "card", id: `card-${id}` },
    make("h3", {}, title, explain(definition)),
    make("p", { class: "value", title: exact }, value),
    make("p", { class: "after" }, after));
}

function cards(span) {
  const now = total(span.since, span.until, chosen());
  const before = span.before && total(span.before.since, span.before.until, chosen());
  const difference = (of) => (before && of(now) !== null && of(before) !== null ? of(now) - of(before) : null);
  const share = before && before.appeals > 0 ? now.appeals / before.appeals - 1 : null;
  const month = statedMonth(span);
  const median = statedMedian(month);
  // While answers come, the slow ones are not among them yet: days so young look faster than they are.
  const isYoung = span.until > dayNumber(DATA.release.as_of.slice(0, 10)) - YOUNG_DAYS;
  const exactly = (minutes) => (minutes === null ? null : say("minutes", { count: number(minutes, 1) }));
  const changed = (value, write, better = 0) => change(value, write, better, say("no_comparison"));
  const points = (value) => say("points", { count: number(value * 100, 1) });
  return make("div", {},
    lead(span, now, before),
    make("div", { class: "cards" },
      card("appeals", say("appeals"), "appeals", number(now.appeals), changed(share, (value) => percent(value, 1))),
      card("on-time", say("on_time"), "on_time", percent(onTime(now), 1), changed(difference(onTime), points, 1)),
      card("mean", say("mean"), "mean", duration(meanMinutes(now)), isYoung ? say("still_waiting", { count: number(now.appeals - now.answered_appeals) })
        : changed(difference(meanMinutes), duration, -1), exactly(meanMinutes(now))),
      card("median", say("median"), "median", duration(median?.median),
        median ? say("stated_for", { month: monthName(isoDay(month)) }) : say("no_median"), exactly(median?.median ?? null)),
      card("overdue", say("overdue"), "overdue", number(now.overdue_appeals),
        say("of_total", { share: percent(ratio(now.overdue_appeals, now.appeals), 1) })),
      card("solved", say("solved"), "solved", percent(solvedShare(now), 1), changed(difference(solvedShare), points, 1)),
    ));
}

// Levels as a mart states them for the chosen days; null where none does.
function heatLevels(span) {
  if (span.month !== null) {
    const iso = isoDay(span.month);
    return recordsOf(DATA.territories_monthly).filter((row) => row.month_start === iso);
  }
  return state.period === "recent" ? recordsOf(DATA.territories_current) : null;
}

function heatMap(span, width) {
  const filter = { ...chosen(), territory_id: null };
  const sums = addUp(span.since, span.until, filter, (row) => DATA.cube.territory_id.at(row));
  const isWhole = !state.channel && !state.topic;
  const levels = new Map((isWhole ? heatLevels(span) ?? [] : []).map((row) => [row.territory_id, row.heat_level]));
  const rows = DATA.territories.map((territory, at) => {
    const appeals = (sums.get(at) ?? NONE).appeals;
    const rate = territory.population ? (appeals * 10000) / territory.population : null;
    return { territory, appeals, rate, level: levels.get(territory.id) ?? null, sums: sums.get(at) ?? NONE };
  });
  const places = rows.filter((row) => row.territory.id !== "unknown").map((row) => {
    const level = row.level ? say(`level_${row.level}`) : say("level_none");
    const isChosen = state.territory === row.territory.id;
    return {
      ...row, isChosen,
      words: say("tile", { name: row.territory.name, level, appeals: number(row.appeals), rate: number(row.rate, 1) }),
      figure: `${row.level ? `${LEVELS[row.level]} ` : ""}${number(row.appeals)}`,
      press: () => choose({ territory: isChosen ? "" : row.territory.id }),
    };
  });
  const columns = [
    { title: say("territory") }, { title: say("level"), definition: "heat" }, { title: say("appeals"), numeric: true },
    { title: say("per_10k_title"), numeric: true, definition: "per_10k" }, { title: say("on_time"), numeric: true },
    { title: say("overdue"), numeric: true },
  ];
  const cells = [...rows].sort((one, other) => other.appeals - one.appeals).map((row) => [
    unknownName(row.territory.name), row.level ? `${LEVELS[row.level]} ${say(`level_${row.level}`)}` : NOTHING,
    number(row.appeals), number(row.rate, 1), percent(onTime(row.sums)), number(row.sums.overdue_appeals),
  ]);
  return section("heat", say("heat_title"), DATA.map ? "heat_borders" : "heat",
    levels.size ? make("ul", { class: "legend" }, Object.entries(LEVELS).map(([level, mark]) =>
      make("li", {}, make("span", { class: `swatch ${level}` }, mark), say(`level_${level}`)))) : note(say("heat_unstated")),
    DATA.map ? bordersOf(places, width) : tilesOf(places),
    behind(say("heat_title"), columns, cells));
}

function overTime(span, width) {
  const weekly = span.until - span.since > 92;
  const bucket = (day) => (weekly ? day - ((new Date(day * DAY).getUTCDay() + 6) % 7) : day);
  const sums = addUp(span.since, span.until, chosen(), (_, day) => bucket(day));
  const points = [];
  for (let day = bucket(span.since); day < span.until; day += weekly ? 7 : 1) {
    const value = (sums.get(day) ?? NONE).appeals;
    const label = tinyDay(isoDay(day));
    points.push({ label, value, hint: `${weekly ? say("week_of", { day: shortDay(isoDay(day)) }) : shortDay(isoDay(day))}: ${number(value)}` });
  }
  const title = weekly ? say("by_week") : say("by_day");
  const most = Math.max(...points.map((point) => point.value), 0);
  return section("over-time", title, "appeals",
    columnChart(width, say("chart_words", { title, span: spanWords(span), most: number(most) }), points),
    behind(title, [{ title: say("day") }, { title: say("appeals"), numeric: true }],
      points.map((point) => [point.hint.split(": ")[0], number(point.value)])));
}

function answerTimes(width) {
  const list = months().reverse();
  const complete = new Map(recordsOf(DATA.times_monthly).map((row) => [row.month_start, row.is_complete]));
  const figures = list.map((month) => {
    const mean = meanMinutes(total(month, monthAfter(month), chosen()));
    const stated = statedMedian(month);
    return { month, mean, median: stated?.median ?? null, waiting: stated?.km_median ?? null, hollow: !complete.get(isoDay(month)) };
  });
  const line = (name, kind, definition) => ({
    name: say(name), kind, definition,
    points: figures.map((one) => ({
      value: one[name], hollow: one.hollow,
      hint: `${say(name)}, ${monthName(isoDay(one.month))}${one.hollow ? ` (${say("in_progress")})` : ""}: ${duration(one[name])}`,
    })),
  });
  const lines = [line("mean", "first", "mean"), line("median", "second", "median"), line("waiting", "third", "waiting")]
    .filter((one) => one.points.some((point) => point.value !== null));
  const columns = [{ title: say("month") }, ...lines.map((one) => ({ title: one.name, numeric: true }))];
  return section("answer-times", say("times_title"), "times",
    legend(lines),
    lineChart(width, say("times_words"), figures.map((one) => shortMonth(isoDay(one.month))), lines, duration),
    note(say("times_note"), lines.length < 2 ? ` ${say("no_median")}` : ""),
    behind(say("times_title"), columns, figures.map((one, at) => [
      `${monthName(isoDay(one.month))}${one.hollow ? ` (${say("in_progress")})` : ""}`,
      ...lines.map((each) => duration(each.points.at(at).value))])));
}

// Groups by count with the change on the days before: topics, channels.
function ranking(id, title, definition, list, dimension, span, pick, chosenId) {
  const filter = { ...chosen(), [dimension]: null };
  const key = (row) => DATA.cube[dimension].at(row);
  const now = addUp(span.since, span.until, filter, key);
  const before = span.before && addUp(span.before.since, span.before.until, filter, key);
  const whole = [...now.values()].reduce((sum, each) => sum + each.appeals, 0);
  const rows = [...now.entries()].sort(([, one], [, other]) => other.appeals - one.appeals);
  const most = rows.length ? rows.at(0).at(1).appeals : 0;
  const columns = [
    { title: say(`${id}_one`) }, { title: say("appeals") }, { title: say("share"), numeric: true },
    { title: say("change"), numeric: true, definition: "change" }, { title: say("on_time"), numeric: true },
    { title: say("mean"), numeric: true },
  ];
  const cells = rows.map(([place, sums]) => {
    const entry = DATA[list].at(place);
    const past = before ? (before.get(place) ?? NONE).appeals : null;
    return [
      make("button", { type: "button", class: "pick", id: `${id}-${entry.id}`, "aria-pressed": String(chosenId === entry.id),
        onclick: () => pick(chosenId === entry.id ? "" : entry.id) }, unknownName(entry.name)),
      make("span", { class: "counted" }, make("span", { class: "count" }, number(sums.appeals)), bar(sums.appeals, most)),
      percent(ratio(sums.appeals, whole), 1), change(past === null ? null : sums.appeals - past, number),
      percent(onTime(sums)), duration(meanMinutes(sums)),
    ];
  });
  return section(id, title, definition, rows.length ? longTable(title, columns, cells) : note(say("nothing")));
}

function monthTopics(span) {
  const month = statedMonth(span);
  if (month === null) return null;
  const iso = isoDay(month);
  const rows = recordsOf(DATA.topics_monthly)
    .filter((row) => row.month_start === iso && (!state.topic || row.topic_group === state.topic));
  if (!rows.length) return null;
  const columns = [
    { title: say("topic") }, { title: say("topics_one") }, { title: say("appeals"), numeric: true },
    { title: say("change_on_month"), numeric: true }, { title: say("solved"), numeric: true, definition: "solved" },
  ];
  return section("month-topics", say("month_topics", { month: monthName(iso) }), "month_topics",
    longTable(say("month_topics", { month: monthName(iso) }), columns, rows.map((row) => [
      row.topic_label, row.topic_group_label, number(row.appeals), change(row.appeals_change, number), percent(row.solved_share)]), 10),
    recordsOf(DATA.times_monthly).some((row) => row.month_start === iso && !row.is_complete) ? note(say("month_in_progress")) : null,
    state.channel || state.territory ? note(say("whole_region")) : null);
}

function backlog(span, width) {
  const rows = recordsOf(DATA.backlog).filter((row) => {
    const day = dayNumber(row.local_date);
    return day >= span.since && day < span.until && row.channel === (state.channel || "all");
  });
  const byDay = new Map(rows.map((row) => [row.local_date, {
    open: row.open_appeals, overdue: row.overdue_appeals, opened: row.opened_appeals, closed: row.closed_appeals,
  }]));
  if (!byDay.size) return section("backlog", say("backlog_title"), "backlog", note(say("nothing")));
  const days = [...byDay.keys()].sort();
  const line = (name, kind) => ({
    name: say(`backlog_${name}`), kind,
    points: days.map((day) => ({ value: byDay.get(day)[name], hint: `${shortDay(day)}: ${number(byDay.get(day)[name])}` })),
  });
  const lines = [line("open", "first"), line("overdue", "alarm")];
  const last = byDay.get(days.at(-1));
  const flows = [...byDay.values()].reduce((sum, day) => ({ opened: sum.opened + day.opened, closed: sum.closed + day.closed }), { opened: 0, closed: 0 });
  const columns = ["day", "backlog_open", "backlog_overdue", "backlog_opened", "backlog_closed"].map((name, at) => ({ title: say(name), numeric: at > 0 }));
  const values = { day: writeDay(days.at(-1)), open: number(last.open), overdue: number(last.overdue), opened: number(flows.opened), closed: number(flows.closed) };
  return section("backlog", say("backlog_title"), "backlog",
    make("p", {}, say("backlog_words", values)),
    legend(lines),
    lineChart(width, say("backlog_words", values), days.map(tinyDay), lines),
    state.territory || state.topic ? note(say("whole_region_channel")) : null,
    behind(say("backlog_title"), columns, days.map((day) => {
      const sums = byDay.get(day);
      return [shortDay(day), number(sums.open), number(sums.overdue), number(sums.opened), number(sums.closed)];
    })));
}
