"""XLSX and CSV files as rows, with columns found by their headers wherever these stand."""

from __future__ import annotations

import csv
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingestion.errors import UnreadableFile

MAX_FILE_BYTES = 200 * 2**20
MAX_UNZIPPED_BYTES = 4 * 2**30
MAX_RATIO = 200  # real exports unzip to 5-20 times their size
MAX_ENTRIES = 10_000  # a workbook has some twenty, and one for each sheet and picture
HEADER_SEARCH_ROWS = 30

Cell = Any
Aliases = Mapping[str, Sequence[str]]  # field → spellings of its header


@dataclass(frozen=True)
class Sheet:
    """Rows below a recognised header. `columns` maps fields to places, `unknown` are other headers."""

    name: str
    columns: dict[str, int]
    unknown: tuple[str, ...]
    header_row: int  # from 1, as a person counts
    body: list[list[Cell]]

    def rows(self) -> Iterator[tuple[int, dict[str, Cell]]]:
        """(row number from 1, field → cell) of rows that are not empty; absent cells are None."""
        places = self.columns.items()
        for number, cells in enumerate(self.body, start=self.header_row + 1):
            row = {field: cells[place] for field, place in places}
            if any(value not in ("", None) for value in row.values()):
                yield number, {field: None if value == "" else value for field, value in row.items()}


def read_sheets(path: Path, aliases: Aliases, required: Sequence[str], expected: str) -> list[Sheet]:
    """Every sheet of the file in which all `required` fields are recognised; UnreadableFile if none is.

    `expected` says in a few words what the file should be, for the error sentence.
    """
    tables = read_cells(path, expected)
    spellings = {normal(s): field for field, many in aliases.items() for s in many}
    sheets = [found for name, rows in tables if (found := _recognise(name, rows, spellings, required))]
    if not sheets:
        headers = ", ".join(f"«{aliases[field][0]}»" for field in required)
        raise UnreadableFile(
            f"The file {path} has no row with the headers {headers}, {expected} was expected",
            "check that it is the right export, or add the new spelling to the source's aliases",
        )
    return sheets


def read_cells(path: Path, expected: str) -> list[tuple[str, list[list[Cell]]]]:
    """(name, rows of cells) of every sheet of an XLSX file, or of a CSV file; UnreadableFile for others."""
    if path.suffix.lower() == ".csv":
        return [(path.stem, _csv_cells(path))]
    from python_calamine import CalamineError, CalamineWorkbook

    _check_size(path, expected)
    try:
        workbook = CalamineWorkbook.from_path(path)
        return [
            (name, workbook.get_sheet_by_name(name).to_python(skip_empty_area=False))
            for name in workbook.sheet_names
        ]
    except (CalamineError, OSError, ValueError) as error:
        locked = "password" in type(error).__name__.lower() or "password" in str(error).lower()
        problem = "is protected by a password" if locked else "is damaged"
        raise UnreadableFile(
            f"The file {path} {problem}, {expected} was expected", "export it again and replace the file"
        ) from error


def _csv_cells(path: Path) -> list[list[Cell]]:
    """Cells of a small CSV file, all text; the encoding and the delimiter are what its head says."""
    check_bytes(path)
    content = path.read_bytes()
    try:
        text = content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1251")
        except UnicodeDecodeError:
            raise UnreadableFile(
                f"The file {path} is neither UTF-8 nor cp1251 text", "save it as CSV in UTF-8"
            ) from None
    if "\x00" in text:
        raise UnreadableFile(f"The file {path} is no text", "save it as CSV in UTF-8")
    first = text.partition("\n")[0]
    try:
        return list(
            csv.reader(text.splitlines(keepends=True), delimiter=max(";,\t", key=first.count), strict=True)
        )
    except csv.Error as error:
        raise UnreadableFile(
            f"The file {path} breaks off or has a quotation mark that is not closed", "export it again"
        ) from error


def normal(header: object) -> str:
    """A header as it is compared: one case, one kind of space, ё as е, no trailing colon."""
    text = unicodedata.normalize("NFKC", str(header)).casefold().replace("ё", "е")
    return " ".join(text.split()).rstrip(":* ")


