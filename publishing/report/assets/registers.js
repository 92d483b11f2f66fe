// Lists: authorities, pages, signals, repeats, surveys, the year in sentences, and where the figures come from.
function authorities(span) {
  const month = statedMonth(span);
  const rows = month === null ? [] : recordsOf(DATA.authorities_monthly).filter((row) => row.month_start === isoDay(month));
  if (!rows.length) return null;
  const title = say("authorities_title", { month: monthName(isoDay(month)) });
  const columns = [
    { title: say("authority") }, { title: say("rank"), numeric: true, definition: "rank" }, { title: say("appeals"), numeric: true },
    { title: say("on_time"), numeric: true, definition: "on_time" }, { title: say("median"), numeric: true, definition: "median" },
    { title: say("overdue"), numeric: true }, { title: say("solved"), numeric: true },
  ];
  return section("authorities", title, "authorities",
    longTable(title, columns, rows.map((row) => [
      row.authority_id === "unknown" ? say("unknown_authority") : row.authority_name,
      row.rank === null ? make("span", { class: "unranked", title: say(row.no_rank_reason) }, NOTHING) : say("rank_of", { rank: row.rank, peers: row.ranked_peers }),
      number(row.appeals), percent(row.on_time_share, 1), duration(row.median), number(row.overdue_appeals), percent(row.solved_share),
    ])),
    filtersBeside() ? note(say("whole_region")) : null);
}

function gospublics() {
  const rows = recordsOf(DATA.gospublics).filter((row) => !state.territory || row.territory_id === state.territory);
  const title = rows.length ? say("gospublics_title", { week: writeDay(rows.at(0).week_start) }) : say("gospublics");
  const yes = (value) => (value === null ? NOTHING : say(value ? "yes" : "no"));
  const columns = [
    { title: say("page") }, { title: say("score"), definition: "score" }, { title: say("members"), numeric: true },
    { title: say("growth"), numeric: true }, { title: say("posts"), numeric: true }, { title: say("pos_link") },
  ];
  return section("gospublics", title, "gospublics", rows.length ? longTable(title, columns, rows.map((row) => [
    `${row.page_name}, ${row.network}${row.is_dead ? ` (${say("dead")})` : ""}`,
    make("span", { class: "counted" }, make("span", { class: "count" }, number(row.score)), bar(row.score ?? 0, 100)),
    number(row.members_count), signed(row.members_growth, number), number(row.posts), yes(row.has_valid_pos_link),
  ])) : note(say("nothing")));
}

const overlaps = (row, span) => dayNumber(row.started_on) < span.until && dayNumber(row.ended_on) >= span.since;
const matches = (row) => (!state.territory || row.territory_id === state.territory) && (!state.topic || row.topic_group === state.topic);
const days = (row) => (row.started_on === row.ended_on ? shortDay(row.started_on) : `${shortDay(row.started_on)} – ${shortDay(row.ended_on)}`);

function signals(span) {
  const rows = recordsOf(DATA.signals).filter((row) => matches(row) && overlaps(row, span));
  const columns = [
    { title: say("territory") }, { title: say("topic") }, { title: say("when") }, { title: say("appeals"), numeric: true },
    { title: say("expected"), numeric: true, definition: "expected" }, { title: say("peak"), numeric: true },
  ];
  return section("signals", say("signals_title"), "signals",
    rows.length ? longTable(say("signals_title"), columns, rows.map((row) => [
      unknownName(row.territory_id === "unknown" ? null : row.territory_name),
      row.topic_id === "all" ? say("whole_group", { group: row.topic_group_label }) : row.topic_label,
      `${days(row)}${row.may_continue ? ` ${say("goes_on")}` : ""}`, number(row.appeals), number(row.expected_appeals, 1),
      say("peak_on", { count: number(row.peak_appeals), day: tinyDay(row.peaked_on) }),
    ]), 6) : note(say("no_signals")),
    state.channel ? note(say("all_channels")) : null);
}

function episodes(span) {
  const rows = recordsOf(DATA.episodes).filter((row) => matches(row) && overlaps(row, span));
  const columns = [
    { title: say("territory") }, { title: say("topic") }, { title: say("appeals"), numeric: true }, { title: say("when") },
    { title: say("place") }, { title: say("solved_count"), numeric: true }, { title: say("open_count"), numeric: true },
  ];
  return section("episodes", say("episodes_title"), "episodes",
    rows.length ? longTable(say("episodes_title"), columns, rows.map((row) => [
      unknownName(row.territory_id === "unknown" ? null : row.territory_name), row.topic_label, number(row.appeals),
      `${days(row)}${row.may_continue ? ` ${say("goes_on")}` : ""}`, say(`place_${row.place_kind}`), number(row.solved_appeals), number(row.open_appeals),
    ]), 10) : note(say("nothing")),
    state.channel ? note(say("all_channels")) : null);
}

