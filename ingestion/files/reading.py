"""Delivered files as something DuckDB can select from: sizes, encodings and headers are checked before."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.errors import UnreadableFile
from ingestion.files.mapping import ENDINGS, Format, Mapping, Names
from ingestion.files.sql import Cells, literal
from ingestion.spreadsheet import HEADER_SEARCH_ROWS, normal, read_cells

if TYPE_CHECKING:
    import duckdb

EXPECTED = "a file that fits its mapping"
MAX_LINE_BYTES = 16 * 2**20
_BUFFER_BYTES = 2 * MAX_LINE_BYTES  # by default sixteen lines, which is too much for two threads to share
_HEAD_BYTES = 2**16
_HEAD_LINES = 50
_DELIMITERS = ";,\t|"
_COPY_CHARACTERS = 2**22
_SEEN_OBJECTS = 1000
_IS_OBJECT = "(CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END)"


@dataclass(frozen=True)
class Part:
    """One table of a file (a CSV has one, a workbook one per fitting sheet)."""

    cells: Cells
    headers: tuple[str, ...]
    format: Format
    first_row: int  # number of the first row of data, as a person counts


def format_of(path: Path, mapping: Mapping) -> Format:
    """The mapping's word, else what the name's end says."""
    found = mapping.format or ENDINGS.get(path.suffix.lower())
    if found is None:
        raise UnreadableFile(
            f"The name of {path} does not say what the file is",
            f"end it in one of {', '.join(ENDINGS)}, or set format",
        )
    return found


@contextmanager
def opened(path: Path, mapping: Mapping, connection: duckdb.DuckDBPyConnection) -> Iterator[list[Part]]:
    """The parts of a file in which every required column is found; UnreadableFile with one sentence else."""
    size = path.stat().st_size
    if size > mapping.max_bytes:
        raise UnreadableFile(
            f"The file {path} has {size // 2**20} MB, more than the limit of {mapping.max_bytes // 2**20} MB",
            "deliver it in smaller files or raise max_bytes in the mapping",
        )
    if size == 0:
        raise UnreadableFile(f"The file {path} is empty", "deliver it again or remove it")
    kind = format_of(path, mapping)
    if kind == "csv":
        with _as_utf8(path, mapping) as (readable, text):
            yield [_csv(path, readable, text, mapping)]
    elif kind == "jsonl":
        with _as_utf8(path, mapping) as (readable, _):
            yield [_jsonl(path, readable, mapping, connection)]
    elif kind == "parquet":
        yield [_parquet(path, mapping, connection)]
    else:
        yield _xlsx(path, mapping, connection)


def required_inputs(mapping: Mapping) -> tuple[Names, ...]:
    """Columns without which no row of the file can be used."""
    moment = "registered_at" if mapping.rows == "appeals" else "answered_at"
    fields = [mapping.columns[name] for name in ("ticket_id", moment) if name in mapping.columns]
    return (*(names for rule in fields for names in rule.inputs), *(mapping.key or ()))


def all_inputs(mapping: Mapping) -> tuple[Names, ...]:
    """Every column that the mapping names."""
    rules = [*mapping.columns.values()]
    for answer in mapping.answers:
        rules += [
            rule for rule in (answer.at, answer.text, answer.authority, answer.ogrn) if rule is not None
        ]
    return (*(names for rule in rules for names in rule.inputs), *(mapping.key or ()))


def place_of(names: Names, headers: Sequence[str]) -> int | None:
    """Where the first spelling that occurs stands."""
    plain = [normal(header) for header in headers]
    for name in names:
        if normal(name) in plain:
            return plain.index(normal(name))
    return None


def _check_headers(path: Path, headers: Sequence[str], mapping: Mapping) -> None:
    for names in required_inputs(mapping):
        if place_of(names, headers) is None:
            raise UnreadableFile(
                f"The file {path} has no column «{names[0]}», which the mapping needs for every row",
                "check that the file belongs to this mapping, or add the new spelling to it",
            )
    plain = [normal(header) for header in headers]
    for names in all_inputs(mapping):
        place = place_of(names, headers)
        if place is not None and plain.count(plain[place]) > 1:
            raise UnreadableFile(
                f"The file {path} has the column «{headers[place]}» more than once",
                "rename one of them, since nobody can know which is meant",
            )


def _cells(relation: str, headers: Sequence[str], kinds: Sequence[str] | None = None) -> Cells:
    def find(names: Names) -> tuple[str, str] | None:
        place = place_of(names, headers)
        return None if place is None else (f"c{place}", kinds[place] if kinds else "text")

    return Cells(relation, find)


@contextmanager
def _as_utf8(path: Path, mapping: Mapping) -> Iterator[tuple[Path, str]]:
    """(a UTF-8 file of the same content, its first lines). Other encodings are copied beside, masked or not:
    the copy lies in a private temporary folder and ends with the reading."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    encoding = _encoding(path, head, mapping)
    text = head.decode(encoding, "ignore")
    if "\x00" in text[:_COPY_CHARACTERS].replace("\x00", "", 3) and encoding.startswith("utf-8"):
        raise UnreadableFile(
            f"The file {path} is not text in {encoding}",
            "set encoding in the mapping, or deliver it as UTF-8",
        )
    if encoding in ("utf-8", "utf-8-sig"):
        yield path, text.removeprefix("\ufeff")
        return
    with tempfile.TemporaryDirectory(prefix="otklik-") as folder:
        copy = Path(folder) / "utf8.csv"
        try:
            with (
                path.open(encoding=encoding, newline="") as source,
                copy.open("w", encoding="utf-8", newline="") as to,
            ):
                while chunk := source.read(_COPY_CHARACTERS):
                    to.write(chunk)
        except UnicodeError:
            raise _wrong_encoding(path, encoding) from None
        yield copy, text.removeprefix("\ufeff")


