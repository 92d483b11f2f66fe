"""XLSX and CSV files as rows, with columns found by their headers wherever these stand."""

from __future__ import annotations

import csv
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingestion.errors import UnreadableFile

MAX_FILE_BYTES = 200 * 2**20
MAX_UNZIPPED_BYTES = 4 * 2**30
MAX_RATIO = 200  # real exports unzip to 5-20 times their size
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
    if path.stat().st_size > MAX_FILE_BYTES:
        raise UnreadableFile(
            f"The file {path} has more than {MAX_FILE_BYTES // 2**20} MB", "export it in smaller periods"
        )
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
        columns: dict[str, int] = {}
        unknown = []
        for column, cell in enumerate(cells):
            if not isinstance(cell, str) or not cell.strip():
                continue
            field = spellings.get(normal(cell))
            if field is None:
                unknown.append(" ".join(cell.split()))
            else:
                columns.setdefault(field, column)
        if all(field in columns for field in required):
            return Sheet(name, columns, tuple(unknown), place + 1, rows[place + 1 :])
    return None


def _check_size(path: Path, expected: str) -> None:
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise UnreadableFile(
            f"The file {path} has {size // 2**20} MB, more than the limit of {MAX_FILE_BYTES // 2**20} MB",
            "export it in smaller periods",
        )
    try:
        with zipfile.ZipFile(path) as archive:
            unzipped = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        with path.open("rb") as file:
            encrypted = file.read(4) == b"\xd0\xcf\x11\xe0"  # OLE2: an old .xls, or an encrypted .xlsx
        problem = "is encrypted or an old .xls" if encrypted else "is not an XLSX file (no zip archive)"
        raise UnreadableFile(
            f"The file {path} {problem}, {expected} was expected",
            "save it as XLSX without a password and replace it, or remove it from the folder",
        ) from error
    if unzipped > MAX_UNZIPPED_BYTES or unzipped > MAX_RATIO * max(size, 2**16):
        raise UnreadableFile(
            f"The file {path} would unzip to {unzipped // 2**20} MB and is refused as a zip bomb",
            "check where it comes from and export it again",
        )
