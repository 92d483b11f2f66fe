"""A mapping as SQL: every value an expression over delivered columns, so that millions of rows take seconds.

The rare cases leave SQL: suspicious texts are masked by `ingestion.privacy`, refused rows and values that
were left empty are told to Python, one call per few thousand rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ingestion.clock import Window
from ingestion.files.mapping import (
    ANSWER_KINDS,
    REQUIRED_MOMENT,
    VOCABULARY,
    AnswerColumns,
    Mapping,
    Names,
    Rule,
)
from ingestion.files.suspicion import suspicious
from ingestion.spreadsheet import normal
from ingestion.tables import SQL_TYPES, ColumnType, RawTable

EARLIEST = datetime(2005, 1, 1)  # noqa: DTZ001 - naive UTC
_BLANKS = " \t\r\n\u00a0"
_YES = ("да", "true", "1", "yes", "y", "д")
_NO = ("нет", "false", "0", "no", "n", "н")
_MASKED = frozenset(("text", "tags", "locality", "street", "house"))
_NAMES_MASKED = frozenset(("authority",))


@dataclass(frozen=True)
class Cells:
    """How SQL reaches a delivered column: (expression, kind) by its spellings, or None where it is absent.

    Kinds: text, local (a timestamp without a zone), utc (one with), other (a number, …).
    """

    relation: str
    find: Callable[[Names], tuple[str, str] | None]


@dataclass(frozen=True)
class Query:
    """What one SELECT needs to know besides the mapping."""

    mapping: Mapping
    zone: ZoneInfo
    latest: datetime
    window: Window | None
    file_name: str
    region_id: str
    fetched_at: datetime
    load_id: str


def literal(value: object) -> str:
    """A value as SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    return "'" + str(value).replace("'", "''") + "'"


