"""ПОС's exports and votes: the same tables as by REST, kinds told apart, ratings, what is set aside."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from starlette.requests import Request

from ingestion.clock import Window, parse_utc
from ingestion.errors import ConfigError, UnreadableFile
from ingestion.pipeline import LoadReport, ingest
from ingestion.privacy import mask
from tests.ingestion.support import Deployment, Server

HEADERS = [
    "Номер", "Вид", "Дата создания", "Дата регистрации", "Дата изменения", "Статус", "Категория",
    "Подкатегория",
    "Ускоренный срок", "Муниципалитет", "Текст", "ID заявителя", "Возрастная группа", "ОГРН",
    "Результат", "Оценка",
    "Дата промежуточного ответа", "Промежуточный ответ", "Дата ответа", "Ответ",
]  # fmt: skip
ROW: list[Any] = [
    "72-1", "Сообщение", "05.03.2026 09:00:00", "05.03.2026 09:30:15", "07.03.2026 12:00:00", "Закрыто",
    "ЖКХ",
    "Отопление", "да", "г. Озёрск", "Холодно, +7 912 345-67-89", "applicant-1", "35-45", "1027200000001",
    "Решено", 5,
    "05.03.2026 10:00:00", "Приняли", "06.03.2026 10:00:00", "Сделали",
]  # fmt: skip


@pytest.fixture
def folder(deployment: Deployment) -> Path:
    (deployment.root / "pos").mkdir()
    deployment.sources["pos"] = {"folder": "../pos"}
    return deployment.root / "pos"


def load(deployment: Deployment, window: Window | None = None) -> LoadReport:
    return ingest("pos", deployment.region, deployment.settings, window)


def changed(**cells: Any) -> list[Any]:
    row = list(ROW)
    for place, header in enumerate(HEADERS):
        if header in cells:
            row[place] = cells[header]
    return row


def write(path: Path, *rows: list[Any]) -> None:
    if path.suffix == ".csv":
        path.write_text("\n".join(";".join(map(str, row)) for row in [HEADERS, *rows]), "cp1251")
        return
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for place, row in enumerate([HEADERS, *rows]):
            for column, cell in enumerate(row):
                sheet.write(place, column, cell)


@pytest.mark.parametrize(
    "text", ["Яма 🙂 👩‍👩‍👧‍👦", "Я" * 32_767, "Яма_x0000_ у дома", "9223372036854775807"]
)
def test_odd_cells_land(folder: Path, deployment: Deployment, text: str) -> None:
    write(folder / "a.xlsx", changed(Номер="9223372036854775807", Текст=text))
    tally = load(deployment).resources["appeals"]
    assert (tally.landed, tally.quarantined) == (1, 0)
    rows = deployment.query("select pos_id, text from raw.pos_appeals")
    assert rows in ([("9223372036854775807", mask(told))] for told in (text, text.replace("_x0000_", "")))


@pytest.mark.parametrize("name", ["export.xlsx", "export.csv"])
def test_an_export_fills_the_tables_of_the_service(name: str, folder: Path, deployment: Deployment) -> None:
    write(
        folder / name, ROW, changed(Номер="72-2", Вид="Обращение", Результат="", Оценка="", Статус="В работе")
    )
    report = load(deployment)
    landed = {resource: tally.landed for resource, tally in report.resources.items()}
    assert landed == {"appeals": 2, "statuses": 6, "answers": 4, "surveys": 0, "options": 0}
    assert deployment.query(
        "select kind, registered_at, updated_at, status, fast_track, text, age_group, outcome, rating,"
        " author_key is not null from raw.pos_appeals order by pos_id"
    ) == [
        ("message", datetime(2026, 3, 5, 4, 30, 15), datetime(2026, 3, 7, 7), "closed", True,
         "Холодно, ‹телефон›", "35-45", "solved", 5, True),
        ("appeal", datetime(2026, 3, 5, 4, 30, 15), datetime(2026, 3, 7, 7), "in_work", True,
         "Холодно, ‹телефон›", "35-45", None, None, True),
    ]  # fmt: skip
    assert deployment.query(
        "select answer_id, answered_at from raw.pos_answers where pos_id = '72-1' order by 2"
    ) == [
        ("interim", datetime(2026, 3, 5, 5)),
        ("final", datetime(2026, 3, 6, 5)),
    ]
    course = "select status from raw.pos_statuses where pos_id = '72-1' order by position"
    assert [row[0] for row in deployment.query(course)] == [
        "registered", "answered", "closed",
    ]  # fmt: skip
    assert load(deployment).landed == 0


def test_rows_that_cannot_be_used_are_set_aside(folder: Path, deployment: Deployment) -> None:
    write(
        folder / "a.csv",
        ROW,
        changed(Номер=""),
        changed(Вид="Жалоба"),
        changed(Статус="Потеряно"),
        changed(Оценка=7),
        changed(**{"Дата регистрации": "вчера"}),
        changed(**{"Дата регистрации": ""}),
    )
    tally = load(deployment).resources["appeals"]
    assert (tally.received, tally.landed, tally.quarantined) == (7, 1, 6)
    told = str(deployment.query("select detail, payload from raw.quarantine"))
    assert "the rating is not within 1 to 5" in told
    assert "applicant-1" not in told
    assert "345-67-89" not in told


def test_a_window_takes_what_was_registered_in_it(folder: Path, deployment: Deployment) -> None:
    write(folder / "a.csv", ROW, changed(Номер="72-2", **{"Дата регистрации": "09.03.2026"}))
    load(deployment)
    assert (
        load(deployment, Window(parse_utc("2026-03-08"), parse_utc("2026-03-10"))).resources["appeals"].landed
        == 1
    )


def test_votes_in_the_folder_are_known_by_their_headers(folder: Path, deployment: Deployment) -> None:
    (folder / "votes.csv").write_text(
        "Опрос;Дата начала;Вопрос;Вариант ответа;Голосов\nПарк;01.03.2026;Где?;У реки;7\n", "utf-8"
    )
    assert load(deployment).resources["options"].landed == 1
    assert deployment.query("select title, starts_on from raw.pos_surveys") == [("Парк", date(2026, 3, 1))]


def test_another_file_is_one_sentence(folder: Path, deployment: Deployment) -> None:
    (folder / "a.csv").write_text("Фамилия;Имя\nИванов;Иван\n")
    with pytest.raises(UnreadableFile, match="an export of ПОС was expected"):
        load(deployment)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({}, "exactly one of base_url and folder"),
        ({"base_url": "http://x", "folder": "../pos"}, "exactly one of base_url and folder"),
        ({"base_url": "http://x"}, "token_env is missing"),
    ],
)
def test_exactly_one_way_to_read(source: dict[str, Any], sentence: str, deployment: Deployment) -> None:
    deployment.sources["pos"] = source
    with pytest.raises(ConfigError, match=sentence):
        _ = deployment.region


VOTE: dict[str, Any] = {
    "id": "v-1",
    "title": "Парк",
    "starts_on": "2026-03-01",
    "ends_on": "2026-03-09",
    "territory": "Озёрск",
    "participants": 10,
    "questions": [
        {
            "id": "q1",
            "text": "Где?",
            "options": [
                {"id": "1", "text": "У реки", "votes": 7},
                {"id": "2", "text": "В центре", "votes": 3},
            ],
        }
    ],
}


def test_votes_land_when_they_change(server: Server, deployment: Deployment) -> None:
    deployment.sources["pos"] = {"base_url": server.url, "token_env": "OTKLIK_TEST_TOKEN", "votes": True}
    votes = [VOTE, {**VOTE, "id": "v-2", "starts_on": "soon"}]

    def answer(request: Request, form: dict[str, Any]) -> dict[str, Any]:
        return {"items": votes if request.url.path.endswith("votes") else [], "next_cursor": None}

    server.answer = answer
    report = load(deployment)
    assert (report.resources["surveys"].landed, report.resources["surveys"].quarantined) == (1, 1)
    assert deployment.query("select survey_id, channel, territory, participants from raw.pos_surveys") == [
        ("v-1", "pos", "Озёрск", 10)
    ]
    assert load(deployment).resources["surveys"].skipped_unchanged == 1
    votes[0] = json.loads(json.dumps(VOTE).replace('"votes": 7', '"votes": 8'))
    assert load(deployment).resources["options"].landed == 2
