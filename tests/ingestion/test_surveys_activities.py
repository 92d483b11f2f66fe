"""Surveys and activities: two spellings of the headers, XLSX and CSV, versions, what is set aside."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from ingestion.errors import UnreadableFile
from ingestion.pipeline import LoadReport, ingest
from ingestion.privacy import mask
from tests.ingestion.support import Deployment

RUSSIAN = "Опрос;Дата начала;Дата окончания;Канал;Территория;Участников;Вопрос;Вариант ответа;Голосов"
ENGLISH = "title,starts_on,ends_on,channel,territory,participants,question,option,votes"
LINES = [
    "Мусоропровод;01.03.2026;14.03.2026;ВК;Озёрск;100;Что делать?;Заварить;74",
    "Мусоропровод;01.03.2026;14.03.2026;ВК;Озёрск;100;Что делать?;Оставить, тел. 8 912 345-67-89;26",
    "Мусоропровод;01.03.2026;;ВК;;300;Что делать?;Заварить;150",
]


@pytest.fixture
def folder(deployment: Deployment) -> Path:
    for name in ("surveys", "activities"):
        (deployment.root / name).mkdir()
        deployment.sources[name] = {"folder": f"../{name}"}
    return deployment.root


def load(deployment: Deployment, source: str) -> LoadReport:
    return ingest(source, deployment.region, deployment.settings)


def test_surveys_land_once_per_survey_and_option(folder: Path, deployment: Deployment) -> None:
    (folder / "surveys" / "a.csv").write_text("\n".join([RUSSIAN, *LINES]), "cp1251")
    report = load(deployment, "surveys")
    assert {name: tally.landed for name, tally in report.resources.items()} == {"surveys": 1, "options": 3}
    assert deployment.query(
        "select title, starts_on, ends_on, channel, territory, participants, question_count"
        " from raw.surveys_surveys"
    ) == [("Мусоропровод", date(2026, 3, 1), date(2026, 3, 14), "ВК", None, 300, 1)]
    assert deployment.query("select option, territory, votes from raw.surveys_options order by votes") == [
        ("Оставить, тел. ‹телефон›", "Озёрск", 26),
        ("Заварить", "Озёрск", 74),
        ("Заварить", None, 150),
    ]
    assert load(deployment, "surveys").landed == 0


def test_english_headers_give_the_same_keys(folder: Path, deployment: Deployment) -> None:
    (folder / "surveys" / "a.csv").write_text("\n".join([RUSSIAN, *LINES]), "utf-8-sig")
    cells = [line.replace('"', "").split(";") for line in LINES]
    english = [",".join(f'"{cell}"' for cell in row) for row in cells]
    (folder / "surveys" / "b.csv").write_text("\n".join([ENGLISH, *english]), "utf-8")
    load(deployment, "surveys")
    assert deployment.query(
        "select count(*), count(distinct (survey_id, question_id, option_id, coalesce(territory, '')))"
        " from raw.surveys_options"
    ) == [(6, 3)]


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("А;вчера;;;;;В;О;1", "In this line the start is no date."),
        ("А;;;;;;В;О;1", "In this line there is no start date."),
        ("А;02.03.2026;01.03.2026;;;;В;О;1", "In this line the end lies before the start."),
        ("А;01.03.2026;;;;;В;О;много", "In this line the number of votes is unreadable."),
        ("А;01.03.2026;;;;;В;О;-1", "In this line the number of votes is no whole number."),
        ("А;01.03.2026;;;;;;О;1", "In this line title, question or option is empty."),
        (LINES[0], "In this line the same option stands twice in the file."),
    ],
)
def test_a_line_that_cannot_be_used_is_set_aside(
    line: str, detail: str, folder: Path, deployment: Deployment
) -> None:
    (folder / "surveys" / "a.csv").write_text("\n".join([RUSSIAN, LINES[0], line]), "utf-8")
    tally = load(deployment, "surveys").resources["options"]
    assert (tally.landed, tally.quarantined) == (1, 1)
    assert deployment.query("select source_ref, detail from raw.quarantine") == [("a.csv:3", detail)]


def activities(path: Path, *rows: list[Any]) -> None:
    with xlsxwriter.Workbook(str(path), {"default_date_format": "dd.mm.yyyy"}) as book:
        sheet = book.add_worksheet()
        headers = ["Номер", "Вид", "Название", "Дата", "Территория", "Орган", "Аудитория", "Количество"]
        for place, row in enumerate([headers, *rows]):
            for column, cell in enumerate(row):
                sheet.write(place, column, cell)


def test_activities_land_by_kind(folder: Path, deployment: Deployment) -> None:
    activities(
        folder / "activities" / "a.xlsx",
        [1, "Прямой эфир", "Эфир с главой", datetime(2026, 3, 1), "Озёрск", "Иванов И. И.", "1 200", ""],
        ["", "Информационный материал", "Листовка", "02.03.2026", "", "", "", 40],
        [3, "решение", "", 46_084, "", "", "", ""],
        [4, "Праздник", "", "02.03.2026", "", "", "", ""],
        [3, "решение", "", "02.03.2026", "", "", "", ""],
    )
    tally = load(deployment, "activities").resources["activities"]
    assert (tally.received, tally.landed, tally.quarantined) == (5, 3, 2)
    rows = deployment.query(
        "select kind, title, held_on, territory, authority, audience, count"
        " from raw.activities_activities order by 1"
    )
    assert rows == [
        ("broadcast", "Эфир с главой", date(2026, 3, 1), "Озёрск", "‹имя›", 1200, 1),
        ("decision", None, date(2026, 3, 3), None, None, None, 1),
        ("material", "Листовка", date(2026, 3, 2), None, None, None, 40),
    ]


@pytest.mark.parametrize(
    "text", ["Эфир 🙂 👩‍👩‍👧‍👦", "Я" * 32_767, "Эфир_x0000_ с главой", "9223372036854775807"]
)
def test_odd_cells_land(folder: Path, deployment: Deployment, text: str) -> None:
    path = folder / "activities" / "a.xlsx"
    activities(path, ["9223372036854775807", "Прямой эфир", text, datetime(2026, 3, 1), "", "", "", ""])
    tally = load(deployment, "activities").resources["activities"]
    assert (tally.landed, tally.quarantined) == (1, 0)
    rows = deployment.query("select activity_id, title from raw.activities_activities")
    assert rows in ([("9223372036854775807", mask(told))] for told in (text, text.replace("_x0000_", "")))


@pytest.mark.parametrize("text", ["Вопрос 🙂", "Я" * 100_000, "9223372036854775807"])
def test_odd_questions_land(folder: Path, deployment: Deployment, text: str) -> None:
    line = LINES[0].split(";")
    line[RUSSIAN.split(";").index("Вопрос")] = text
    (folder / "surveys" / "a.csv").write_text("\n".join([RUSSIAN, ";".join(line)]), "utf-8")
    assert load(deployment, "surveys").resources["options"].landed == 1
    assert deployment.query("select question from raw.surveys_options") == [(mask(text),)]


@pytest.mark.parametrize("content", [b"a;b\n1;2", b'\xef\xbb\xbf"open', b"\x00\x01"])
def test_a_file_that_is_something_else_is_one_sentence(
    content: bytes, folder: Path, deployment: Deployment
) -> None:
    (folder / "activities" / "a.csv").write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        load(deployment, "activities")
    assert "\n" not in str(caught.value)
