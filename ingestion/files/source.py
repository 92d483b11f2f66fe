"""Reads folders of files by their mappings: each file once, its rows as versions of appeals and answers.

DuckDB reads, maps and inserts the rows in one pass: millions of rows never become Python objects. What is
rare goes through Python: suspicious texts, refused rows, lost values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from ingestion.cells import plain
from ingestion.errors import UnreadableFile
from ingestion.files.mapping import ANSWER_FIELDS, APPEAL_FIELDS, Mapping, load_mapping
from ingestion.files.reading import Part, all_inputs, opened, place_of
from ingestion.files.sql import Query, Selects
from ingestion.folders import NewFiles
from ingestion.privacy import mask, mask_names, mask_optional
from ingestion.region import MappedFiles
from ingestion.run import Batch, Run

if TYPE_CHECKING:
    import duckdb

_SAFE_FIELDS = (APPEAL_FIELDS | ANSWER_FIELDS) - {"author", "authority"}
_REASONS = {
    "no key": "The row has no key.",
    "no registration date": "The row has no registration date.",
    "unreadable registration date": "The registration date is in none of the mapping's formats.",
    "impossible registration date": "The registration date is before 2005 or in the future.",
}
_BROKEN = {
    "MISSING COLUMNS": "The line has fewer cells than the header.",
    "TOO MANY COLUMNS": "The line has more cells than the header.",
    "UNQUOTED VALUE": "A quotation mark is not closed, or stands where none may.",
    "LINE SIZE OVER MAXIMUM": "The line is longer than the limit.",
    "INVALID ENCODING": "The line is not in the file's encoding.",
}


def read(run: Run) -> Iterator[Batch]:
    """Rows of all new files; a window reads all files anew, but only rows registered in it."""
    sources = run.region.sources.files
    assert sources is not None, "pipeline checks that the source is connected"  # noqa: S101
    files = NewFiles(run, "appeals", "files", "sources.files.folder")
    with engine(run) as connection:
        for source in sources:
            mapping = load_mapping(source.mapping)
            for path in files.of(source.folder, mapping.files, _salt(source, mapping), mapping.max_bytes):
                with opened(path, mapping, connection) as parts:
                    for part in parts:
                        PartReader(run, path, mapping, part, connection).land()
    files.remember()
    # The rows are in the warehouse already, in a transaction that the pipeline commits.
    yield from ()


def _salt(source: MappedFiles, mapping: Mapping) -> str:
    return f"{source.mapping.name}:{mapping.fingerprint}:"


@contextmanager
def engine(run: Run) -> Iterator[duckdb.DuckDBPyConnection]:
    """The connection that inserts this load's rows, able to mask and hash meanwhile."""
    assert run.bulk is not None, "the pipeline gives it to every load"  # noqa: S101
    connection = run.bulk.connection
    # With the order kept, batches end in row groups that are not full, which DuckDB writes once more.
    connection.execute("SET preserve_insertion_order = false")
    # What is read has not been masked yet: none of it may be spilled to the disk.
    connection.execute("SET temp_directory = ''")
    connection.execute("SET TimeZone = 'UTC'")
    run.pseudonyms.teach(connection)
    _teach(connection, "mask", _masked, 1, style="native")
    _teach(connection, "mask_names", _names, 1)
    try:
        yield connection
    finally:
        run.pseudonyms.unteach(connection)


def _teach(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    function: Callable[..., Any],
    arguments: int,
    returns: str = "VARCHAR",
    style: str = "arrow",
) -> None:
    """Make a Python function over columns of text (`native`: over each value) known to SQL, in place of an
    earlier one of that name."""
    if connection.execute("SELECT 1 FROM duckdb_functions() WHERE function_name = ?", [name]).fetchall():
        connection.remove_function(name)
    # What it is told must reach it exactly once, hence side_effects; the stubs know no plain strings.
    options: dict[str, Any] = {"type": style, "null_handling": "special", "side_effects": True}
    connection.create_function(name, function, ["VARCHAR"] * arguments, returns, **options)


def _masked(text: str | None) -> str | None:
    """Called value by value: the few suspicious texts of a batch are not worth an Arrow frame around them."""
    return mask_optional(plain(text))


def _names(texts: Any) -> Any:
    """Offices repeat: each is masked once per call."""
    import pyarrow as pa

    known: dict[str | None, str | None] = {}
    masked = [
        known[text] if text in known else known.setdefault(text, mask_names(plain(text)))
        for text in texts.to_pylist()
    ]
    return pa.array(masked, pa.string())