def _encoding(path: Path, head: bytes, mapping: Mapping) -> str:
    if mapping.encoding != "auto":
        if mapping.encoding.startswith("utf-8") and not _decodes(head, "utf-8"):
            raise _wrong_encoding(path, mapping.encoding)
        return mapping.encoding
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8" if _decodes(head, "utf-8") else "cp1251"


def _decodes(head: bytes, encoding: str) -> bool:
    """Whether the head is of that encoding; a letter cut in two at its end is none's fault."""
    try:
        head.decode(encoding)
    except UnicodeDecodeError as error:
        return len(head) == _HEAD_BYTES and error.start >= len(head) - 4
    return True


def _wrong_encoding(path: Path, encoding: str) -> UnreadableFile:
    return UnreadableFile(
        f"The file {path} is not in {encoding}", "set encoding in the mapping (cp1251, utf-8, utf-16 or auto)"
    )


def _csv(path: Path, readable: Path, text: str, mapping: Mapping) -> Part:
    lines = text.splitlines(keepends=True)[mapping.skip_lines :]
    delimiter = mapping.delimiter or _delimiter(lines[0] if lines else "")
    try:
        headers = next(csv.reader(lines[:_HEAD_LINES], delimiter=delimiter, quotechar=mapping.quote), [])
    except csv.Error:
        headers = []
    headers = [header.strip() for header in headers]
    _check_headers(path, headers, mapping)
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(headers)))
    relation = (
        f"read_csv({literal(str(readable))}, auto_detect=false, header=true, skip={mapping.skip_lines},"
        f" delim={literal(delimiter)}, quote={literal(mapping.quote)}, escape={literal(mapping.quote)},"
        f" columns={{{columns}}}, nullstr='', max_line_size={MAX_LINE_BYTES},"
        f" buffer_size={_BUFFER_BYTES}, store_rejects=true)"
    )
    return Part(_cells(relation, headers), tuple(headers), "csv", mapping.skip_lines + 2)


def _delimiter(header: str) -> str:
    """Whichever of the usual ones stands most often in the header."""
    return max(_DELIMITERS, key=header.count)


