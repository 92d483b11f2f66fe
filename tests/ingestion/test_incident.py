"""«Инцидент» exports: four layouts by headers, local time, quarantine, unreadable files, speed."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from ingestion.clock import Window, parse_utc
from ingestion.errors import UnreadableFile
from ingestion.pipeline import LoadReport, ingest
from ingestion.privacy import mask
from tests.ingestion.support import Deployment

CABINET = [
    "Номер инцидента",
    "Исполнитель",
    "Дата создания",
    "Дата закрытия",
    "Группа тем",
    "Тема",
    "Регион",
    "Муниципалитет",
    "Итог",
    "Автор",
    "Дата первого ответа",
    "1ый ответ ПИ",
    "Текст инцидента",
]
SHORT = ["Группа тем", "Тема", "Регион", "Муниципалитет", "Текст инцидента"]
MONITORING = [
    "ID",
    "Дата создания",
    "Дата окончания",
    "Группа тем",
    "Муниципалитет",
    "Населенный пункт",
    "Улица",
    "Дом",
    "Тема",
    "Тип инцидента",
    "Теги",
    "Текст инцидента",
]
LEGACY = [
    "Дата создания",
    "Дата окончания",
    "Группа тем",
    "Тема",
    "Муниципалитет",
    "Населенный пункт",
    "Текст инцидента",
]


def write(path: Path, headers: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(path), {"default_date_format": "dd.mm.yyyy hh:mm"}) as book:
        sheet = book.add_worksheet("Выгрузка")
        top = 0
        if title:
            sheet.merge_range(0, 0, 0, len(headers) - 1, title)
            top = 2
        for place, row in enumerate([headers, *rows]):
            for column, cell in enumerate(row):
                sheet.write(top + place, column, cell)
    return path


@pytest.fixture
def folder(deployment: Deployment) -> Path:
    folder = deployment.root / "incident"
    folder.mkdir()
    deployment.sources["incident"] = {"folder": "../incident"}
    return folder


def load(deployment: Deployment, window: Window | None = None) -> LoadReport:
    return ingest("incident", deployment.region, deployment.settings, window)


def test_four_layouts_land_in_local_time(folder: Path, deployment: Deployment) -> None:
    text = "Яма<br>на дороге 8&nbsp;912&nbsp;345&nbsp;67&nbsp;89 [club5|Управа]"
    write(
        folder / "1.xlsx",
        CABINET,
        [
            [
                77,
                "Иванов Иван Петрович",
                "16.11.2020 09:31",
                datetime(2020, 11, 17, 9),
                "Дороги",
                "Ямы",
                "Край",
                "Озёрск",
                "Решено",
                "vk.com/id55",
                "16.11.2020 10:00:30",
                "Исправим",
                text,
            ]
        ],
    )
    write(folder / "2.xlsx", SHORT, [["ЖКХ", "Тепло", "Край", "Озёрск", "Холодно, тел. 89123456789"]])
    write(
        folder / "3.xlsx",
        MONITORING,
        [
            [
                "A-1",
                datetime(2021, 3, 1, 2, 0),
                "",
                "ЖКХ",
                "Озёрск",
                "Озёрск",
                "Ленина",
                "5",
                "Тепло",
                "Решаемый",
                "тепло",
                "Холодно",
            ]
        ],
        title="Отчёт",
    )
    write(
        folder / "4.xlsx",
        LEGACY,
        [["2021-03-01 02:00", "потом", "ЖКХ", "Тепло", "Озёрск", "Озёрск", "Холодно"]],
    )
    report = load(deployment)
    tally = report.resources["appeals"]
    assert (tally.received, tally.landed, tally.quarantined) == (4, 3, 1)
    rows = deployment.query(
        "select layout, incident_id, created_at, closed_at, first_answered_at, executor, text,"
        " author_key is not null from raw.incident_appeals order by 1"
    )
    assert rows[0] == (
        1,
        "77",
        datetime(2020, 11, 16, 4, 31),
        datetime(2020, 11, 17, 4),
        datetime(2020, 11, 16, 5, 0, 30),
        "‹имя›",
        "Яма\nна дороге ‹телефон› [club5|Управа]",
        True,
    )
    assert rows[1][:4] == (3, "A-1", datetime(2021, 2, 28, 21), None)
    assert rows[2][0] == 4
    assert rows[2][1].startswith("h")
    assert tally.notes == ["4.xlsx: «Дата окончания» was unreadable in 1 rows and left empty."]
    assert deployment.query("select source_ref, reason from raw.quarantine") == [
        ("2.xlsx:2", "no registration date")
    ]
    assert "89123456789" not in deployment.one("select payload from raw.quarantine")


def test_headers_merged_over_two_rows(folder: Path, deployment: Deployment) -> None:
    """«Даты» and «Адрес» above their columns, all others merged downwards, as cabinets print them."""
    with xlsxwriter.Workbook(str(folder / "1.xlsx"), {"default_date_format": "dd.mm.yyyy hh:mm"}) as book:
        sheet = book.add_worksheet("Выгрузка")
        sheet.merge_range(0, 0, 0, 6, "Отчёт за март")
        for column, name in ((0, "ID"), (3, "Группа тем"), (6, "Текст инцидента")):
            sheet.merge_range(1, column, 2, column, name)
        sheet.merge_range(1, 1, 1, 2, "Даты")
        sheet.merge_range(1, 4, 1, 5, "Адрес")
        for column, name in ((1, "Дата создания"), (2, "Дата закрытия"), (4, "Муниципалитет"), (5, "Улица")):
            sheet.write(2, column, name)
        sheet.write_row(3, 0, ["7", "01.03.2021 10:00", "02.03.2021 10:00", "ЖКХ", "Озёрск", "Ленина", "Яма"])
        sheet.write_row(4, 0, ["8", "когда-то", "", "ЖКХ", "Озёрск", "Мира", "Яма"])
    tally = load(deployment).resources["appeals"]
    assert (tally.received, tally.landed, tally.quarantined, list(tally.unknown_fields)) == (2, 1, 1, [])
    assert deployment.query(
        "select incident_id, created_at, closed_at, topic_group, municipality, street, text"
        " from raw.incident_appeals"
    ) == [("7", datetime(2021, 3, 1, 5), datetime(2021, 3, 2, 5), "ЖКХ", "Озёрск", "Ленина", "Яма")]
    assert deployment.one("select source_ref from raw.quarantine") == "1.xlsx:5"


@pytest.mark.parametrize("text", ["Яма 🙂 у дома", "Я" * 32_767, "Яма\x00 у дома", "9223372036854775807"])
def test_odd_cells_land(folder: Path, deployment: Deployment, text: str) -> None:
    row = ["9223372036854775807", "01.03.2021 10:00", "", "ЖКХ", "Озёрск", "Озёрск", "Ленина", "5", "Тепло"]
    cell = text.replace("\x00", "_x0000_")  # how XLSX writes it
    write(folder / "1.xlsx", MONITORING, [[*row, "Решаемый", "тепло", cell]])
    assert load(deployment).resources["appeals"].landed == 1
    told, key = deployment.query("select text, incident_id from raw.incident_appeals")[0]
    assert key == row[0]
    assert told == mask(text) or told == mask(cell)


def test_a_file_is_read_once_by_content(folder: Path, deployment: Deployment) -> None:
    row = ["01.11.2026 10:00", "", "ЖКХ", "Тепло", "Озёрск", "Озёрск", "Холодно"]
    write(folder / "a.xlsx", LEGACY, [row])
    first = load(deployment)
    (folder / "a.xlsx").rename(folder / "b.xlsx")
    assert load(deployment).landed == 0
    write(folder / "c.xlsx", LEGACY, [row, ["02.11.2026", *row[1:]]])
    assert load(deployment).landed == 2
    assert first.landed == 1
    assert deployment.one("select count(distinct incident_id) from raw.incident_appeals") == 2


def test_windows_read_again_and_move_nothing(folder: Path, deployment: Deployment) -> None:
    rows = [
        [f"{day:02}.11.2026 00:30", "", "ЖКХ", "Тепло", "Озёрск", "Озёрск", f"Холодно {day}"]
        for day in (1, 2, 3)
    ]
    write(folder / "a.xlsx", LEGACY, rows)
    window = Window(parse_utc("2026-11-01T19:00:00Z"), parse_utc("2026-11-02T19:00:00Z"))
    assert load(deployment, window).landed == 1  # 2 November 00:30 local is 1 November 19:30 UTC
    assert load(deployment).landed == 3
    assert load(deployment, window).landed == 1
    assert load(deployment).landed == 0


def test_figures_stated_for_an_earlier_moment_refuse_no_row(folder: Path, deployment: Deployment) -> None:
    """A file is read once, so what a run with an as_of in the past set aside would never come back."""
    deployment.as_of = "2026-01-01T00:00:00Z"
    write(folder / "a.xlsx", LEGACY, [["01.11.2026 10:00", "", "ЖКХ", "Тепло", "Озёрск", "Озёрск", "Ждём"]])
    assert load(deployment).landed == 1


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "no registration date"),
        ("вчера", "unreadable registration date"),
        ("31.02.2026", "unreadable registration date"),
        ("01.01.1999", "impossible registration date"),
        ("16.11.3020 09:31", "impossible registration date"),
    ],
)
def test_rows_without_a_true_date_go_to_quarantine(
    folder: Path, deployment: Deployment, cell: str, reason: str
) -> None:
    write(folder / "a.xlsx", LEGACY, [[cell, "", "ЖКХ", "Тепло", "Озёрск", "Озёрск", "Холодно"]])
    load(deployment)
    assert deployment.query("select reason, source_ref from raw.quarantine") == [(reason, "a.xlsx:2")]


def test_unreadable_files_are_sentences(folder: Path, deployment: Deployment) -> None:
    good = write(folder / "a.xlsx", LEGACY, [["01.11.2026", "", "ЖКХ", "Тепло", "О", "О", "Холодно"]])
    bad = folder / "b.xlsx"

    def said() -> str:
        with pytest.raises(UnreadableFile) as caught:
            load(deployment)
        assert deployment.one("select count(*) from raw.incident_appeals") == 0
        assert "b.xlsx" in str(caught.value)
        return str(caught.value)

    bad.write_bytes(b"this is a text")
    assert "is not an XLSX file" in said()
    bad.write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 600)
    assert "encrypted" in said()
    write(bad, ["Имя", "Фамилия"], [["а", "б"]])
    assert "no row with the headers «Группа тем», «Текст инцидента»" in said()
    bad.write_bytes(good.read_bytes()[:-200])
    assert "is not an XLSX file" in said()
    with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)
    assert "zip bomb" in said()
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert "is damaged" in said()
    bad.unlink()
    assert load(deployment).landed == 1


def test_missing_folder_is_a_sentence(deployment: Deployment) -> None:
    deployment.sources["incident"] = {"folder": "../nowhere"}
    with pytest.raises(UnreadableFile, match="nowhere of «Инцидент» exports does not exist"):
        load(deployment)


def test_unknown_headers_are_named(folder: Path, deployment: Deployment) -> None:
    write(
        folder / "a.xlsx",
        [*LEGACY, "Отдел", "Настроение"],
        [["01.11.2026", "", "ЖКХ", "Тепло", "О", "О", "Холодно", "1", "2"]],
    )
    assert load(deployment).resources["appeals"].unknown_fields == {"Настроение"}


def test_a_big_export_is_fast(folder: Path, deployment: Deployment) -> None:
    rows = [
        [
            n,
            f"{n % 28 + 1:02}.10.2026 {n % 24:02}:30",
            "",
            "ЖКХ",
            "Озёрск",
            "Озёрск",
            "Ленина",
            n % 90,
            "Тепло",
            "Решаемый",
            "",
            f"В доме {n % 90} по улице Ленина нет тепла уже {n % 30} дней, дети мёрзнут, примите меры! {n}",
        ]
        for n in range(10_000)
    ]
    write(folder / "a.xlsx", MONITORING, rows)
    import dlt  # noqa: F401 - its import is paid once per process, not per load

    started = time.perf_counter()
    assert load(deployment).landed == 10_000
    assert time.perf_counter() - started < 5  # 1 s on an idle machine; 25,000 rows take 2 s