class PartReader:
    """Lands one table of a file."""

    def __init__(
        self, run: Run, path: Path, mapping: Mapping, part: Part, connection: duckdb.DuckDBPyConnection
    ) -> None:
        self._run, self._name, self._mapping, self._part = run, path.name, mapping, part
        self._path, self._connection = path, connection
        self._tally = run.tallies[mapping.rows]
        self.missed: Counter[str] = Counter()
        self._refused = 0
        query = Query(
            mapping=mapping,
            zone=zone_of(run, mapping),
            latest=run.latest,
            window=run.window,
            file_name=path.name,
            region_id=run.region.region_id,
            fetched_at=run.fetched_at,
            load_id=run.load_id,
        )
        self._selects = Selects(query, part.cells)

    def land(self) -> None:
        """Rows, then the answers in them; what is refused is set aside."""
        self._listen()
        self._name_unknown()
        tables = self._run.spec.resources
        count = self._insert(self._mapping.rows, self._selects.rows(tables[self._mapping.rows]))
        self._quarantine_broken_lines()
        self._tally.received += count + self._refused
        for answer in self._mapping.answers:
            select = self._selects.answers(tables["answers"], answer)
            self._run.tallies["answers"].received += self._insert("answers", select)
        for field, count in sorted(self.missed.items()):
            self._tally.note(f"{self._name}: {field} had no usable value in {count} rows and was left empty.")

    def without_meaning(self, limit: int) -> dict[str, list[str]]:
        """Values, masked, that a value map or our vocabulary does not know: up to `limit` of each field."""
        found = {}
        for field, select in self._selects.strangers(limit):
            values = [mask(str(value)) for (value,) in self._connection.execute(select).fetchall()]
            if values:
                found[field] = values
        return found

    def _insert(self, resource: str, select: str) -> int:
        import duckdb

        try:
            return self._run.land_select(resource, select)
        except duckdb.Error as error:
            # The text of the error may quote a line of the file.
            raise UnreadableFile(
                f"The file {self._path} cannot be read as {self._part.format} ({type(error).__name__})",
                "check delimiter, quote and encoding of the mapping with `otklik files check`",
            ) from None

    def _listen(self) -> None:
        """Let SQL tell what it refuses and what it leaves empty."""
        _teach(self._connection, "refuse", self._refuse, 3, returns="BOOLEAN")
        _teach(self._connection, "miss", self._miss, 1)

    def _refuse(self, reasons: Any, keys: Any, payloads: Any) -> Any:
        import pyarrow as pa

        told = zip(reasons.to_pylist(), keys.to_pylist(), payloads.to_pylist(), strict=True)
        for reason, key, payload in told:
            self._set_aside(
                reason, f"{self._name}:{key or '(no key)'}", _detail(reason), orjson.loads(payload)
            )
        return pa.array([False] * len(reasons), pa.bool_())

    def _miss(self, fields: Any) -> Any:
        import pyarrow as pa

        self.missed.update(fields.to_pylist())
        return pa.nulls(len(fields), pa.string())

    def _set_aside(self, reason: str, reference: str, detail: str, payload: dict[str, Any]) -> None:
        self._refused += 1
        if self._refused <= self._mapping.max_refused:
            safe = {field: plain(text) if isinstance(text, str) else text for field, text in payload.items()}
            self._run.quarantine(self._mapping.rows, mask(reference), reason, detail, safe, _SAFE_FIELDS)

    def _quarantine_broken_lines(self) -> None:
        if self._part.format == "csv":
            lines = self._connection.execute(
                "SELECT line, min(CAST(error_type AS VARCHAR)) FROM reject_errors GROUP BY line ORDER BY line"
            ).fetchall()
            for line, kind in lines:
                detail = _BROKEN.get(kind, "The line cannot be read.")
                self._set_aside("broken line", f"{self._name}:line {line}", detail, {})
            self._connection.execute("DELETE FROM reject_errors")
        elif self._part.format == "jsonl":
            (count,) = self._connection.execute("SELECT count FROM broken_lines").fetchall()[0]
            for number in range(count):
                self._set_aside(
                    "broken line", f"{self._name}:broken {number + 1}", "The line is no JSON object.", {}
                )
        if self._refused > self._mapping.max_refused:
            raise UnreadableFile(
                f"{self._refused} rows of {self._path} cannot be used, more than max_refused "
                f"({self._mapping.max_refused}) of the mapping",
                "see why with `otklik files check`, and correct the mapping or the file",
            )

    def _name_unknown(self) -> None:
        self._tally.unknown_fields.update(unmapped(self._part, self._mapping))
        for names in all_inputs(self._mapping):
            if place_of(names, self._part.headers) is None:
                lost = f"{self._name}: there is no column «{names[0]}», its values were left empty."
                self._tally.note(lost)


def unmapped(part: Part, mapping: Mapping) -> list[str]:
    """Headers that the mapping does not read."""
    used = {place_of(names, part.headers) for names in all_inputs(mapping)}
    return [header for place, header in enumerate(part.headers) if header and place not in used]


def zone_of(run: Run, mapping: Mapping) -> Any:
    """The mapping's time zone, else the region's."""
    from zoneinfo import ZoneInfo

    return ZoneInfo(mapping.time_zone) if mapping.time_zone else run.region.zone


def _detail(reason: str) -> str:
    return _REASONS.get(reason, f"The mapping refuses rows with an {reason}.")
