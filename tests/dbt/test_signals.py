"""Risk signals on half a year of a region with planted outbreaks: how many are found, how many are false."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import numpy as np
import pandas as pd

from tests.dbt.support import Street

FIRST = date(2026, 1, 5)
DAYS = 26 * 7
REGIONS = 6
OUTBREAKS = 8
# People × activity of the demo's municipalities, weights of its topic groups, 220 appeals a day in all.
PLACES = np.array([618, 105.6, 52.2, 77.9, 23.5, 27.3, 45.4, 11, 12.5, 16.1, 5.9, 2.5])
GROUPS = np.array([190, 145, 130, 72, 69, 42, 38, 34, 23, 17, 14, 6, 7, 6, 5, 3, 2, 3, 2, 2])
TOPICS = 1 / (np.arange(7) + 2)
WEEKDAY = np.array([1.15, 1.1, 1.05, 1, 1, 0.7, 0.55])
Planted = tuple[str, str, str, date, date]


def _region(name: str, seed: int) -> tuple[pd.DataFrame, list[Planted]]:
    chance = np.random.default_rng(seed)
    usual = 220 * (PLACES / PLACES.sum())[:, None, None] * (GROUPS / GROUPS.sum())[:, None]
    usual = usual * TOPICS / TOPICS.sum()
    # what is usual moves: by half in six weeks, and back
    season = np.interp(np.arange(DAYS), [0, 30, 45, 90, DAYS], [0.8, 0.9, 1.3, 1.0, 0.8])
    counts = chance.poisson(usual * (np.resize(WEEKDAY, DAYS) * season)[:, None, None, None])
    planted = []
    for _ in range(OUTBREAKS):
        place, group = int(chance.integers(len(PLACES))), int(chance.integers(12))
        begin, length = int(chance.integers(60, DAYS - 12)), int(chance.integers(4, 11))
        a_day = max(8.0, 3 * usual[place, group].sum())
        counts[begin : begin + length, place, group] += chance.poisson(
            a_day * TOPICS / TOPICS.sum(), (length, len(TOPICS))
        )
        since = FIRST + timedelta(days=begin)
        planted.append((name, f"t{place}", f"g{group}", since, since + timedelta(days=length - 1)))
    day, place, group, topic = np.nonzero(counts)
    frame = pd.DataFrame(
        {
            "region_id": name,
            "local_date": [FIRST + timedelta(days=int(number)) for number in day],
            "topic_group": [f"g{number}" for number in group],
            "topic_id": [f"g{g}-{number}" for g, number in zip(group, topic, strict=True)],
            "territory_id": [f"t{number}" for number in place],
            "appeals": counts[day, place, group, topic],
        }
    )
    return frame, planted


def test_planted_outbreaks_are_found_and_little_else(street: Street) -> None:
    regions = [_region(f"r{number}", number) for number in range(REGIONS)]
    written = pd.concat([frame for frame, _ in regions])
    planted = [outbreak for _, outbreaks in regions for outbreak in outbreaks]
    with duckdb.connect(str(street.path)) as connection:
        connection.execute("delete from facts.int_topics_daily")
        connection.register("written", written)
        connection.execute("insert into facts.int_topics_daily by name select * from written")
        for number in range(REGIONS):
            connection.execute(
                "insert into facts.dim_regions (region_id, name, time_zone) values (?, 'Край', 'Asia/Omsk')",
                [f"r{number}"],
            )
    street.as_of = "2026-07-06 00:00:00"
    street.build("int_alarms", "risk_signals", refresh=True)

    signals = street.query(
        "select region_id, territory_id, topic_group, started_on, ended_on from marts.risk_signals"
    )

    def belongs(signal: tuple[str, str, str, date, date], outbreak: Planted) -> bool:
        return signal[:3] == outbreak[:3] and signal[3] <= outbreak[4] and signal[4] >= outbreak[3]

    found = [outbreak for outbreak in planted if any(belongs(signal, outbreak) for signal in signals)]
    false = [signal for signal in signals if not any(belongs(signal, outbreak) for outbreak in planted)]
    recall = len(found) / len(planted)
    # signals are looked for from the fifth week on
    false_a_week = len(false) / (REGIONS * (DAYS / 7 - 4))
    print(f"recall {recall:.3f} of {len(planted)}, {false_a_week:.2f} false signals per region and week")
    assert recall >= 0.95
    assert false_a_week <= 1
