"""Reads a folder of activity files: each file once, one line per activity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ingestion.cells import day_of, whole_number
from ingestion.folders import NewFiles
from ingestion.privacy import mask_names, mask_optional
from ingestion.run import Batch, Run
from ingestion.spreadsheet import normal, read_sheets, text_of
from ingestion.surveys.rows import stable
from ingestion.tables import Row

PATTERNS = ("*.xlsx", "*.csv")
EXPECTED = "a table of activities, one line each,"
HEADERS: dict[str, list[str]] = {
    "activity_id": ["ID", "Номер", "№", "activity_id"],
    "kind": ["Вид", "Тип", "Вид мероприятия", "Вид активности", "kind"],
    "title": ["Название", "Наименование", "Тема мероприятия", "title"],
    "held_on": ["Дата", "Дата проведения", "held_on"],
    "territory": ["Территория", "Муниципалитет", "Муниципальное образование", "territory"],
    "topic_group": ["Группа тем", "topic_group"],
    "topic": ["Тема", "topic"],
    "authority": ["Орган", "Ведомство", "Ответственный орган", "authority"],
    "audience": ["Аудитория", "Охват", "audience"],
    "count": ["Количество", "count"],
}
REQUIRED = ("kind", "held_on")
KINDS: dict[str, str] = {
    normal(spelling): kind
    for kind, spellings in {
        "broadcast": ("broadcast", "Эфир", "Прямой эфир", "Прямая линия", "Трансляция"),
        "training": ("training", "Обучение", "Тренинг", "Семинар", "Вебинар"),
        "material": ("material", "Материал", "Информационный материал", "Публикация"),
        "decision": ("decision", "Решение", "Управленческое решение"),
    }.items()
    for spelling in spellings
}
_SAFE_FIELDS = frozenset(HEADERS) - {"authority"}


def read(run: Run) -> Iterator[Batch]:
    """Activities of all new files."""
    source = run.region.sources.activities
    assert source is not None, "pipeline checks that the source is connected"  # noqa: S101
    files = NewFiles(run, "activities", "activities", "sources.activities.folder")
    for path in files.of(source.folder, PATTERNS):
        yield from _file(run, path)
    files.remember()


def _file(run: Run, path: Path) -> Iterator[Batch]:
    tally = run.tallies["activities"]
    rows: dict[str, Row] = {}
    for sheet in read_sheets(path, HEADERS, REQUIRED, EXPECTED):
        tally.unknown_fields.update(sheet.unknown)
        for number, record in sheet.rows():
            tally.received += 1
            try:
                row = _row(record, number)
                if row["activity_id"] in rows:
                    raise ValueError("the number stands twice in the file")
            except ValueError as error:
                detail, reference = f"In this line {error}.", f"{path.name}:{number}"
                run.quarantine("activities", reference, "unusable line", detail, record, _SAFE_FIELDS)
                continue
            rows[row["activity_id"]] = row
    yield from run.land("activities", list(rows.values()))


def _row(record: Mapping[str, Any], number: int) -> Row:
    texts = {field: text_of(record.get(field)) for field in HEADERS}
    kind = KINDS.get(normal(texts["kind"] or ""))
    if kind is None:
        raise ValueError("the kind is none of those that are known")
    held_on = day_of(record.get("held_on"), "the date")
    if held_on is None:
        raise ValueError("there is no date")
    count = whole_number(record.get("count"), "the count")
    title, authority = mask_optional(texts["title"]), mask_names(texts["authority"])
    place, topic = texts["territory"], texts["topic"]
    return {
        # A line without a number is known by what it says and where it stands.
        "activity_id": texts["activity_id"] or stable(kind, held_on, title, place, topic, number),
        "kind": kind,
        "title": title,
        "held_on": held_on,
        "territory": place,
        "topic_group": texts["topic_group"],
        "topic": topic,
        "authority": authority,
        "audience": whole_number(record.get("audience"), "the audience"),
        "count": 1 if count is None else count,
    }
