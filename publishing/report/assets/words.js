// What the page says: words by language, numbers, days and durations as people write them.
const DATA = JSON.parse(document.getElementById("data").textContent);
const LOCALES = { ru: "ru-RU", en: "en-GB" };
const state = { language: "ru", period: "recent", since: "", until: "", channel: "", territory: "", topic: "" };
const NOTHING = "—";
const DAY = 86400000;

function say(key, values = {}) {
  const text = DATA.words[state.language][key];
  if (text === undefined) throw new Error(`no words for ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

const define = (key) => DATA.words[state.language].definitions[key];

function number(value, digits = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) return NOTHING;
  return value.toLocaleString(LOCALES[state.language], { maximumFractionDigits: digits });
}

function percent(share, digits = 0) {
  return share === null || share === undefined ? NOTHING : `${number(share * 100, digits)}\u00a0%`;
}

function signed(value, write) {
  if (value === null || value === undefined) return NOTHING;
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${write(Math.abs(value))}`;
}

function duration(minutes) {
  if (minutes === null || minutes === undefined) return NOTHING;
  const [unit, count] = minutes < 120 ? ["minutes", number(minutes)]
    : minutes < 2880 ? ["hours", number(minutes / 60, 1)] : ["days", number(minutes / 1440, 1)];
  return say(unit, { count }).replace(" ", "\u00a0");
}

const dayNumber = (iso) => Math.round(Date.parse(`${iso}T00:00:00Z`) / DAY);
const isoDay = (day) => new Date(day * DAY).toISOString().slice(0, 10);

function writeDay(iso, options = { day: "numeric", month: "long", year: "numeric" }) {
  if (!iso) return NOTHING;
  const moment = new Date(`${iso.slice(0, 10)}T00:00:00Z`);
  return new Intl.DateTimeFormat(LOCALES[state.language], { ...options, timeZone: "UTC" }).format(moment);
}

const shortDay = (iso) => writeDay(iso, { day: "2-digit", month: "2-digit", year: "numeric" });
const tinyDay = (iso) => writeDay(iso, { day: "2-digit", month: "2-digit" });
const monthName = (iso) => writeDay(iso, { month: "long", year: "numeric" });
const shortMonth = (iso) => writeDay(iso, { month: "short", year: "2-digit" });

function writeMoment(iso, zone) {
  const options = { dateStyle: "long", timeStyle: "short", timeZone: zone };
  return new Intl.DateTimeFormat(LOCALES[state.language], options).format(new Date(iso));
}

const unknownName = (name) => name ?? say("unknown");

// A table of the data as objects.
const recordsOf = (table) =>
  table.rows.map((row) => Object.fromEntries(table.columns.map((name, at) => [name, row.at(at)])));
