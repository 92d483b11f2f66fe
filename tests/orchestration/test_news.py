"""What the centre is told: signals, overdue waves, red territories; each once, with numbers and a link."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.config import Settings, load_settings
from orchestration.news import tell
from publishing.release import Shelf, point_current

TABLES = {
    "facts/dim_regions": "region_id varchar, name varchar",
    "marts/risk_signals": (
        "region_id varchar, territory_id varchar, territory_name varchar, topic_group varchar, "
        "topic_group_label varchar, topic_id varchar, topic_label varchar, started_on date, ended_on date, "
        "appeals bigint, expected_appeals double"
    ),
    "marts/authorities_monthly": (
        "region_id varchar, month_start date, authority_id varchar, authority_name varchar, "
        "overdue_appeals bigint"
    ),
    "marts/territories_current": (
        "region_id varchar, territory_id varchar, territory_name varchar, heat_level varchar, "
        "appeals bigint, appeals_30_days_before bigint"
    ),
}
COLD = ("north", "town", "Мойгород", "heating", "ЖКХ", "all", "все темы", "2026-11-19", "2026-11-20", 40, 6.2)
COLDER = (
    "north",
    "town",
    "Мойгород",
    "heating",
    "ЖКХ",
    "h1",
    "Отопление",
    "2026-11-19",
    "2026-11-19",
    20,
    1.0,
)
OLD = ("north", "town", "Мойгород", "roads", "Дороги", "all", "все темы", "2026-10-01", "2026-10-02", 30, 3.0)


class Centre:
    """A deployment whose releases a test writes, and the messages it sends."""

    def __init__(self, data: Path) -> None:
        self.shelf = Shelf(data / "published")
        self.sent: list[tuple[str, str]] = []
        self.takes = True
        key = "6d0f3a7c19e84b52c7f0a1d95be2836440dd87f1c2a95e3b"
        report = "https://centre.test/report/"
        environment = {"OTKLIK_DATA": str(data), "OTKLIK_HMAC_KEY": key, "OTKLIK_REPORT_URL": report}
        self.settings: Settings = load_settings(environment)

    def publish(
        self,
        day: int,
        signals: tuple[Any, ...] = (),
        overdue: tuple[int, int] = (10, 5),
        level: str = "yellow",
        hour: int = 6,
    ) -> None:
        rows = {
            "facts/dim_regions": [("north", "Северный край")],
            "marts/risk_signals": list(signals),
            "marts/authorities_monthly": [
                ("north", "2026-10-01", "adm", "Администрация", overdue[0]),
                ("north", "2026-11-01", "adm", "Администрация", overdue[1]),
                ("north", "2026-11-01", "unknown", None, 10_000 * day),
            ],
            "marts/territories_current": [("north", "town", "Мойгород", level, 120, 80)],
        }
        name = f"202611{day:02}T{hour:02}0000Z-{len(self.shelf.release_ids()):08x}"
        folder = self.shelf.releases / name
        tables = {}
        with duckdb.connect() as connection:
            for path, columns in TABLES.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                connection.execute(f"create or replace table one ({columns})")
                for row in rows[path]:
                    connection.execute(f"insert into one values ({', '.join('?' * len(row))})", row)
                connection.execute(f"copy one to '{folder / path}.parquet'")
                tables[path] = {"files": [{"path": f"{path}.parquet"}]}
        manifest = {"id": name, "as_of": f"2026-11-{day:02}T{hour:02}:00:00Z", "tables": tables}
        (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        point_current(self.shelf, name)

    def look(self) -> list[str]:
        """Keys of what one pass told."""

        def send(title: str, body: str) -> bool:
            self.sent.append((title, body))
            return self.takes

        return [one.key for one in tell(self.settings, send)]


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return Centre(tmp_path)


def test_a_signal_is_told_once_and_speaks_for_its_topics(centre: Centre) -> None:
    centre.publish(20, (OLD, COLD, COLDER))

    assert centre.look() == ["signal:north/town/heating/all/2026-11-19"]
    ((title, body),) = centre.sent
    assert title == "Отклик: новое в регионе (1)"
    assert "Северный край. Сигнал риска: Мойгород, ЖКХ: с 19.11 обращений 40, обычно 6" in body
    assert "https://centre.test/report/index.html#territory=town&topic=heating" in body
    assert centre.look() == []
    centre.publish(20, (COLD,), hour=7)
    assert centre.look() == []
    assert len(centre.sent) == 1


@pytest.mark.parametrize(
    ("now", "is_wave"), [((10, 15), True), ((10, 14), False), ((20, 5), True), ((5, 5), False)]
)
def test_overdue_appeals_that_grow_sharply_in_a_day_are_a_wave(
    centre: Centre, now: tuple[int, int], is_wave: bool
) -> None:
    centre.publish(19, overdue=(10, 5))
    centre.publish(20, overdue=now, hour=5)  # not a day older: nothing to hold it against but day 19
    assert centre.look() == []
    centre.publish(20, overdue=now)

    assert centre.look() == (["overdue:north/adm/2026-11-20"] if is_wave else [])
    if is_wave:
        assert f"Администрация: было 15 сутки назад, стало {sum(now)}" in centre.sent[0][1]


def test_turning_red_is_news_and_being_red_is_none(centre: Centre) -> None:
    centre.publish(18, level="yellow")
    centre.publish(19, level="red")
    assert centre.look() == ["heat:north/town/2026-11-19"]
    assert "Мойгород: обращений за 30 дней 120, за 30 дней до них 80" in centre.sent[0][1]
    centre.publish(20, level="red")
    assert centre.look() == []


def test_without_an_older_release_only_signals_are_told(centre: Centre) -> None:
    centre.publish(20, (COLD,), overdue=(500, 500), level="red")
    assert centre.look() == ["signal:north/town/heating/all/2026-11-19"]


def test_what_was_not_taken_is_told_again(centre: Centre) -> None:
    centre.publish(20, (COLD,))
    centre.takes = False
    assert centre.look() == []
    centre.takes = True
    assert centre.look() == ["signal:north/town/heating/all/2026-11-19"]


def test_nobody_is_told_where_no_address_is_set(centre: Centre) -> None:
    centre.publish(20, (COLD,))
    assert tell(centre.settings) == []
    assert not (centre.settings.data / "news.json").exists()
