"""Deadlines and working time against a clock that walks the real calendar minute by minute."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.dbt import rows
from tests.dbt.support import PROJECT, Street

ZONE = ZoneInfo("Asia/Yekaterinburg")
MINUTE = timedelta(minutes=1)
# Weekends, the short eve of a holiday, the New Year break, a working Saturday, midnight, the edges of a day.
CHOSEN = [
    ("2025-12-31 16:30", "2026-01-12 09:10"),
    ("2026-06-11 16:59", "2026-06-15 09:00"),
    ("2026-06-11 17:00", "2026-06-15 09:01"),
    ("2025-11-01 10:00", "2025-11-01 15:30"),
    ("2026-03-06 18:00", "2026-03-10 08:59"),
    ("2026-03-09 00:00", "2026-03-10 23:59"),
    ("2026-03-10 08:59", "2026-03-10 09:01"),
]


def _calendar() -> dict[date, tuple[int, int]]:
    """Minute of the day work begins, and minutes worked, by day."""
    with (PROJECT / "seeds" / "production_calendar.csv").open(encoding="utf-8") as file:
        return {
            date.fromisoformat(row["local_date"]): (
                int(row["opens_at_second"]) // 60,
                int(row["working_seconds"]) // 60,
            )
            for row in csv.DictReader(file)
        }


def _is_worked(moment: datetime, calendar: Mapping[date, tuple[int, int]]) -> bool:
    opens, minutes = calendar[moment.date()]
    return opens <= moment.hour * 60 + moment.minute < opens + minutes


def _worked_between(start: datetime, end: datetime, calendar: Mapping[date, tuple[int, int]]) -> int:
    steps = int((end - start) / MINUTE)
    return sum(_is_worked(start + step * MINUTE, calendar) for step in range(steps))


def _after(start: datetime, minutes: int, calendar: Mapping[date, tuple[int, int]]) -> datetime:
    moment = start
    while minutes:
        minutes -= _is_worked(moment, calendar)
        moment += MINUTE
    return moment


def _utc(local: datetime) -> datetime:
    return local.replace(tzinfo=ZONE).astimezone(UTC).replace(tzinfo=None)


def test_working_time_and_deadlines_are_those_of_a_walk_through_the_calendar(street: Street) -> None:
    calendar = _calendar()
    choice = random.Random(2026)
    cases = [tuple(map(datetime.fromisoformat, pair)) for pair in CHOSEN]
    for _ in range(33):
        start = datetime(2025, 12, 20) + timedelta(minutes=choice.randrange(120 * 24 * 60))
        cases.append((start, start + timedelta(minutes=choice.randrange(6 * 24 * 60))))
    incidents = [
        rows.incident(f"clock {place}", _utc(start).isoformat(), answered=_utc(end).isoformat())
        for place, (start, end) in enumerate(cases)
    ]
    street.load(rows.merged(*incidents))
    street.build(skip=["path:models/marts", "tag:after_gate"])
    found = street.query(
        """
        select registered_at, first_response_at, first_answer_working_minutes, first_due_at
        from facts.fct_appeals
        where source = 'incident' and load_seq = (select max(load_seq) from facts.fct_appeals)
        order by all
        """
    )
    expected = [
        (
            _utc(start),
            _utc(end),
            float(_worked_between(start, end, calendar)),
            _utc(_after(start, 9 * 60, calendar)),
        )
        for start, end in cases
    ]
    assert found == sorted(expected)