class Selects:
    """The SELECTs of one file: its rows, the answers in its rows, and what refuses them."""

    def __init__(self, query: Query, cells: Cells) -> None:
        self._query, self._cells, self._mapping = query, cells, query.mapping
        # What several expressions need is computed once, in layers: DuckDB shares nothing between the
        # branches of a CASE.
        self._texts: dict[str, str] = {}
        self._locals: dict[str, str] = {}
        self._instants: dict[str, str] = {}

    def rows(self, table: RawTable) -> str:
        """Rows of the mapping's own kind, in the shape of `table`; refused ones are told to `refuse`."""
        moment = REQUIRED_MOMENT[self._mapping.rows]
        self._forget()
        values = {column.name: self._value(column.name, column.type) for column in table.columns}
        values["ticket_id"], values[moment] = "_key", "_at"
        if self._mapping.rows == "answers" and "answer_id" not in self._mapping.columns:
            values["answer_id"] = self._hash(["_key", "CAST(_at AS VARCHAR)", self._text_of("text")])
        return self._shaped(table, values, self._judged(tell=True))

    def answers(self, table: RawTable, answer: AnswerColumns) -> str:
        """Answers of one kind that stand in the rows of appeals."""
        self._forget()
        at = self._moment(answer.at, f"answers.{answer.kind}.at", tell=True)
        values = {
            "ticket_id": "_key",
            "answer_id": literal(answer.kind),
            "answered_at": at,
            "kind": literal(answer.kind),
            "authority": self._names(self._text(answer.authority)),
            "ogrn": self._text(answer.ogrn),
            "text": self._masked(self._text(answer.text)),
        }
        return self._shaped(table, values, self._judged(tell=False)) + " AND answered_at IS NOT NULL"

    def strangers(self, limit: int) -> Iterator[tuple[str, str]]:
        """(field, SELECT of the texts that its map or our vocabulary does not know)."""
        for field, rule in self._mapping.columns.items():
            if rule.value is None and (rule.values is not None or self._words(field) is not None):
                self._forget()
                text = self._text(rule)
                mapped = self._mapped(field, rule)
                listed = _meant_empty(rule)
                meant_empty = f" AND {_plain(text)} NOT IN ({', '.join(map(literal, listed))})"
                yield (
                    field,
                    f"SELECT DISTINCT {text} FROM {self._layers()}"
                    f" WHERE {text} IS NOT NULL AND {mapped} IS NULL"
                    f"{meant_empty if listed else ''} ORDER BY 1 LIMIT {limit}",
                )

    def _shaped(self, table: RawTable, values: dict[str, str], source: str) -> str:
        query = self._query
        fixed = {
            "region_id": literal(query.region_id),
            "fetched_at": literal(query.fetched_at),
            "file_name": literal(query.file_name),
        }
        shown = [
            f"CAST({(values | fixed)[column.name]} AS {SQL_TYPES[column.type]}) AS {column.name}"
            for column in table.all_columns
        ]
        shown.append(f"{literal(query.load_id)} AS _dlt_load_id")
        inner = f"SELECT {', '.join(shown)}, _keep FROM ({source})"
        columns = ", ".join([*(column.name for column in table.all_columns), "_dlt_load_id"])
        return f"SELECT {columns} FROM ({inner}) WHERE _keep"

    def _forget(self) -> None:
        for names in (self._texts, self._locals, self._instants):
            names.clear()

    def _layers(self) -> str:
        """The relation with every shared expression that was asked for: texts, local times, instants."""

        def layer(source: str, shared: dict[str, str]) -> str:
            shown = "".join(f", {expression} AS {name}" for expression, name in shared.items())
            return f"(SELECT *{shown} FROM {source})" if shared else source

        return layer(layer(layer(self._cells.relation, self._texts), self._locals), self._instants)

    @staticmethod
    def _shared(names: dict[str, str], prefix: str, expression: str) -> str:
        """The name under which a layer computes the expression."""
        return names.setdefault(expression, f"{prefix}{len(names)}")

    def _judged(self, tell: bool) -> str:
        """The delivered columns with _key, _at, _reason and _keep (whether the row lands)."""
        rule = self._mapping.columns[REQUIRED_MOMENT[self._mapping.rows]]
        said, at, key = self._text(rule), self._instant(rule), self._key()
        lowest, highest = literal(EARLIEST), literal(self._query.latest)
        reason = (
            f"CASE WHEN _key IS NULL THEN 'no key' WHEN {said} IS NULL THEN 'no registration date'"
            " WHEN _at IS NULL THEN 'unreadable registration date'"
            f" WHEN _at < {lowest} OR _at > {highest} THEN 'impossible registration date'"
            f"{self._refusals()} END"
        )
        keep = f"refuse(_reason, _key, {self._payload()})" if tell else "false"
        outside = ""
        if self._query.window is not None:
            since, until = literal(self._query.window.since), literal(self._query.window.until)
            outside = f"WHEN _at IS NULL OR _at < {since} OR _at >= {until} THEN false "
        parsed = f"SELECT *, {key} AS _key, {at} AS _at FROM {self._layers()}"
        judged = f"SELECT *, {reason} AS _reason FROM ({parsed})"
        return (
            f"SELECT *, CASE {outside}WHEN _reason IS NULL THEN true ELSE {keep} END AS _keep FROM ({judged})"
        )

    def _refusals(self) -> str:
        """Further WHENs: columns whose value map says that an unlisted value refuses the row."""
        said = ""
        for field, rule in self._mapping.columns.items():
            if rule.otherwise == "refuse":
                text, mapped = self._text(rule), self._mapped(field, rule)
                reason = literal(f"unknown value of {field}")
                said += f" WHEN {text} IS NOT NULL AND {mapped} IS NULL THEN {reason}"
        return said

    def _payload(self) -> str:
        """The row as JSON for quarantine, without its author."""
        parts = [
            f"{literal(field)}, {self._text(rule)}"
            for field, rule in self._mapping.columns.items()
            if field != "author" and rule.inputs
        ]
        return f"CAST(json_object({', '.join(parts)}) AS VARCHAR)"

    def _key(self) -> str:
        if self._mapping.key is None:
            return self._text(self._mapping.columns["ticket_id"])
        parts = [self._text(Rule(column=names)) for names in self._mapping.key]
        some = " OR ".join(f"{part} IS NOT NULL" for part in parts)
        return f"CASE WHEN {some} THEN {self._hash(parts)} END"

    def _hash(self, parts: list[str]) -> str:
        told = ", ".join([literal(self._query.region_id), *(f"coalesce({part}, '')" for part in parts)])
        return f"'h' || left(sha256(concat_ws('|', {told})), 24)"

    def _value(self, field: str, kind: ColumnType) -> str:
        """The expression of one column of the raw table."""
        if field == "author_key":
            return f"keyed('files:' || {self._text_of('author')})"
        rule = self._mapping.columns.get(field)
        if rule is None:
            return "NULL"
        if kind == "timestamp":
            return self._moment(rule, field, tell=True)
        text = self._text(rule)
        words = self._words(field)
        if rule.values is not None or words is not None:
            return self._or_empty(text, self._mapped(field, rule), field)
        if kind == "double":
            bound = {"latitude": 90, "longitude": 180}[field]
            number = f"TRY_CAST(replace(replace({text}, ',', '.'), ' ', '') AS DOUBLE)"
            return self._or_empty(text, f"CASE WHEN abs({number}) <= {bound} THEN {number} END", field, kind)
        if kind == "int":
            number = f"TRY_CAST(replace({text}, ',', '.') AS DOUBLE)"
            whole = f"CASE WHEN {number} BETWEEN 1 AND 5 AND {number} = floor({number}) THEN {number} END"
            return self._or_empty(text, f"CAST({whole} AS INTEGER)", field, kind)
        if kind == "bool":
            yes, no = ", ".join(map(literal, _YES)), ", ".join(map(literal, _NO))
            answer = (
                f"CASE WHEN lower({text}) IN ({yes}) THEN true WHEN lower({text}) IN ({no}) THEN false END"
            )
            return self._or_empty(text, answer, field, kind)
        if field in _NAMES_MASKED:
            return self._names(text)
        return self._masked(text) if field in _MASKED else text

    def _words(self, field: str) -> tuple[str, ...] | None:
        if (field, self._mapping.rows) == ("kind", "answers"):
            return ANSWER_KINDS
        return VOCABULARY.get(field)

    def _mapped(self, field: str, rule: Rule) -> str:
        """The value after its map; words of ours pass as they are where there is no map."""
        if rule.value is not None:
            return literal(rule.value)
        text = self._text(rule)
        if rule.values is None:
            words = self._words(field) or ()
            return f"CASE WHEN lower({text}) IN ({', '.join(map(literal, words))}) THEN lower({text}) END"
        otherwise = text if rule.otherwise == "keep" else "NULL::VARCHAR"
        if not rule.values:
            return otherwise
        meanings = rule.values.items()
        exact = " ".join(f"WHEN {literal(said)} THEN {literal(meant)}" for said, meant in meanings)
        loose = " ".join(f"WHEN {literal(normal(said))} THEN {literal(meant)}" for said, meant in meanings)
        return f"CASE {text} {exact} ELSE CASE {_plain(text)} {loose} ELSE {otherwise} END END"

    def _or_empty(self, text: str, value: str, field: str, kind: ColumnType = "text") -> str:
        """`value`, and a word to Python where there was a text but no value came of it."""
        rule = self._mapping.columns.get(field)
        missed = f"CAST(miss({literal(field)}) AS {SQL_TYPES[kind]})"
        if rule is not None and (listed := _meant_empty(rule)):
            missed = f"CASE WHEN {_plain(text)} NOT IN ({', '.join(map(literal, listed))}) THEN {missed} END"
        return f"CASE WHEN {text} IS NULL THEN NULL ELSE coalesce({value}, {missed}) END"

    def _text_of(self, field: str) -> str:
        return self._text(self._mapping.columns.get(field))

    def _text(self, rule: Rule | None) -> str:
        """A rule's text, trimmed, null where empty."""
        if rule is None:
            return "NULL::VARCHAR"
        if rule.value is not None:
            return literal(str(rule.value))
        parts = [self._cell(names) for names in rule.inputs]
        if len(parts) == 1:
            return parts[0]
        return f"nullif(concat_ws({literal(rule.separator)}, {', '.join(parts)}), '')"

    def _cell(self, names: Names) -> str:
        found = self._cells.find(names)
        if found is None:
            return "NULL::VARCHAR"
        cell = found[0] if found[1] == "text" else f"CAST({found[0]} AS VARCHAR)"
        return self._shared(self._texts, "t", _trimmed(cell))

    def _moment(self, rule: Rule, field: str, tell: bool) -> str:
        """A moment in UTC within believable bounds, else null."""
        instant = self._instant(rule)
        lowest, highest = literal(EARLIEST), literal(self._query.latest)
        bounded = f"CASE WHEN {instant} BETWEEN {lowest} AND {highest} THEN {instant} END"
        if not tell:
            return bounded
        missed = f"CAST(miss({literal(field)}) AS TIMESTAMP)"
        return f"CASE WHEN {self._text(rule)} IS NULL THEN NULL ELSE coalesce({bounded}, {missed}) END"

    def _instant(self, rule: Rule) -> str:
        """Naive UTC, null where unreadable."""
        if rule.column is not None:
            found = self._cells.find(rule.column)
            if found is not None and found[1] == "utc":
                return f"({found[0]} AT TIME ZONE 'UTC')"
            if found is not None and found[1] == "local":
                return self._to_utc(found[0])
        text = self._text(rule)
        formats = rule.formats or self._mapping.dates
        patterns = [form for form in formats if "%" in form]
        tries = []
        if patterns:
            listed = ", ".join(map(literal, patterns))
            local = self._shared(self._locals, "l", f"try_strptime({text}, [{listed}])")
            tries.append(self._to_utc(local))
        tries += [self._special(form, text) for form in formats if "%" not in form]
        instant = tries[0] if len(tries) == 1 else f"coalesce({', '.join(tries)})"
        return self._shared(self._instants, "u", instant)

    def _special(self, form: str, text: str) -> str:
        number = f"TRY_CAST(replace({text}, ',', '.') AS DOUBLE)"
        if form == "excel":
            days = f"CASE WHEN {number} BETWEEN 38353 AND 80000 THEN {number} END"
            return self._to_utc(
                f"(TIMESTAMP '1899-12-30' + to_seconds(CAST(round({days} * 86400) AS BIGINT)))"
            )
        if form in ("unix", "unix_ms"):
            factor = 1_000_000 if form == "unix" else 1000
            whole = f"TRY_CAST({text} AS BIGINT)"
            # From 2001 to 2100: smaller numbers are something else, such as days of Excel.
            lowest, highest = 1_000_000_000 * 1_000_000 // factor, 4_102_444_800 * 1_000_000 // factor
            micros = f"make_timestamp({whole} * {factor})"
            return f"CASE WHEN {whole} BETWEEN {lowest} AND {highest} THEN {micros} END"
        zoned = (
            rf"regexp_matches({text}, '[0-9](?:Z|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)$') AND length({text}) > 10"
        )
        return (
            f"CASE WHEN {zoned} THEN CAST(TRY_CAST({text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP)"
            f" ELSE {self._to_utc(f'TRY_CAST({text} AS TIMESTAMP)')} END"
        )

    def _to_utc(self, local: str) -> str:
        """Wall time of the mapping's zone → UTC as zoneinfo does it: the first of two equal hours."""
        # In microseconds: DuckDB subtracts intervals three times slower.
        changes = [(begin, offset * 1_000_000) for begin, offset in _offsets(self._query.zone)]
        whens = " ".join(
            f"WHEN {local} >= {literal(begin)} THEN {shift}" for begin, shift in reversed(changes[1:])
        )
        first = changes[0][1]
        return f"make_timestamp(epoch_us({local}) - {f'CASE {whens} ELSE {first} END' if whens else first})"

    def _masked(self, text: str) -> str:
        return (
            "NULL"
            if text.startswith("NULL")
            else f"CASE WHEN {suspicious(text)} THEN mask({text}) ELSE {text} END"
        )

    def _names(self, text: str) -> str:
        return "NULL" if text.startswith("NULL") else f"mask_names({text})"


