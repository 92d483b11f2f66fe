"""Files that people deliver besides «Инцидент»'s exports: mapped files, surveys, activities, ПОС's exports.

Moments are the region's wall time with seconds, so that nothing is lost against a service.
"""

from __future__ import annotations

import csv
import datetime as dt
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
import yaml

from sandbox.faults import Faults
from sandbox.incident import write_exports
from sandbox.noise import mix
from sandbox.population import FILES, NEVER
from sandbox.scenario import KINDS, OUTCOMES, Scenario
from sandbox.servers.pos import PosServer
from sandbox.truth import survey_votes
from sandbox.world import World

# A file's property; fixed, so that equal rows give equal bytes.
_FIXED_DATE = dt.datetime(2020, 1, 1)  # noqa: DTZ001
_KINDS = {"complaint": "Жалоба", "question": "Вопрос", "proposal": "Предложение", "thanks": "Благодарность"}
_RESULTS = {"solved": "Решено", "explained": "Разъяснено", "not_solved": "Не решено", "postponed": "Отложено"}
_STATUSES = {
    "registered": "Зарегистрировано",
    "assigned": "Назначено",
    "in_work": "В работе",
    "answered": "Дан ответ",
    "closed": "Закрыто",
    "rejected": "Отклонено",
}
_ACTIVITIES = {
    "broadcast": "Прямой эфир",
    "training": "Обучение",
    "material": "Информационный материал",
    "decision": "Управленческое решение",
}
_MAPPING: dict[str, Any] = {
    "rows": "appeals",
    "dates": ["%d.%m.%Y %H:%M:%S"],
    "columns": {
        "ticket_id": ["Номер", "№"],
        "channel": {"value": "other"},
        "intake": {"value": "other"},
        "kind": {"column": "Вид", "values": {said: kind for kind, said in _KINDS.items()}},
        "registered_at": "Зарегистрировано",
        "closed_at": "Закрыто",
        "outcome": {"column": "Результат", "values": {said: outcome for outcome, said in _RESULTS.items()}},
        "topic_group": "Группа тем",
        "topic": "Тема",
        "municipality": "Муниципалитет",
        "street": "Улица",
        "house": "Дом",
        "author": "Заявитель",
        "text": "Текст",
    },
    "answers": [
        {"kind": "interim", "at": "Первый ответ", "text": "Текст первого ответа"},
        {"kind": "final", "at": "Ответ", "text": "Текст ответа"},
    ],
}


def delivered(scenario: Scenario) -> dict[str, Any]:
    """The region file's part of each source that comes by file, with paths as seen from `regions/`."""
    code = scenario.region.region_id
    found: dict[str, Any] = {}
    if scenario.plays("files"):
        found["files"] = {"folder": f"../files/{code}", "mapping": f"../files/{code}.yaml"}
    if any(survey.channel != "pos" for survey in scenario.surveys):
        found["surveys"] = {"folder": f"../surveys/{code}"}
    if scenario.activities:
        found["activities"] = {"folder": f"../activities/{code}"}
    if scenario.pos.export != "none":
        found["pos"] = {"folder": f"../pos/{code}"}
    return found


def write_deliveries(world: World, folder: Path) -> None:
    """Bring all folders below `folder` to what was delivered by `world.now`."""
    code = world.scenario.region.region_id
    write_exports(world, folder / "incident" / code)
    sources = delivered(world.scenario)
    if "files" in sources:
        mapping = folder / "files" / f"{code}.yaml"
        mapping.parent.mkdir(parents=True, exist_ok=True)
        mapping.write_text(yaml.safe_dump(_MAPPING, allow_unicode=True, sort_keys=False), "utf-8")
        _write_csv(folder / "files" / code / "appeals.csv", _appeals(world))
    if "surveys" in sources:
        _write_xlsx(folder / "surveys" / code / "surveys.xlsx", _surveys(world))
    if "activities" in sources:
        _write_csv(folder / "activities" / code / "activities.csv", _activities(world))
    if "pos" in sources:
        _write_pos(world, folder / "pos" / code)


def _appeals(world: World) -> list[Sequence[Any]]:
    people, now = world.population, world.now
    headers = (
        "Номер", "Вид", "Зарегистрировано", "Закрыто", "Результат", "Группа тем", "Тема",
        "Муниципалитет", "Улица",
        "Дом", "Заявитель", "Текст", "Первый ответ", "Текст первого ответа", "Ответ", "Текст ответа",
    )  # fmt: skip
    rows: list[Sequence[Any]] = [headers]
    for row in map(int, people.rows(FILES)):
        if people.registered[row] > now:
            continue
        group, topic = world.topic(row)
        street, house = world.texts.address(row)
        first, final, closed = (
            int(column[row]) for column in (people.first_answer, people.final_answer, people.closed)
        )
        outcome = OUTCOMES[int(people.outcome[row])]
        interim = first != final and first <= now
        place = world.municipality(row)
        rows.append(
            (
                f"Ф-{row:06}",
                _KINDS[KINDS[int(people.kind[row])]],
                _moment(world, int(people.registered[row])),
                _moment(world, closed),
                _RESULTS.get(outcome, "") if closed <= now else "",
                group,
                topic,
                place,
                street,
                house,
                f"citizen-{int(people.author[row])}",
                world.complaint(row),
                _moment(world, first) if interim else "",
                world.texts.answer(row, False, False, place) if interim else "",
                _moment(world, final),
                world.texts.answer(row, True, outcome == "solved", place) if final <= now else "",
            )
        )
    return rows


