"""«Инцидент Менеджмент»: the XLSX files that people export, in the four layouts that occur.

Moments are the region's wall time, in whole minutes, partly as day-first strings and partly as Excel dates.
One file per layout and month; layout 2 has neither dates nor ID and is one file of its own.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_cell_to_rowcol

from sandbox.incident_layouts import LAYOUTS, Layout
from sandbox.noise import mix
from sandbox.population import INCIDENT, NEVER
from sandbox.scenario import KINDS, OUTCOMES
from sandbox.truth import answers_in_two_steps
from sandbox.world import World

_OUTCOMES = {
    "solved": "Решено",
    "not_solved": "Не решено",
    "postponed": "Отложено",
    "explained": "Разъяснено",
}
_TYPES = {"question": "Вопрос", "proposal": "Предложение", "thanks": "Благодарность"}
_FIXED_DATE = dt.datetime(2020, 1, 1)  # noqa: DTZ001 - a file's property; fixed, so that equal rows give equal bytes


def write_exports(world: World, folder: Path) -> list[Path]:
    """Bring the folder to the exports of `world.now`; a file without rows disappears."""
    folder.mkdir(parents=True, exist_ok=True)
    books: dict[tuple[int, str], list[int]] = {}
    zone = world.scenario.zone
    for row in map(int, world.population.rows(INCIDENT)):
        created = int(world.population.registered[row])
        if created <= world.now:
            month = dt.datetime.fromtimestamp(created, zone).strftime("%Y-%m")
            books.setdefault((int(world.population.layout[row]), month), []).append(row)
    written = []
    for (layout, month), rows in sorted(books.items()):
        path = folder / f"incident_{month}_{LAYOUTS[layout].name}.xlsx"
        _write(path, LAYOUTS[layout], (_dated(world, row) for row in rows))
        written.append(path)
    if world.scenario.incident.undated:
        path = folder / "incident_short.xlsx"
        _write(path, LAYOUTS[2], _undated(world))
        written.append(path)
    for stale in set(folder.glob("incident_*.xlsx")) - set(written):
        stale.unlink()
    return written


def _dated(world: World, row: int) -> dict[str, Any]:
    people, now = world.population, world.now
    group, topic = world.topic(row)
    street, house = world.texts.address(row)
    first, closed = int(people.first_answer[row]), int(people.closed[row])
    outcome, kind = OUTCOMES[int(people.outcome[row])], KINDS[int(people.kind[row])]
    done = closed <= now
    solved = outcome == "solved"
    noise = mix(row * 11 + 4)
    executor, department = _office(world, int(people.territory[row]))
    moments = {
        "created": _moment(world, int(people.registered[row]), noise),
        "closed": _moment(world, closed, noise >> 8) if done else None,
        "first_answered": _moment(world, first, noise >> 16) if first <= now else None,
    }
    return {
        **moments,
        "id": 4_000_000 + row * 3,
        "network": ("ВКонтакте", "Одноклассники", "Телеграм")[noise % 3],
        "department": department,
        "executor": executor,
        "step": _step(
            outcome,
            done,
            first <= now,
            int(people.started[row]) <= now,
            int(people.assigned[row]) <= now,
            answers_in_two_steps(row),
        ),
        "outcome": _OUTCOMES.get(outcome, "") if done else "",
        "type": _TYPES.get(kind, "Решаемый" if noise >> 24 & 3 else "Не решаемый"),
        "group": group,
        "topic": topic,
        "region": world.scenario.region.name,
        "municipality": world.municipality(row),
        "settlement": world.settlement(row),
        "street": street,
        "house": house,
        "tags": topic.lower() if noise >> 30 & 1 else "",
        "duration": f"{(closed - int(people.registered[row])) // 3600} ч" if done else "",
        "text": world.complaint(row),
        "answer": world.texts.answer(row, done, solved, executor) if first <= now else "",
    }


def _undated(world: World) -> Iterator[dict[str, Any]]:
    """Rows of the short layout: a text corpus, outside the population."""
    groups = [group for group in world.scenario.vocabulary.groups.values() if group.id != "thanks"]
    for number in range(world.scenario.incident.undated):
        group = groups[number % len(groups)]
        territory = world.scenario.territories[number % len(world.scenario.territories)]
        text = world.texts.complaint(
            10_000_000 + number, group.id, group.topics[0], "complaint", territory.name
        )
        yield {
            "network": "ВКонтакте",
            "group": group.names[0],
            "topic": group.topics[number % len(group.topics)],
            "region": world.scenario.region.name,
            "municipality": territory.name,
            "text": text,
        }


def _step(outcome: str, done: bool, answered: bool, started: bool, assigned: bool, interim: bool) -> str:
    if done:
        return "Отложен" if outcome == "postponed" else "Готово"
    if answered:
        return "Промежуточный ответ" if interim else "Ответ на проверке"
    return "В работе" if started else "Назначен" if assigned else "Новый"


def _office(world: World, territory: int) -> tuple[str, str]:
    authorities = world.scenario.authorities
    if territory >= 0:
        place = world.scenario.territories[territory]
        own = next((a.name for a in authorities if a.territory == place.id), f"Администрация, {place.name}")
        return own, "Муниципальный отдел"
    return (authorities[0].name if authorities else world.scenario.region.name), "Региональный отдел"


def _moment(world: World, seconds: int, noise: int) -> dt.datetime | str | None:
    """Local wall time: an Excel date in a third of the cells, else a day-first string."""
    if seconds >= NEVER:
        return None
    local = dt.datetime.fromtimestamp(seconds, world.scenario.zone).replace(tzinfo=None)
    return local if noise % 3 == 0 else local.strftime("%d.%m.%Y %H:%M")


def _write(path: Path, layout: Layout, rows: Iterable[dict[str, Any]]) -> None:
    """Beside the target first, then in its place: a reader never meets half a workbook."""
    draft = path.with_name(f".{path.name}.draft")
    options = {"strings_to_urls": False, "strings_to_formulas": False}
    with xlsxwriter.Workbook(str(draft), options) as book:
        book.set_properties({"created": _FIXED_DATE})
        sheet = book.add_worksheet("Выгрузка")
        bold = book.add_format({"bold": True, "text_wrap": True})
        date = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        places = [
            (xl_cell_to_rowcol(f"{letter}1")[1], header, field) for letter, header, field in layout.columns
        ]
        top = 0
        if layout.title:
            sheet.merge_range(0, 0, 0, places[-1][0], layout.title, bold)
            top = 1
        for column, header, _ in places:
            sheet.write_string(top, column, header, bold)
        for number, row in enumerate(rows, top + 1):
            for column, _, field in places:
                value = row.get(field)
                if value is None or value == "":
                    continue
                if isinstance(value, dt.datetime):
                    sheet.write_datetime(number, column, value, date)
                elif isinstance(value, int):
                    sheet.write_number(number, column, value)
                else:
                    sheet.write_string(number, column, value)
    os.replace(draft, path)
