"""Release → `report.xlsx`: the report's tables as sheets that can be filtered, and what their columns mean.

Text is written as text, whatever it begins with: no cell is a formula or a link. The same release gives the
same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publishing.catalogue import PublishedTable

if TYPE_CHECKING:
    import duckdb
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

NAME = "report.xlsx"
# More than a person filters by hand; 100,000 took 12 s to write.
ROWS_AT_MOST = 20_000
LONGEST_TEXT = 32_767
WIDEST, NARROWEST = 46, 9


@dataclass(frozen=True)
class Sheet:
    """A mart as a sheet. `newest` names the column by which only the report's months are taken.

    Where there are more rows than a sheet takes, the first by `order` stand in it and the cover says so.
    """

    name: str
    mart: str
    order: str
    newest: str = ""
    condition: str = "true"

    @property
    def source(self) -> str:
        """The rows that the sheet is about, as SQL. Names are our own."""
        since = (
            f"{self.newest} > (select max({self.newest}) from marts.{self.mart}) - to_months(13)"  # noqa: S608
            if self.newest
            else "true"
        )
        return f"marts.{self.mart} where {self.condition} and {since}"


SHEETS = (
    Sheet("Регионы", "regions_monthly", "month_start desc, region_id", "month_start"),
    Sheet("Время ответа", "response_times_monthly", "month_start desc, region_id, channel", "month_start"),
    Sheet("Карта сейчас", "territories_current", "region_id, appeals desc, territory_id"),
    Sheet(
        "Муниципалитеты", "territories_monthly", "month_start desc, region_id, territory_id", "month_start"
    ),
    Sheet("Ведомства", "authorities_monthly", "month_start desc, region_id, authority_id", "month_start"),
    Sheet(
        "Темы",
        "topics_monthly",
        "month_start desc, region_id, appeals desc, topic_group, topic_id",
        "month_start",
        "appeals > 0",
    ),
    Sheet("Ждут ответа", "backlog_daily", "local_date desc, region_id, channel", "local_date"),
    Sheet("Каналы", "channels_daily", "local_date desc, region_id, channel", "local_date"),
    Sheet(
        "Страницы",
        "gospublics_weekly",
        "week_start desc, region_id, page_id",
        condition="week_start >= (select max(week_start) from marts.gospublics_weekly) - 91",
    ),
    Sheet("Сигналы", "risk_signals", "started_on desc, region_id, territory_id, topic_group, topic_id"),
    Sheet("Повторы", "repeat_episodes", "ended_on desc, region_id, episode_id", "ended_on"),
    Sheet("Решения", "decision_effects", "all"),
    Sheet("Опросы", "surveys", "region_id, starts_on desc nulls last, answer_key"),
    Sheet("Мероприятия", "activities_monthly", "all", "month_start"),
    Sheet("Итоги", "year_review", "region_id, period_from, period_to, measure, slice"),
    Sheet("Пересмотр", "restatements", "all"),
)


def build_workbook(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    release: Mapping[str, str],
    tables: Sequence[PublishedTable],
) -> Path:
    """Write the workbook of a release to `target`.

    connection: the release's tables. release: its id, as_of and git_commit. tables: with their descriptions.
    """
    import xlsxwriter

    known = {table.name: table for table in tables if table.schema == "marts"}
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    with xlsxwriter.Workbook(str(target), options) as book:
        moment = datetime.fromisoformat(release["as_of"].removesuffix("Z"))
        book.set_properties({"title": "Отклик", "comments": release["id"], "created": moment})
        formats = _formats(book)
        about = book.add_worksheet("О выпуске")
        shown = [sheet for sheet in SHEETS if sheet.mart in known]
        rows = {
            sheet.name: _write_sheet(
                connection, book.add_worksheet(sheet.name), sheet, known[sheet.mart], formats
            )
            for sheet in shown
        }
        _write_definitions(book.add_worksheet("Определения"), shown, known, formats)
        _write_about(about, shown, rows, known, release, formats)
    return target


def _formats(book: Workbook) -> dict[str, Format]:
    return {
        "head": book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#E6EEF8", "bottom": 1}
        ),
        "title": book.add_format({"bold": True, "font_size": 16}),
        "wrapped": book.add_format({"text_wrap": True, "valign": "top"}),
        "date": book.add_format({"num_format": "dd.mm.yyyy", "align": "left"}),
        "moment": book.add_format({"num_format": "dd.mm.yyyy hh:mm", "align": "left"}),
        "share": book.add_format({"num_format": "0.0%"}),
        "whole": book.add_format({"num_format": "#,##0"}),
        "number": book.add_format({"num_format": "#,##0.00"}),
    }


def _write_sheet(
    connection: duckdb.DuckDBPyConnection,
    sheet: Worksheet,
    content: Sheet,
    table: PublishedTable,
    formats: Mapping[str, Format],
) -> int:
    """How many rows there are to show; of these the first ROWS_AT_MOST are shown."""
    rows = connection.execute(
        f"select {table.column_list} from {content.source} order by {content.order} limit {ROWS_AT_MOST}"  # noqa: S608
    ).fetchall()
    found = connection.execute(f"select count(*) from {content.source}").fetchone()  # noqa: S608
    for at, column in enumerate(table.columns):
        sheet.write_string(0, at, column.label_ru or column.name, formats["head"])
    kinds = [_format_of(column.name, formats) for column in table.columns]
    for place, row in enumerate(rows, 1):
        for at, value in enumerate(row):
            _write(sheet, place, at, value, kinds[at], formats)
    for at, column in enumerate(table.columns):
        longest = max((len(_shown(row[at])) for row in rows[:200]), default=0)
        sheet.set_column(at, at, min(max(longest + 2, NARROWEST, len(column.label_ru) // 2), WIDEST))
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(len(rows), 1), len(table.columns) - 1)
    return int(found[0]) if found else 0


def _write(
    sheet: Worksheet, row: int, at: int, value: Any, number: Format, formats: Mapping[str, Format]
) -> None:
    """One value by its own type; an absent one leaves the cell empty."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, at, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, at, value, formats["moment"])
    elif isinstance(value, date):
        sheet.write_datetime(row, at, datetime(value.year, value.month, value.day), formats["date"])  # noqa: DTZ001
    elif isinstance(value, int):
        sheet.write_number(row, at, value, formats["whole"])
    elif isinstance(value, float):
        sheet.write_number(row, at, value, number)
    else:
        sheet.write_string(row, at, str(value)[:LONGEST_TEXT])


