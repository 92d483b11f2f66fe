"""ПОС's exports: XLSX and CSV files with Russian headers into the same tables as the REST service fills."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ingestion.cells import plain, to_utc, whole_number, yes
from ingestion.folders import NewFiles
from ingestion.privacy import mask_optional
from ingestion.run import Batch, Run
from ingestion.spreadsheet import normal, read_cells, read_sheets, text_of
from ingestion.surveys.rows import HEADERS as VOTE_HEADERS
from ingestion.surveys.rows import REQUIRED as VOTE_REQUIRED
from ingestion.surveys.source import survey_file
from ingestion.tables import Row

PATTERNS = ("*.xlsx", "*.csv")
EXPECTED = "an export of ПОС"
ROWS_PER_BATCH = 10_000
EARLIEST_YEAR = 2005
HEADERS: dict[str, list[str]] = {
    "pos_id": ["Номер", "Номер обращения", "Номер сообщения", "ID"],
    "kind": ["Вид", "Вид обращения"],
    "created": ["Дата создания", "Дата подачи"],
    "registered": ["Дата регистрации"],
    "updated": ["Дата изменения", "Дата последнего изменения"],
    "closed": ["Дата закрытия"],
    "status": ["Статус"],
    "category": ["Категория"],
    "subcategory": ["Подкатегория"],
    "fast_track": ["Фаст-трек", "Ускоренный срок"],
    "municipality": ["Муниципалитет", "Муниципальное образование"],
    "locality": ["Населенный пункт"],
    "street": ["Улица"],
    "house": ["Дом"],
    "text": ["Текст", "Текст сообщения", "Текст обращения"],
    "author": ["ID заявителя", "Заявитель"],
    "age_group": ["Возрастная группа"],
    "ogrn": ["ОГРН", "ОГРН организации"],
    "outcome": ["Результат", "Итог"],
    "rating": ["Оценка", "Оценка ответа"],
    "interim_at": ["Дата промежуточного ответа"],
    "interim_text": ["Промежуточный ответ"],
    "final_at": ["Дата ответа", "Дата итогового ответа"],
    "final_text": ["Ответ", "Итоговый ответ", "Текст ответа"],
}
REQUIRED = ("pos_id", "registered", "status", "category")
_KINDS = {"сообщение": "message", "обращение": "appeal"}
_STATUSES = {
    "зарегистрировано": "registered",
    "назначено": "assigned",
    "направлено": "assigned",
    "в работе": "in_work",
    "дан ответ": "answered",
    "отвечено": "answered",
    "закрыто": "closed",
    "отклонено": "rejected",
}
_OUTCOMES = {"решено": "solved", "разъяснено": "explained", "не решено": "not_solved"}
_SAFE_FIELDS = frozenset(HEADERS) - {"author"}


def read_exports(run: Run, folder: Path) -> Iterator[Batch]:
    """Rows of all new files; a window reads all files anew, but only appeals registered in it."""
    files = NewFiles(run, "appeals", "exports of ПОС", "sources.pos.folder")
    for path in files.of(folder, PATTERNS):
        if _holds_votes(path):
            if run.live:
                yield from survey_file(run, path)
        else:
            yield from _file(run, path)
    files.remember()


def _holds_votes(path: Path) -> bool:
    """Whether the file has the headers of votes rather than of appeals."""
    spellings = {normal(name): field for field in VOTE_REQUIRED for name in VOTE_HEADERS[field]}
    for _, rows in read_cells(path, EXPECTED):
        for cells in rows[:30]:
            if {spellings.get(normal(cell)) for cell in cells} >= set(VOTE_REQUIRED):
                return True
    return False


def _file(run: Run, path: Path) -> Iterator[Batch]:
    tally = run.tallies["appeals"]
    batch = _Batch()
    for sheet in read_sheets(path, HEADERS, REQUIRED, EXPECTED):
        tally.unknown_fields.update(sheet.unknown)
        for number, record in sheet.rows():
            registered_at = _optional(run, record, "registered")
            if run.window is not None and (registered_at is None or registered_at not in run.window):
                continue
            tally.received += 1
            try:
                batch.add(run, record)
            except ValueError as error:
                safe = {name: plain(cell) if isinstance(cell, str) else cell for name, cell in record.items()}
                detail, reference = f"In this row {error}.", f"{path.name}:{number}"
                run.quarantine("appeals", reference, "unusable row", detail, safe, _SAFE_FIELDS)
            if len(batch.appeals) == ROWS_PER_BATCH:
                yield from batch.land(run)
                batch = _Batch()
    yield from batch.land(run)


class _Batch:
    """Appeals with their statuses and answers."""

    def __init__(self) -> None:
        self.appeals: list[Row] = []
        self.statuses: list[Row] = []
        self.answers: list[Row] = []

    def add(self, run: Run, record: Mapping[str, Any]) -> None:
        """Rows of one line; ValueError with a reason that holds no value."""
        texts = {field: plain(text_of(record.get(field))) for field in HEADERS}
        pos_id, status = texts["pos_id"], _word(_STATUSES, texts["status"], "the status")
        if pos_id is None:
            raise ValueError("the number is missing")
        registered_at = _required(run, record, "registered")
        moments = {
            name: _optional(run, record, name)
            for name in ("created", "updated", "closed", "interim_at", "final_at")
        }
        newest = max(filter(None, (registered_at, *moments.values())))
        updated_at = moments["updated"] or newest
        rating = whole_number(record.get("rating"), "the rating")
        if rating is not None and not 1 <= rating <= 5:
            raise ValueError("the rating is not within 1 to 5")
        author = texts["author"]
        appeal = {
            "pos_id": pos_id,
            "kind": _word(_KINDS, texts["kind"], "the kind"),
            "created_at": moments["created"],
            "registered_at": registered_at,
            "updated_at": updated_at,
            "status": status,
            **{
                name: texts[name] for name in ("category", "subcategory", "municipality", "age_group", "ogrn")
            },
            "fast_track": yes(texts["fast_track"], "fast track"),
            **{name: mask_optional(texts[name]) for name in ("locality", "street", "house", "text")},
            "author_key": run.pseudonyms.author_key("pos", author) if author else None,
            "outcome": _word(_OUTCOMES, texts["outcome"], "the result"),
            "rating": rating,
        }
        history = _history(status, registered_at, updated_at, moments)
        self.statuses += [
            {"pos_id": pos_id, "position": place, "status": name, "changed_at": moment}
            for place, (name, moment) in enumerate(history)
        ]
        for kind in ("interim", "final"):
            answered_at = moments[f"{kind}_at"]
            if answered_at is not None:
                text = mask_optional(texts[f"{kind}_text"])
                told = {"answered_at": answered_at, "kind": kind, "ogrn": texts["ogrn"], "text": text}
                self.answers.append({"pos_id": pos_id, "answer_id": kind, **told})
        self.appeals.append(appeal)

    def land(self, run: Run) -> Iterator[Batch]:
        """All three tables; statuses and answers count as received with their appeal."""
        run.tallies["statuses"].received += len(self.statuses)
        run.tallies["answers"].received += len(self.answers)
        yield from run.land("appeals", self.appeals)
        yield from run.land("statuses", self.statuses)
        yield from run.land("answers", self.answers)


def _history(
    status: str | None, registered_at: datetime, updated_at: datetime, moments: Mapping[str, datetime | None]
) -> list[tuple[str, datetime]]:
    """The course of an appeal as far as one line of an export tells it."""
    told = [("registered", registered_at)]
    final_at, closed_at = moments["final_at"], moments["closed"]
    if final_at is not None:
        told.append(("rejected" if status == "rejected" else "answered", final_at))
    if closed_at is not None:
        told.append(("closed", closed_at))
    if status is not None and status not in {name for name, _ in told}:
        told.append((status, updated_at))
    return told


def _word(known: Mapping[str, str], text: str | None, what: str) -> str | None:
    """Our word for a Russian one, ours as it is, None for none; ValueError for another."""
    if text is None:
        return None
    plain_text = normal(text)
    if plain_text in known.values():
        return plain_text
    if plain_text not in known:
        raise ValueError(f"{what} is none of those that are known")
    return known[plain_text]


def _optional(run: Run, record: Mapping[str, Any], field: str) -> datetime | None:
    """A moment that may be absent or unreadable."""
    cell = record.get(field)
    moment = None if cell is None else to_utc(cell, run.region.zone)
    return moment if moment is not None and moment.year >= EARLIEST_YEAR and moment <= run.latest else None


def _required(run: Run, record: Mapping[str, Any], field: str) -> datetime:
    if record.get(field) is None:
        raise ValueError("the registration date is missing")
    moment = _optional(run, record, field)
    if moment is None:
        raise ValueError("the registration date is unreadable or impossible")
    return moment
