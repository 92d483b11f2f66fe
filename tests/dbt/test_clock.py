"""Deadlines, working time and zones against a clock that walks the real calendar minute by minute."""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from tests.dbt import rows
from tests.dbt.support import PROJECT, Street

MINUTE = timedelta(minutes=1)
EPOCH = datetime(2019, 1, 1)
CASES = 2_100
ZONES = {
    "north": "Asia/Yekaterinburg",
    "west": "Europe/Kaliningrad",
    "volga": "Europe/Volgograd",  # from UTC+4 back to UTC+3 on 27 December 2020
    "omsk": "Asia/Omsk",
    "tomsk": "Asia/Tomsk",  # from UTC+6 to UTC+7 on 29 May 2016
    "far": "Asia/Kamchatka",
}
# Weekends, the short eve of a holiday, the New Year break, a working Saturday, midnight, the edges of a day.
CHOSEN = [
    ("north", "2025-12-31 16:30", "2026-01-12 09:10"),
    ("north", "2026-06-11 16:59", "2026-06-15 09:00"),
    ("north", "2026-06-11 17:00", "2026-06-15 09:01"),
    ("far", "2025-11-01 10:00", "2025-11-01 15:30"),
    ("west", "2026-03-06 18:00", "2026-03-10 08:59"),
    ("omsk", "2026-03-09 00:00", "2026-03-10 23:59"),
    ("tomsk", "2026-03-10 08:59", "2026-03-10 09:01"),
    ("volga", "2020-12-25 17:30", "2020-12-28 09:30"),
    ("volga", "2020-12-26 23:59", "2020-12-27 03:00"),
    ("volga", "2019-12-30 12:00", "2020-01-09 12:00"),
    ("far", "2026-12-31 23:59", "2027-01-11 00:00"),
    ("omsk", "2021-05-01 00:00", "2021-05-11 00:00"),  # the days between the May holidays were given off
]
Case = tuple[str, datetime, datetime]


@cache
def worked_minutes() -> list[int]:
    """Every minute of the production calendar in which work is done, counted from EPOCH, one by one."""
    with (PROJECT / "seeds" / "production_calendar.csv").open(encoding="utf-8") as file:
        days = {
            date.fromisoformat(row["local_date"]): (
                int(row["opens_at_second"]) // 60,
                int(row["working_seconds"]) // 60,
            )
            for row in csv.DictReader(file)
        }
    found = []
    for day, (opens, minutes) in sorted(days.items()):
        first = (datetime.combine(day, datetime.min.time()) - EPOCH) // MINUTE
        found += [first + minute for minute in range(1440) if opens <= minute < opens + minutes]
    return found


def worked_between(start: datetime, end: datetime) -> int:
    """Worked minutes that begin in the span."""
    return bisect_left(worked_minutes(), (end - EPOCH) // MINUTE) - bisect_left(
        worked_minutes(), (start - EPOCH) // MINUTE
    )


