// Sums over days, channels, territories and topic groups. Means and shares are made of sums, never of each other.
const COUNTS = [
  "appeals", "answered_appeals", "first_answer_seconds", "judged_appeals",
  "on_time_appeals", "overdue_appeals", "closed_appeals", "solved_appeals",
];
const FIRST = DATA.first_day ? dayNumber(DATA.first_day) : 0;
const AFTER_LAST = FIRST + (DATA.days ?? 0);

// Place of a name in its list, null for all.
function placeOf(list, id) {
  const at = DATA[list].findIndex((entry) => entry.id === id);
  return at < 0 ? null : at;
}

function chosen() {
  return {
    channel: placeOf("channels", state.channel),
    territory_id: placeOf("territories", state.territory),
    topic_group: placeOf("topics", state.topic),
  };
}

// Sums from day `since` to before day `until` by `keyOf(row, day)`; a Map of key to counts.
function addUp(since, until, filter, keyOf = () => "all") {
  const cube = DATA.cube;
  const found = new Map();
  const conditions = Object.entries(filter).filter(([, place]) => place !== null);
  for (let day = Math.max(since, FIRST); day < Math.min(until, AFTER_LAST); day += 1) {
    for (let row = cube.starts.at(day - FIRST); row < cube.starts.at(day - FIRST + 1); row += 1) {
      if (conditions.some(([name, place]) => cube[name].at(row) !== place)) continue;
      const key = keyOf(row, day);
      let sums = found.get(key);
      if (!sums) found.set(key, (sums = Object.fromEntries(COUNTS.map((name) => [name, 0]))));
      for (const name of COUNTS) sums[name] += cube[name].at(row);
    }
  }
  return found;
}

const NONE = Object.fromEntries(COUNTS.map((name) => [name, 0]));
const total = (since, until, filter) => addUp(since, until, filter).get("all") ?? NONE;
const ratio = (part, whole) => (whole > 0 ? part / whole : null);
const onTime = (sums) => ratio(sums.on_time_appeals, sums.judged_appeals);
const meanMinutes = (sums) => ratio(sums.first_answer_seconds / 60, sums.answered_appeals);
const solvedShare = (sums) => ratio(sums.solved_appeals, sums.closed_appeals);

const monthStart = (day) => dayNumber(`${isoDay(day).slice(0, 7)}-01`);

function monthAfter(day, months = 1) {
  const [year, month] = isoDay(day).split("-").map(Number);
  return Math.round(Date.UTC(year, month - 1 + months, 1) / DAY);
}

function months() {
  const found = [];
  for (let month = monthStart(AFTER_LAST - 1); month >= monthStart(FIRST); month = monthAfter(month, -1)) {
    found.push(month);
  }
  return found;
}

// The last 30 days; where nobody has written for so long, the last month in which somebody did.
function usualPeriod() {
  if (!DATA.days || dayNumber(DATA.recent.since) < AFTER_LAST) return "recent";
  return isoDay(AFTER_LAST - 1).slice(0, 7);
}

// The chosen days, half-open, and those they are held against; `month` where the period is a calendar month.
function period() {
  const { since: recentSince, until: recentUntil } = DATA.recent;
  let since = dayNumber(recentSince);
  let until = dayNumber(recentUntil);
  let month = null;
  if (state.period === "week") since = until - 7;
  else if (state.period === "all") [since, until] = [FIRST, AFTER_LAST];
  else if (state.period === "days") {
    since = Math.max(dayNumber(state.since), FIRST);
    until = Math.max(Math.min(dayNumber(state.until) + 1, AFTER_LAST), since);
  } else if (/^\d{4}-\d{2}$/.test(state.period)) {
    month = dayNumber(`${state.period}-01`);
    since = Math.max(month, FIRST);
    until = Math.min(monthAfter(month), AFTER_LAST);
  }
  // A month in progress is held against as many days of the month before.
  const before = month === null
    ? { since: since - (until - since), until: since }
    : { since: monthAfter(month, -1), until: Math.min(monthAfter(month, -1) + (until - since), month) };
  if (month !== null && until === monthAfter(month)) before.until = month;
  const begins = Math.max(FIRST, dayNumber(DATA.begins));
  return { since, until, month, before: before.since >= begins && until > since ? before : null };
}

// The month whose stated medians, ranks and topics stand beside the period: the chosen one, else the last
// complete one that the period reaches; a young region has just the one in progress.
function statedMonth(span) {
  if (span.month !== null) return span.month;
  const reached = recordsOf(DATA.times_monthly).filter((row) => dayNumber(row.month_start) < span.until);
  const complete = reached.filter((row) => row.is_complete);
  const starts = (complete.length ? complete : reached).map((row) => dayNumber(row.month_start));
  return starts.length ? Math.max(...starts) : null;
}

// A median as its mart states it; null at grains where none does.
function statedMedian(month) {
  if (month === null || state.topic || (state.channel && state.territory)) return null;
  const iso = isoDay(month);
  if (state.territory) {
    const row = recordsOf(DATA.territories_monthly)
      .find((one) => one.month_start === iso && one.territory_id === state.territory);
    return row ? { median: row.median, km_median: null } : null;
  }
  return recordsOf(DATA.times_monthly)
    .find((one) => one.month_start === iso && one.channel === (state.channel || "all")) ?? null;
}
