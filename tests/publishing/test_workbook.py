"""The workbook: typed cells, filters, frozen headings, and text that stays text."""

from __future__ import annotations

import re
import zipfile
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from python_calamine import CalamineWorkbook

from publishing.catalogue import PublishedColumn, PublishedTable
from publishing.report.workbook import SHEETS, build_workbook

RELEASE = {"id": "20260401T000000Z-abc", "as_of": "2026-04-01T00:00:00Z", "git_commit": "c0ffee"}
INJECTED = ("=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "https://example.test/", "-2", "\x07bell\n<b>&")
COLUMNS = {
    "region_id": ("Регион", "Region."),
    "month_start": ("Месяц", "First day of the month."),
    "region_name": ("Название", "Name."),
    "is_complete": ("Месяц завершён", "Whether all of it had passed."),
    "appeals": ("Обращений", "Countable appeals."),
    "on_time_share": ("Доля в срок", "on_time / judged."),
    "mean_first_answer_minutes": ("Среднее, минут", "Mean."),
}


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    return _build(tmp_path / "report.xlsx")


def _build(target: Path) -> Path:
    table = PublishedTable(
        "marts",
        "regions_monthly",
        "Regions side by side.",
        tuple(PublishedColumn(name, sentence, label) for name, (label, sentence) in COLUMNS.items()),
        partitioned=False,
    )
    foreign = PublishedTable("facts", "surveys", "Not a mart.", table.columns, partitioned=False)
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.regions_monthly (region_id varchar, month_start date, region_name varchar, "
            "is_complete boolean, appeals bigint, on_time_share double, mean_first_answer_minutes double)"
        )
        connection.executemany(
            "insert into marts.regions_monthly values (?, ?, ?, ?, ?, ?, ?)",
            [
                *(
                    [f"r{at}", date(2026, 3, 1), name, True, 1200 + at, 0.25, 90.5]
                    for at, name in enumerate(INJECTED)
                ),
                ["r9", date(2026, 3, 1), None, None, None, None, float("nan")],
                ["old", date(2025, 2, 1), "older than the report", True, 1, 1.0, 1.0],
                ["first", date(2025, 3, 1), "inside", True, 1, 1.0, 1.0],
            ],
        )
        return build_workbook(connection, target, RELEASE, [table, foreign])


def test_cells_have_types_and_absent_values_are_empty(workbook: Path) -> None:
    rows = CalamineWorkbook.from_path(workbook).get_sheet_by_name("Регионы").to_python()

    assert rows[0] == [label for label, _ in COLUMNS.values()]
    assert rows[1] == ["r0", date(2026, 3, 1), "=1+1", True, 1200.0, 0.25, 90.5]
    assert rows[7] == ["r9", date(2026, 3, 1), "", "", "", "", ""]
    assert [row[0] for row in rows[8:]] == ["first"]  # 13 months


def test_no_text_becomes_a_formula_or_a_link(workbook: Path) -> None:
    rows = CalamineWorkbook.from_path(workbook).get_sheet_by_name("Регионы").to_python()
    assert [row[2] for row in rows[1:6]] == list(INJECTED[:5])
    with zipfile.ZipFile(workbook) as parts:
        content = {name: parts.read(name).decode() for name in parts.namelist() if name.endswith(".xml")}
    assert not any("<f>" in text for text in content.values())
    links = [target for text in content.values() for target in re.findall(r"<hyperlink [^>]*>", text)]
    assert links
    assert all("location=" in link and "r:id" not in link for link in links)  # to sheets of its own


def test_headings_are_frozen_and_every_sheet_filters(workbook: Path) -> None:
    with zipfile.ZipFile(workbook) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if "worksheets/sheet" in name]
    data = [sheet for sheet in sheets if "<autoFilter" in sheet]
    assert len(data) == 2  # the mart and the definitions; the cover has nothing to filter
    assert all('state="frozen"' in sheet for sheet in data)


def test_each_column_is_defined(workbook: Path) -> None:
    book = CalamineWorkbook.from_path(workbook)
    assert book.sheet_names == ["О выпуске", "Регионы", "Определения"]
    rows = book.get_sheet_by_name("Определения").to_python()
    assert [(row[1], row[2], row[3]) for row in rows[2:]] == [
        (label, name, sentence) for name, (label, sentence) in COLUMNS.items()
    ]
    told = book.get_sheet_by_name("О выпуске").to_python()
    assert [RELEASE["id"]] == [row[1] for row in told if row[0] == "Выпуск"]


def test_the_same_release_gives_the_same_bytes(
    workbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: datetime(2031, 1, 1).timestamp())
    assert _build(tmp_path / "again.xlsx").read_bytes() == workbook.read_bytes()


def test_sheets_have_names_that_excel_takes() -> None:
    names = [sheet.name for sheet in SHEETS]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 31 and not re.search(r"[\[\]:*?/\\']", name) for name in names)


def test_the_cover_says_where_a_sheet_shows_not_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workbook: Path
) -> None:
    def cover(of: Path) -> str:
        rows = CalamineWorkbook.from_path(of).get_sheet_by_name("О выпуске").to_python()
        return next(str(row[1]) for row in rows if row[0] == "Регионы")

    assert cover(workbook) == "Regions side by side."
    monkeypatch.setattr("publishing.report.workbook.ROWS_AT_MOST", 3)
    cut = _build(tmp_path / "cut.xlsx")
    assert len(CalamineWorkbook.from_path(cut).get_sheet_by_name("Регионы").to_python()) == 1 + 3
    assert cover(cut).endswith("Показаны первые 3 строк из 8; все — в витрине regions_monthly.")
