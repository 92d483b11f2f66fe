"""Reads the «Инцидент Менеджмент» exports of a folder: each file once, its rows as versions of incidents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ingestion.cells import plain, to_utc
from ingestion.folders import NewFiles
from ingestion.incident.headers import EXPECTED, HEADERS, IGNORED, REQUIRED, layout_of
from ingestion.privacy import mask, mask_names, mask_optional
from ingestion.run import Batch, Run
from ingestion.spreadsheet import Sheet, normal, read_sheets, text_of
from ingestion.tables import Row

ROWS_PER_BATCH = 10_000
_EARLIEST_YEAR = 2005
_IGNORED = frozenset(map(normal, IGNORED))
_SAFE_FIELDS = frozenset(HEADERS) - {"author", "executor", "id"}


def read(run: Run) -> Iterator[Batch]:
    """Rows of all new files; a window reads all files anew, but only incidents created in it."""
    source = run.region.sources.incident
    assert source is not None, "pipeline checks that the source is connected"  # noqa: S101
    files = NewFiles(run, "appeals", "«Инцидент» exports", "sources.incident.folder")
    for path in files.of(source.folder, ("*.xlsx",)):
        yield from _file(run, path)
    files.remember()


def _file(run: Run, path: Path) -> Iterator[Batch]:
    reader = _FileReader(run, path)
    for sheet in read_sheets(path, HEADERS, REQUIRED, EXPECTED):
        yield from reader.rows(sheet)
    reader.say_what_was_unreadable()


class _FileReader:
    """Turns the sheets of one file into rows."""

    def __init__(self, run: Run, path: Path) -> None:
        self._run = run
        self._tally = run.tallies["appeals"]
        self._name = path.name
        self._zone = run.region.zone
        self._unreadable: dict[str, int] = {}

    def rows(self, sheet: Sheet) -> Iterator[Batch]:
        """Incidents of a sheet, landed in batches."""
        self._tally.unknown_fields.update(name for name in sheet.unknown if normal(name) not in _IGNORED)
        layout = layout_of(sheet.columns)
        batch: list[Row] = []
        for number, record in sheet.rows():
            created_at, problem = self._registered(record)
            if self._run.window is not None and (created_at is None or created_at not in self._run.window):
                continue
            self._tally.received += 1
            if created_at is None:
                self._set_aside(number, record, *problem)
            else:
                batch.append(self._row(record, layout, number, created_at))
            if len(batch) == ROWS_PER_BATCH:
                yield from self._run.land("appeals", batch)
                batch = []
        yield from self._run.land("appeals", batch)

    def say_what_was_unreadable(self) -> None:
        """One note per field whose unreadable dates were left empty."""
        for field, count in sorted(self._unreadable.items()):
            header = HEADERS[field][0]
            self._tally.note(f"{self._name}: «{header}» was unreadable in {count} rows and left empty.")

    def _registered(self, record: Mapping[str, Any]) -> tuple[datetime | None, tuple[str, str]]:
        """Registration in UTC, or None and the (reason, detail) of the quarantine."""
        cell = record.get("created")
        if cell is None:
            return None, ("no registration date", "The row has no registration date.")
        created_at = to_utc(cell, self._zone)
        if created_at is None:
            return None, ("unreadable registration date", "The registration date is not a date.")
        if not created_at.year >= _EARLIEST_YEAR or created_at > self._run.latest:
            detail = f"The registration date is before {_EARLIEST_YEAR} or in the future."
            return None, ("impossible registration date", detail)
        return created_at, ("", "")

    def _set_aside(self, number: int, record: Mapping[str, Any], reason: str, detail: str) -> None:
        safe = {field: plain(value) if isinstance(value, str) else value for field, value in record.items()}
        reference = f"{self._name}:{number}"
        self._run.quarantine("appeals", reference, reason, detail, safe, _SAFE_FIELDS)

    def _row(self, record: Mapping[str, Any], layout: int, number: int, created_at: datetime) -> Row:
        texts = {field: plain(text_of(record.get(field))) for field in HEADERS}
        text = mask(texts["text"] or "")
        author = texts["author"]
        return {
            "incident_id": texts["id"] or self._stable_key(created_at, text),
            "layout": layout,
            "file_name": self._name,
            "row_number": number,
            "created_at": created_at,
            "closed_at": self._optional_date(record, "closed"),
            "first_answered_at": self._optional_date(record, "first_answered"),
            **{
                field: texts[field]
                for field in ("step", "outcome_ru", "incident_type", "topic_group", "topic")
            },
            "municipality": texts["municipality"],
            **{field: mask_optional(texts[field]) for field in ("locality", "street", "house", "tags")},
            "executor": mask_names(texts["executor"]),
            "text": text,
            "first_answer_text": mask_optional(texts["first_answer_text"]),
            "author_key": self._run.pseudonyms.author_key("incident", author) if author else None,
        }

    def _stable_key(self, created_at: datetime, text: str) -> str:
        """The same incident gets the same key in every export that carries it."""
        content = f"{self._run.region.region_id}|{created_at.isoformat()}|{text}"
        return "h" + hashlib.sha256(content.encode()).hexdigest()[:24]

    def _optional_date(self, record: Mapping[str, Any], field: str) -> datetime | None:
        cell = record.get(field)
        if cell is None:
            return None
        moment = to_utc(cell, self._zone)
        if moment is None:
            self._unreadable[field] = self._unreadable.get(field, 0) + 1
        return moment