def _surveys(world: World) -> list[Sequence[Any]]:
    names = {place.id: place.name for place in world.scenario.territories}
    rows: list[Sequence[Any]] = [
        ("ID опроса", "Опрос", "Дата начала", "Дата окончания", "Канал", "Территория", "Участников",
        "ID вопроса",
         "Вопрос", "Вариант ответа", "Голосов")
    ]  # fmt: skip
    for survey in world.scenario.surveys:
        if survey.channel == "pos" or survey.since > _today(world):
            continue
        last = (survey.until - dt.timedelta(days=1)).strftime("%d.%m.%Y")
        for n, question in enumerate(survey.questions, 1):
            for option, place, votes in survey_votes(survey.territory, question.options):
                rows.append(
                    (survey.id, survey.title, survey.since.strftime("%d.%m.%Y"), last, survey.channel or "",
                     names.get(place or "", ""), survey.participants or "", n, question.text, option, votes)
                )  # fmt: skip
    return rows


def _activities(world: World) -> list[Sequence[Any]]:
    names = {place.id: place.name for place in world.scenario.territories}
    groups = world.scenario.vocabulary.groups
    rows: list[Sequence[Any]] = [("Номер", "Вид", "Название", "Дата", "Территория", "Группа тем", "Охват")]
    for n, activity in enumerate(world.scenario.activities):
        group = groups[activity.topic_group].names[0] if activity.topic_group else ""
        for m, day in enumerate(activity.days()):
            if day <= _today(world):
                title = activity.title or f"{_ACTIVITIES[activity.kind]} {m + 1}"
                said = (names.get(activity.territory or "", ""), group, 50 + mix(n * 10_007 + m) % 5000)
                rows.append(
                    (f"{n + 1}-{m + 1}", _ACTIVITIES[activity.kind], title, day.strftime("%d.%m.%Y"), *said)
                )
    return rows


def _write_pos(world: World, folder: Path) -> None:
    """One export per month of registration, and one of the votes."""
    server = PosServer(world, Faults(), Counter())
    ending = world.scenario.pos.export
    headers = (
        "Номер", "Вид", "Дата создания", "Дата регистрации", "Дата изменения", "Дата закрытия", "Статус",
        "Категория",
        "Подкатегория", "Ускоренный срок", "Муниципалитет", "Населенный пункт", "Улица", "Дом", "Текст",
        "ID заявителя", "Возрастная группа", "ОГРН", "Результат", "Оценка", "Дата промежуточного ответа",
        "Промежуточный ответ", "Дата ответа", "Ответ",
    )  # fmt: skip
    months: dict[str, list[Sequence[Any]]] = {}
    cursor: dict[str, str] = {}
    while True:
        page = server.appeals({"limit": "1000", **cursor})
        for item in page["items"]:
            local = dt.datetime.fromisoformat(item["registered_at"]).astimezone(world.scenario.zone)
            months.setdefault(local.strftime("%Y-%m"), [headers]).append(_pos_row(world, item))
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    for month, rows in sorted(months.items()):
        path = folder / f"pos_{month}.{ending}"
        (_write_csv if ending == "csv" else _write_xlsx)(path, rows)


def _pos_row(world: World, item: dict[str, Any]) -> Sequence[Any]:
    answers = {answer["kind"]: answer for answer in item["answers"]}
    history = {one["status"]: one["at"] for one in item["status_history"]}

    def local(text: str | None) -> str:
        return _moment(world, int(dt.datetime.fromisoformat(text).timestamp())) if text else ""

    def answer(kind: str) -> tuple[str, str]:
        found = answers.get(kind)
        return (local(found["at"]), found["text"]) if found else ("", "")

    return (
        item["id"],
        "Обращение" if item["kind"] == "appeal" else "Сообщение",
        local(item["created_at"]),
        local(item["registered_at"]),
        local(item["updated_at"]),
        local(history.get("closed")),
        _STATUSES[item["status"]],
        item["category"],
        item["subcategory"],
        "да" if item["fast_track"] else "нет",
        item["municipality"] or "",
        item["locality"] or "",
        item["street"],
        item["house"],
        item["text"],
        item["applicant"]["id"],
        item["applicant"]["age_group"] or "",
        item["organisation"]["ogrn"],
        _RESULTS.get(item["outcome"] or "", ""),
        item["rating"] or "",
        *answer("interim"),
        *answer("final"),
    )


def _today(world: World) -> dt.date:
    return dt.datetime.fromtimestamp(world.now, world.scenario.zone).date()


def _moment(world: World, seconds: int) -> str:
    if seconds >= NEVER or seconds > world.now:
        return ""
    return dt.datetime.fromtimestamp(seconds, world.scenario.zone).strftime("%d.%m.%Y %H:%M:%S")


def _write_csv(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """UTF-8 with the mark that Excel writes, semicolons, in place at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    os.replace(draft, path)


def _write_xlsx(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    options = {"strings_to_urls": False, "strings_to_formulas": False, "constant_memory": True}
    with xlsxwriter.Workbook(str(draft), options) as book:
        book.set_properties({"created": _FIXED_DATE})
        sheet = book.add_worksheet("Выгрузка")
        for place, row in enumerate(rows):
            for column, cell in enumerate(row):
                if cell != "":
                    sheet.write(place, column, cell)
    os.replace(draft, path)