def _jsonl(path: Path, readable: Path, mapping: Mapping, connection: duckdb.DuckDBPyConnection) -> Part:
    """A line per object; a line that is no object becomes a rejected one, as in CSV."""
    lines = (
        f"read_csv({literal(str(readable))}, auto_detect=false, header=false, skip={mapping.skip_lines},"
        f" delim='\x01', quote='', escape='', columns={{'line': 'VARCHAR'}}, max_line_size={MAX_LINE_BYTES},"
        f" buffer_size={_BUFFER_BYTES}, store_rejects=true)"
    )
    objects = f"SELECT line FROM {lines} WHERE trim(line) <> ''"
    whole = f"SELECT json(line) AS line FROM ({objects}) WHERE {_IS_OBJECT}"
    seen = connection.execute(
        f"SELECT DISTINCT unnest(json_keys(line)) FROM ({whole} LIMIT {_SEEN_OBJECTS}) ORDER BY 1"
    ).fetchall()
    broken = connection.execute(f"SELECT count(*) FROM ({objects}) WHERE NOT {_IS_OBJECT}").fetchall()[0][0]
    headers = [str(name) for (name,) in seen]
    _check_headers(path, headers, mapping)
    picked = [
        f"line ->> '$.\"{header.replace(chr(39), chr(39) * 2).replace(chr(34), '')}\"' AS c{n}"
        for n, header in enumerate(headers)
    ]
    _remember_broken(connection, int(broken))
    return Part(_cells(f"(SELECT {', '.join(picked)} FROM ({whole}))", headers), tuple(headers), "jsonl", 1)


def _remember_broken(connection: duckdb.DuckDBPyConnection, count: int) -> None:
    connection.execute("CREATE OR REPLACE TEMP TABLE broken_lines AS SELECT ?::BIGINT AS count", [count])


def _parquet(path: Path, mapping: Mapping, connection: duckdb.DuckDBPyConnection) -> Part:
    import duckdb

    try:
        described = connection.execute(
            f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})"
        ).fetchall()
    except duckdb.Error as error:
        raise UnreadableFile(
            f"The file {path} is damaged or no Parquet file", "deliver it again and replace the file"
        ) from error
    headers = [str(row[0]) for row in described]
    _check_headers(path, headers, mapping)
    kinds = [_kind(str(row[1])) for row in described]
    quoted = (f'"{header.replace(chr(34), chr(34) * 2)}"' for header in headers)
    picked = [
        f"CAST({name} AS TIMESTAMP) AS c{n}" if kinds[n] == "local" else f"{name} AS c{n}"
        for n, name in enumerate(quoted)
    ]
    relation = f"(SELECT {', '.join(picked)} FROM read_parquet({literal(str(path))}))"
    return Part(_cells(relation, headers, kinds), tuple(headers), "parquet", 1)


def _kind(sql_type: str) -> str:
    if sql_type.startswith("TIMESTAMP WITH TIME ZONE"):
        return "utc"
    if sql_type.startswith(("TIMESTAMP", "DATE")):
        return "local"
    return "text" if sql_type == "VARCHAR" else "other"


def _xlsx(path: Path, mapping: Mapping, connection: duckdb.DuckDBPyConnection) -> list[Part]:
    import pyarrow as pa

    sheets = [
        (name, rows)
        for name, rows in read_cells(path, EXPECTED)
        if mapping.sheet is None or normal(name) == normal(mapping.sheet)
    ]
    parts = []
    for number, (_, rows) in enumerate(sheets):
        top = _header_row(rows, mapping)
        if top is None:
            continue
        headers = ["" if cell is None else " ".join(str(cell).split()) for cell in rows[top]]
        _check_headers(path, headers, mapping)
        body = [row for row in rows[top + 1 :] if any(cell not in ("", None) for cell in row)]
        columns = {
            f"c{place}": pa.array([_as_text(row[place]) for row in body], pa.string())
            for place in range(len(headers))
        }
        connection.register(f"sheet{number}", pa.table(columns))
        parts.append(Part(_cells(f"sheet{number}", headers), tuple(headers), "xlsx", top + 2))
    if not parts:
        needed = ", ".join(f"«{names[0]}»" for names in required_inputs(mapping))
        raise UnreadableFile(
            f"The file {path} has no row with the headers {needed}, which the mapping needs",
            "check that the file belongs to this mapping, or add the new spelling to it",
        )
    return parts


def _header_row(rows: list[list[Any]], mapping: Mapping) -> int | None:
    needed = required_inputs(mapping)
    for top, cells in enumerate(rows[:HEADER_SEARCH_ROWS]):
        headers = [str(cell) for cell in cells]
        if all(place_of(names, headers) is not None for names in needed):
            return top
    return None


def _as_text(cell: Any) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell)