def _meant_empty(rule: Rule) -> list[str]:
    """Texts that the value map lists as saying nothing, as `_plain` gives them."""
    return [normal(said) for said, meant in (rule.values or {}).items() if meant is None]


def _plain(text: str) -> str:
    """SQL for a text as people compare it: without case, ё as е."""
    return f"replace(lower({text}), 'ё', 'е')"


def _trimmed(cell: str) -> str:
    """Blanks at the ends removed, null where nothing remains; looking first is ten times cheaper than
    trimming long texts. What sorts before «!» is empty or begins with a blank or a control character; to
    compare with a neighbour is cheaper than to ask for the beginning."""
    ends = " OR ".join(f"ends_with({cell}, {literal(blank)})" for blank in (" ", "\n", "\u00a0"))
    begins = f"{cell} < '!' OR ({cell} >= '\u00a0' AND {cell} < '\u00a1')"
    trimmed = f"nullif(trim({cell}, {literal(_BLANKS)}), '')"
    return f"CASE WHEN {begins} OR {ends} THEN {trimmed} ELSE {cell} END"


@lru_cache(maxsize=16)
def _offsets(zone: ZoneInfo) -> tuple[tuple[datetime, int], ...]:
    """(wall time from which, offset in seconds) of a zone, 2004 to 2060; the first holds for all before."""

    def offset(local: datetime) -> int:
        shift = local.replace(tzinfo=zone).utcoffset()
        return int(shift.total_seconds()) if shift else 0

    day, end = datetime(2004, 1, 1), datetime(2060, 1, 1)  # noqa: DTZ001 - wall time
    changes = [(day, offset(day))]
    while day < end:
        following = day + timedelta(days=1)
        if offset(following) != changes[-1][1]:
            low, high = day, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if offset(middle) == changes[-1][1] else (low, middle)
            changes.append((high, offset(high)))
        day = following
    return tuple(changes)