function surveys() {
  const rows = recordsOf(DATA.surveys);
  if (!rows.length) return null;
  const questions = new Map();
  for (const row of rows) {
    const key = JSON.stringify([row.survey_key, row.question_id, row.territory_name]);
    questions.set(key, [...(questions.get(key) ?? []), row]);
  }
  const columns = [
    { title: say("answer") }, { title: say("share") }, { title: say("interval"), numeric: true, definition: "interval" }, { title: say("votes"), numeric: true },
  ];
  const blocks = [...questions.values()].map((answers) => {
    const first = answers.at(0);
    const title = [first.title, first.question === first.title ? null : first.question, first.territory_name].filter(Boolean).join(" · ");
    const dates = [first.starts_on, first.ends_on].filter(Boolean).map(shortDay).join(" – ");
    return tableOf(`${title}${dates ? ` (${dates})` : ""}. ${say("asked", { count: number(first.question_votes) })}`, columns, answers.map((row) => [
      row.option,
      make("span", { class: "counted" }, make("span", { class: "count" }, percent(row.share)), bar(row.share ?? 0, 1)),
      `${percent(row.share_low)} – ${percent(row.share_high)}`, number(row.votes),
    ]));
  });
  return section("surveys", say("surveys_title"), "surveys", blocks.slice(0, 4),
    blocks.length > 4 ? make("details", {}, make("summary", {}, say("all_rows", { count: number(blocks.length) })), blocks.slice(4)) : null);
}

function review() {
  const rows = recordsOf(DATA.review);
  if (!rows.length) return null;
  const list = (sentences) => make("ul", { lang: "ru" }, sentences.map((row) => make("li", {}, row.sentence)));
  // The newest window is the year; older windows and finer slices stand below it.
  const newest = rows.reduce((most, row) => (row.period_from !== row.period_to && row.period_to > most ? row.period_to : most), "");
  const isHeadline = (row) => row.headline !== null && (row.period_to === newest || row.period_from === row.period_to && row.period_to >= newest);
  const headlines = rows.filter(isHeadline).sort((one, other) => one.headline - other.headline);
  const others = rows.filter((row) => !isHeadline(row));
  return section("review", say("review_title"), "review", list(headlines),
    others.length ? make("details", {}, make("summary", {}, say("all_rows", { count: number(others.length) })), list(others)) : null);
}

function foot() {
  const zone = DATA.region?.time_zone ?? "UTC";
  const asOf = Date.parse(DATA.release.as_of);
  const loads = new Map(DATA.loads ? recordsOf(DATA.loads).map((row) => [row.source, row]) : []);
  const sources = (DATA.watermarks ?? []).map((mark) => {
    const load = loads.get(mark.source);
    const minutes = Math.max((asOf - Date.parse(mark.fetched_at)) / 60000, 0);
    return [
      mark.source, writeMoment(mark.fetched_at, zone), duration(minutes), number(load?.received),
      load ? `${number(load.quarantined)} (${percent(ratio(load.quarantined, load.received), 1)})` : NOTHING,
    ];
  });
  const columns = ["source", "last_read", "behind_as_of", "received", "quarantined"].map((name, at) => ({
    title: say(name), numeric: at > 1, definition: name === "quarantined" ? "quarantined" : null }));
  const { total: checks, failing } = DATA.checks;
  const restated = DATA.restatements ? recordsOf(DATA.restatements) : [];
  return make("footer", {}, section("quality", say("quality_title"), "quality",
    make("p", {}, failing.length
      ? say("checks_some", { held: number(checks - failing.length), total: number(checks), names: failing.join(", ") })
      : say("checks_all", { total: number(checks) })),
    sources.length ? tableOf(say("sources_title"), columns, sources) : null,
    restated.length ? make("p", {}, say("restated", { figures: restated.map((row) => `${say(`reason_${row.reason}`)}: ${number(row.figures)}`).join("; ") })) : null,
    make("p", { class: "release" }, say("release", { id: DATA.release.id, as_of: writeMoment(DATA.release.as_of, zone), commit: DATA.release.git_commit.slice(0, 10) }))));
}