def _format_of(column: str, formats: Mapping[str, Format]) -> Format:
    is_share = column == "share" or column.endswith("_share") or column.startswith("share_")
    return formats["share" if is_share or column == "engagement_rate" else "number"]


def _shown(value: object) -> str:
    return "00.00.0000" if isinstance(value, date) else "" if value is None else str(value)


def _write_definitions(
    sheet: Worksheet,
    shown: Sequence[Sheet],
    known: Mapping[str, PublishedTable],
    formats: Mapping[str, Format],
) -> None:
    """Each column of each sheet: its heading, its name in the marts, what it means."""
    for at, (title, width) in enumerate((("Лист", 18), ("Столбец", 36), ("Имя", 34), ("Что это", 100))):
        sheet.write_string(0, at, title, formats["head"])
        sheet.set_column(at, at, width, formats["wrapped"])
    row = 1
    for content in shown:
        table = known[content.mart]
        sheet.write_string(row, 0, content.name)
        sheet.write_string(row, 2, f"marts.{table.name}")
        sheet.write_string(row, 3, table.description)
        row += 1
        for column in table.columns:
            for at, text in enumerate((content.name, column.label_ru, column.name, column.description)):
                sheet.write_string(row, at, text)
            row += 1
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, row - 1, 3)


def _write_about(
    sheet: Worksheet,
    shown: Sequence[Sheet],
    rows: Mapping[str, int],
    known: Mapping[str, PublishedTable],
    release: Mapping[str, str],
    formats: Mapping[str, Format],
) -> None:
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 110, formats["wrapped"])
    sheet.write_string(0, 0, "Отклик: таблицы выпуска", formats["title"])
    lines = (
        ("Выпуск", release["id"]),
        ("На момент, UTC", release["as_of"]),
        ("Версия кода", release["git_commit"]),
        ("Что в листах", "Последние 13 месяцев; за более ранние — витрины выпуска. Моменты в UTC."),
        ("Что значит столбец", "Лист «Определения»."),
    )
    for row, (name, text) in enumerate(lines, 2):
        sheet.write_string(row, 0, name)
        sheet.write_string(row, 1, text)
    for row, content in enumerate(shown, len(lines) + 3):
        sheet.write_url(row, 0, f"internal:'{content.name}'!A1", string=content.name)
        all_of_them = rows[content.name]
        cut = f" Показаны первые {ROWS_AT_MOST} строк из {all_of_them}; все — в витрине {content.mart}."
        told = cut if all_of_them > ROWS_AT_MOST else ""
        sheet.write_string(row, 1, known[content.mart].description + told)