def text_of(value: Cell) -> str | None:
    """A cell as text: whole numbers without «.0», blanks as None."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None


def _recognise(
    name: str, rows: list[list[Cell]], spellings: Mapping[str, str], required: Sequence[str]
) -> Sheet | None:
    for place, cells in enumerate(rows[:HEADER_SEARCH_ROWS]):
        depth, headers = 1, _headers(cells)
        if place + 1 < len(rows) and (merged := _merged(headers, rows[place + 1], spellings)):
            depth, headers = 2, merged
        columns: dict[str, int] = {}
        for column, header in headers.items():
            if (field := spellings.get(normal(header))) is not None:
                columns.setdefault(field, column)
        if all(field in columns for field in required):
            unknown = tuple(header for header in headers.values() if normal(header) not in spellings)
            return Sheet(name, columns, unknown, place + depth, rows[place + depth :])
    return None


def _headers(cells: Sequence[Cell]) -> dict[int, str]:
    """Cells that may be headers, by their column."""
    return {
        column: " ".join(cell.split())
        for column, cell in enumerate(cells)
        if isinstance(cell, str) and cell.strip()
    }


def _merged(upper: dict[int, str], cells: Sequence[Cell], spellings: Mapping[str, str]) -> dict[int, str]:
    """Headers of two rows as one; nothing where `cells` are no second row of them: one in which some columns
    of a group are named, and nothing stands below the columns that are named above."""
    lower = _headers(cells)
    named = {column for column, header in upper.items() if normal(header) in spellings}
    below = {column for column, header in lower.items() if normal(header) in spellings}
    is_text = all(cell in ("", None) or column in lower for column, cell in enumerate(cells))
    if not named or not below - named or not is_text or (named & set(lower)) - below:
        return {}
    return {**upper, **lower}


def check_bytes(path: Path) -> int:
    """A file's size, before any of it is read; UnreadableFile where it is more than we take."""
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise UnreadableFile(
            f"The file {path} has {size // 2**20} MB, more than the limit of {MAX_FILE_BYTES // 2**20} MB",
            "export it in smaller periods",
        )
    return size


def _check_size(path: Path, expected: str) -> None:
    size = check_bytes(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            unzipped = sum(entry.file_size for entry in entries)
            if len(entries) <= MAX_ENTRIES and not _is_bomb(size, unzipped):
                _check_announced(path, archive)
    except (zipfile.BadZipFile, OSError) as error:
        with path.open("rb") as file:
            encrypted = file.read(4) == b"\xd0\xcf\x11\xe0"  # OLE2: an old .xls, or an encrypted .xlsx
        problem = "is encrypted or an old .xls" if encrypted else "is not an XLSX file (no zip archive)"
        raise UnreadableFile(
            f"The file {path} {problem}, {expected} was expected",
            "save it as XLSX without a password and replace it, or remove it from the folder",
        ) from error
    if len(entries) > MAX_ENTRIES:
        raise UnreadableFile(
            f"The file {path} holds {len(entries)} files, more than any workbook has",
            "check where it comes from and export it again",
        )
    if _is_bomb(size, unzipped):
        raise UnreadableFile(
            f"The file {path} would unzip to {unzipped // 2**20} MB and is refused as a zip bomb",
            "check where it comes from and export it again",
        )


def _is_bomb(size: int, unzipped: int) -> bool:
    return unzipped > MAX_UNZIPPED_BYTES or unzipped > MAX_RATIO * max(size, 2**16)


def _check_announced(path: Path, archive: zipfile.ZipFile) -> None:
    """Unzip to nowhere: an archive may announce less than it holds, and who parses it would unzip it all.

    zipfile stops where the announced size ends, and then the check sum is not that of the entry.
    """
    for entry in archive.infolist():
        try:
            with archive.open(entry) as content:
                while content.read(2**20):
                    pass
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise UnreadableFile(
                f"The file {path} is damaged, or holds more than it says",
                "check where it comes from and export it again",
            ) from error
