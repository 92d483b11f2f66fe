"""The exports keep their four layouts, their local moments, and the sandbox's now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from python_calamine import CalamineWorkbook
from xlsxwriter.utility import xl_cell_to_rowcol

from sandbox.incident import write_exports
from sandbox.incident_layouts import LAYOUTS
from sandbox.population import INCIDENT
from sandbox.scenario import Scenario, iso
from sandbox.world import World

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client

# SOURCES.md: where each layout keeps what.
_TEXT = "AI Текст инцидента"
_LETTERS = {
    1: f"R Дата создания|S Дата закрытия|T Группа тем|U Тема|V Регион|W Муниципалитет|{_TEXT}",
    2: f"T Группа тем|U Тема|V Регион|W Муниципалитет|{_TEXT}",
    3: "T Дата создания|U Дата окончания|V Группа тем|W Муниципалитет|X Населенный пункт|Y Улица|Z Дом"
    f"|AC Тип инцидента|AR Теги|{_TEXT}",
    4: f"T Дата создания|U Дата окончания|V Группа тем|W Тема|Y Муниципалитет|Z Населенный пункт|{_TEXT}",
}


def _rows(path: Path) -> list[list[Any]]:
    return CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python(skip_empty_area=False)


@pytest.mark.parametrize("layout", [1, 2, 3, 4])
def test_columns_stand_where_the_layout_keeps_them(layout: int, tiny: Scenario, tmp_path: Path) -> None:
    write_exports(World.of(tiny), tmp_path)
    (path,) = tmp_path.glob(f"*_{LAYOUTS[layout].name}.xlsx")
    rows = _rows(path)
    top = 1 if LAYOUTS[layout].title else 0  # a merged title row above the headers
    assert rows[0][0] == (LAYOUTS[layout].title or LAYOUTS[layout].columns[0][1])
    for letter, header in (named.split(" ", 1) for named in _LETTERS[layout].split("|")):
        assert rows[top][xl_cell_to_rowcol(f"{letter}1")[1]] == header
    assert len(rows) > top + 1
    assert all(row[xl_cell_to_rowcol("AI1")[1]] for row in rows[top + 1 :])


def test_moments_are_local_wall_time_in_two_spellings(demo: World, tmp_path: Path) -> None:
    write_exports(demo, tmp_path)
    column, texts, excel = xl_cell_to_rowcol("R1")[1], 0, 0
    created = set()
    for path in tmp_path.glob("*_cabinet.xlsx"):
        for row in _rows(path)[1:]:
            if isinstance(row[column], str):
                texts += 1
                created.add(dt.datetime.strptime(row[column], "%d.%m.%Y %H:%M"))  # noqa: DTZ007 - local
            else:
                excel += 1
    assert texts > 0
    assert excel > 0
    people = demo.population
    moments = people.registered[(people.source == INCIDENT) & (people.layout == 1)]
    local = {
        dt.datetime.fromtimestamp(int(second), demo.scenario.zone).replace(tzinfo=None) for second in moments
    }
    assert created < local


def test_layout_2_has_neither_dates_nor_ids(tiny: Scenario, tmp_path: Path) -> None:
    write_exports(World.of(tiny), tmp_path)
    header, *rows = _rows(tmp_path / "incident_short.xlsx")
    assert len(rows) == tiny.incident.undated
    assert not {"Дата создания", "ID", "Номер инцидента"} & set(header)
    assert len({row[xl_cell_to_rowcol("AI1")[1]] for row in rows}) == len(rows)


def test_equal_worlds_give_equal_bytes(tiny: Scenario, tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_exports(World.of(tiny), tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "other" / f).read_bytes() for f in files)


def test_exports_follow_now(play: Callable[..., Client], tiny: Scenario, tmp_path: Path) -> None:
    client = play(tiny, None, tmp_path)
    starts = tiny.day_starts()
    numbers = []
    for now in (starts[0], starts[4], starts[10], tiny.as_of_seconds):
        assert client.control("POST", "now", {"now": iso(now)}).json() == {"now": iso(now)}
        dated = [path for path in tmp_path.glob("*.xlsx") if "short" not in path.name]
        numbers.append(sum(len(_rows(path)) - (2 if "monitoring" in path.name else 1) for path in dated))
    assert numbers[0] == 0
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 100