def after(start: datetime, minutes: int) -> datetime:
    """The end of the n-th worked minute from a moment on."""
    first = bisect_left(worked_minutes(), (start - EPOCH) // MINUTE)
    return EPOCH + (worked_minutes()[first + minutes - 1] + 1) * MINUTE


def utc(local: datetime, zone: str) -> datetime:
    """The UTC moment of a wall-clock time."""
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


def drawn_cases() -> list[Case]:
    """Cases as hypothesis draws them: it likes midnights, turns of years and empty spans."""
    drawn: list[Case] = []
    moments = st.datetimes(datetime(2019, 1, 2), datetime(2027, 11, 30)).map(
        lambda moment: moment.replace(second=0, microsecond=0)
    )
    holidays = st.builds(
        lambda year, minutes: datetime(year, 12, 28) + minutes * MINUTE,
        st.integers(2019, 2026),
        st.integers(0, 16 * 1440),
    )
    midnights = moments.map(lambda moment: moment.replace(hour=0, minute=0))

    @settings(
        max_examples=CASES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(sorted(ZONES)),
        st.one_of(moments, holidays, midnights),
        st.one_of(st.integers(0, 600), st.integers(0, 14 * 1440)),
    )
    def draw(region: str, start: datetime, minutes: int) -> None:
        drawn.append((region, start, start + minutes * MINUTE))

    draw()
    return drawn


def chosen_cases() -> Iterator[Case]:
    for region, start, end in CHOSEN:
        yield region, datetime.fromisoformat(start), datetime.fromisoformat(end)


def test_working_time_and_deadlines_are_those_of_a_walk_through_the_calendar(street: Street) -> None:
    cases = [*chosen_cases(), *drawn_cases()]
    assert len(cases) > 2_000
    for region, zone in ZONES.items():
        street.load(rows.registry(zone), region=region)
        own = [
            rows.incident(
                f"clock {place}",
                utc(start, zone).isoformat(),
                answered=utc(end, zone).isoformat(),
            )
            for place, (name, start, end) in enumerate(cases)
            if name == region
        ]
        street.load(rows.merged(*own), region=region)
    street.build("path:models/staging", "path:models/facts", skip=["tag:after_gate"])
    found = street.query(
        """
        select region_id, registered_at, first_response_at, first_answer_working_minutes, first_due_at
        from facts.fct_appeals
        inner join staging.stg_incident__appeals using (appeal_id, region_id)
        where first_answered_at is not null and registered_at <> '2026-06-01 06:00:00'
        order by all
        """
    )
    expected = sorted(
        (
            region,
            utc(start, ZONES[region]),
            utc(end, ZONES[region]),
            float(worked_between(start, end)),
            utc(after(start, 9 * 60), ZONES[region]),
        )
        for region, start, end in cases
    )
    differing = [pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1]]
    assert differing == []


class _Adapter:
    """`adapter.dispatch` outside dbt: DuckDB's own spelling of a macro."""

    module: Any

    def dispatch(self, name: str, package: str) -> Any:
        return getattr(self.module, f"duckdb__{name}")


ADAPTER = _Adapter()
_SQL = Environment(autoescape=False)  # noqa: S701 - the templates make SQL, not HTML
_SQL.globals["adapter"] = ADAPTER
ADAPTER.module = _SQL.from_string((PROJECT / "macros" / "dialect" / "time.sql").read_text("utf-8")).module
CONNECTION = duckdb.connect()
CONNECTION.execute("set timezone to 'UTC'")


@settings(max_examples=2_000, deadline=None, database=None, derandomize=True)
@given(st.datetimes(datetime(2014, 1, 1), datetime(2027, 12, 31)), st.sampled_from(sorted(ZONES.values())))
@example(datetime(2016, 5, 28, 20, 0), "Asia/Tomsk")
@example(datetime(2016, 5, 28, 19, 59, 59), "Asia/Tomsk")
@example(datetime(2018, 10, 27, 23, 0), "Europe/Volgograd")
@example(datetime(2020, 12, 26, 22, 0), "Europe/Volgograd")
@example(datetime(2020, 12, 26, 21, 59, 59), "Europe/Volgograd")
@example(datetime(2014, 10, 25, 20, 0), "Asia/Omsk")
def test_local_time_is_that_of_the_zones_history(moment: datetime, zone: str) -> None:
    local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    there, back = ADAPTER.module.local_time("moment", "zone"), ADAPTER.module.utc_time("local_moment", "zone")
    row = CONNECTION.execute(
        f"select {there}, {back}"
        " from (select ?::timestamp as moment, ?::timestamp as local_moment, ? as zone)",
        [moment, local, zone],
    ).fetchone()
    assert row is not None
    assert row[0] == local
    # an hour that a zone repeats is either of the two
    folds = {
        local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC).replace(tzinfo=None)
        for fold in (0, 1)
    }
    assert row[1] in folds
