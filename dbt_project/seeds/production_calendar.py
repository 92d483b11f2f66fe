"""Write seeds/production_calendar.csv, Russia's production calendar, from the `holidays` library.

Run `python dbt_project/seeds/production_calendar.py` after a new year's calendar is decided and the library
knows it; a test compares the file with what this script gives.

Working hours are 09:00-18:00 local time. A working day right before a public holiday ends an hour earlier
(Labour Code, article 95); so does a moved working Saturday that stands for such a day.
"""

import csv
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import holidays

FIRST_YEAR, LAST_YEAR = 2019, 2027
OPENS_AT_SECOND = 9 * 3600
WORKING_SECONDS = 9 * 3600
SHORT_SECONDS = 8 * 3600
PUBLIC_HOLIDAYS = {*((1, day) for day in range(1, 9)), (2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4)}
MOVED = re.compile(r"substituted from (\d\d)/(\d\d)/(\d{4})")


def calendar_rows() -> Iterator[tuple[dt.date, str, int, int]]:
    """Yield (local_date, day_kind, opens_at_second, working_seconds) for each day of the years."""
    free = holidays.country_holidays("RU", years=range(FIRST_YEAR, LAST_YEAR + 1), language="en_US")
    moved_from: dict[dt.date, dt.date] = {}
    for day, name in free.items():
        if match := MOVED.search(name):
            month, day_of_month, year = (int(part) for part in match.groups())
            moved_from[dt.date(year, month, day_of_month)] = day

    day = dt.date(FIRST_YEAR, 1, 1)
    while day.year <= LAST_YEAR:
        is_moved_working_day = day in free.weekend_workdays
        if day in free:
            kind = "holiday"
        elif day.weekday() >= 5 and not is_moved_working_day:
            kind = "weekend"
        else:
            stands_for = moved_from.get(day, day) if is_moved_working_day else day
            eves = {stands_for + dt.timedelta(days=1), day + dt.timedelta(days=1)}
            kind = "short" if any((eve.month, eve.day) in PUBLIC_HOLIDAYS for eve in eves) else "working"
        seconds = {"working": WORKING_SECONDS, "short": SHORT_SECONDS}.get(kind, 0)
        yield day, kind, OPENS_AT_SECOND, seconds
        day += dt.timedelta(days=1)


def main() -> None:
    """Write the seed beside this script."""
    with Path(__file__).with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["local_date", "day_kind", "opens_at_second", "working_seconds"])
        writer.writerows(calendar_rows())


if __name__ == "__main__":
    main()
