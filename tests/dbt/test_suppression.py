"""An attacker who holds a whole release and solves for what is hidden in the demographics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog
from scipy.sparse import lil_matrix

from sandbox.population import POS, populate
from sandbox.scenario import load_scenario
from tests.dbt.support import Street

K = 10
AGES = ("under 18", "18-25", "25-35", "35-45", "45-55", "55-65", "65+")
MONTHS = tuple(date(2025, month, 1) for month in range(1, 13))
# appeals of ПОС a month, topics: from a small district to a large region
SIZES = {"s60": (60, 5), "s250": (250, 6), "s900": (900, 6), "s4000": (4000, 6), "even": (1300, 4)}


def _random(name: str, monthly: int, topics: int) -> pd.DataFrame:
    chance = np.random.default_rng(len(name) * 1000 + monthly)
    age = np.array([1, 7, 22, 29, 19, 13, 9]) if name != "even" else np.ones(7)
    topic = 1 / (np.arange(topics) + 1) ** 1.5
    expected = monthly * (topic / topic.sum())[:, None] * age / age.sum()
    rows = [
        (name, month, f"g{group}", AGES[place], int(appeals))
        for month in MONTHS
        for (group, place), appeals in np.ndenumerate(chance.poisson(expected))
        if appeals
    ]
    return pd.DataFrame(rows, columns=["region_id", "local_date", "topic_group", "age_group", "appeals"])


def _demo() -> pd.DataFrame:
    scenario = load_scenario("demo")
    people = populate(scenario)
    rows = people.rows(POS)
    start = pd.Timestamp(scenario.period.since)
    frame = pd.DataFrame(
        {
            "region_id": "demo",
            "local_date": (start + pd.to_timedelta(people.day[rows], unit="D")).date,
            "topic_group": [scenario.vocabulary.group_ids[code] for code in people.group[rows]],
            "age_group": [scenario.vocabulary.age_groups[code] for code in people.age[rows]],
            "appeals": 1,
        }
    )
    return frame.groupby(list(frame.columns[:4]), as_index=False).sum()


@pytest.fixture
def released(street: Street) -> Street:
    """The demographics of random regions and of the demo."""
    written = pd.concat([*(_random(name, *size) for name, size in SIZES.items()), _demo()])
    with duckdb.connect(str(street.path)) as connection:
        connection.execute("delete from facts.int_appeals_daily")
        connection.register("written", written)
        connection.execute(
            """
            insert into facts.int_appeals_daily by name
            select
                written.*, 'pos' as source, 'pos' as channel, 'complaint' as kind, 'unknown' as territory_id,
                0 as solved_appeals, 0 as answered_appeals, 0 as first_answer_seconds, 0 as handled_appeals,
                0 as handling_seconds
            from written
            """
        )
        for name in (*SIZES, "demo"):
            connection.execute(
                "insert into facts.dim_regions (region_id, name, time_zone) values (?, 'Край', 'Asia/Omsk')",
                [name],
            )
    street.as_of = "2026-12-15 00:00:00"
    street.build("demographics_monthly", "demographics_yearly")
    return street


class Attack:
    """What a release says of one region's cells (age × topic × month), as a linear programme."""

    def __init__(self, street: Street, region: str) -> None:
        where = f"where region_id = '{region}'"
        months = street.query(
            f"select topic_group, month_start, age_range, appeals from marts.demographics_monthly {where}"
        )
        years = street.query(
            f"select topic_group, year_start, age_range, appeals from marts.demographics_yearly {where}"
        )
        # anybody counts these in facts.fct_appeals
        totals = street.query(
            "select topic_group, cast(date_trunc('month', local_date) as date), cast(sum(appeals) as integer)"
            f" from facts.int_appeals_daily {where} group by all"
        )
        self.cells = {(topic, month, age): number for number, (topic, month, age, _) in enumerate(months)}
        self.months, self.totals = months, {(topic, month): total for topic, month, total in totals}
        self.hidden_years = [(topic, year, age) for topic, year, age, appeals in years if appeals is None]
        rows: list[tuple[list[int], float]] = []
        for topic, month, age, appeals in months:
            if appeals is not None:
                rows.append(([self.cells[topic, month, age]], appeals))
        for (topic, month), total in self.totals.items():
            row = [number for (t, m, _), number in self.cells.items() if (t, m) == (topic, month)]
            if row:
                rows.append((row, total))
        for topic, year, age, appeals in years:
            if appeals is not None:
                rows.append((self.of_year(topic, year, age), appeals))
        self.matrix = lil_matrix((len(rows), len(self.cells)))
        for place, (numbers, _) in enumerate(rows):
            for number in numbers:
                self.matrix[place, number] = 1
        self.matrix, self.sides = self.matrix.tocsr(), [side for _, side in rows]
        self.orders, self.limits = self._most_active_age(street, region)

    def of_year(self, topic: str, year: date, age: str) -> list[int]:
        return [
            number
            for (t, month, a), number in self.cells.items()
            if (t, a) == (topic, age) and month.year == year.year
        ]

    def _most_active_age(self, street: Street, region: str) -> tuple[lil_matrix, list[float]]:
        """The year review says which age wrote most: no other one has more appeals."""
        ((most,),) = street.query(
            f"select age_group from facts.int_appeals_daily where region_id = '{region}'"
            " and age_group <> 'unknown'"
            " group by 1 order by sum(appeals) desc, 1 limit 1"
        )
        ages = sorted({age for _, _, age in self.cells} - {most})
        orders = lil_matrix((len(ages), len(self.cells)))
        for place, other in enumerate(ages):
            for (_, _, age), number in self.cells.items():
                if age in (most, other):
                    orders[place, number] = 1 if age == other else -1
        return orders.tocsr(), [0.0] * len(ages)

    def interval(self, numbers: list[int]) -> tuple[float, float]:
        """Least and greatest sum of these cells that agrees with the whole release."""
        objective = np.zeros(len(self.cells))
        objective[numbers] = 1
        bounds = []
        for sign in (1, -1):
            solved = linprog(
                sign * objective,
                A_ub=self.orders,
                b_ub=self.limits,
                A_eq=self.matrix,
                b_eq=self.sides,
                bounds=(0, None),
            )
            assert solved.status == 0, solved.message
            bounds.append(sign * solved.fun)
        return bounds[0], bounds[1]


def _truth(street: Street, region: str) -> Mapping[tuple[str, date, str], int]:
    return {
        (topic, month, age): appeals
        for topic, month, age, appeals in street.query(
            "select topic_group, cast(date_trunc('month', local_date) as date), age_group,"
            f" cast(sum(appeals) as integer) from facts.int_appeals_daily where region_id = '{region}'"
            " group by all"
        )
    }


def _hidden(
    attack: Attack, truth: Mapping[tuple[str, date, str], int]
) -> Iterator[tuple[list[int], int, int]]:
    """Hidden counts below ten: their cells, their value, and what their row hides in all."""
    chance = np.random.default_rng(5)
    small = [
        (topic, month, age)
        for topic, month, age, appeals in attack.months
        if appeals is None and truth.get((topic, month, age), 0) < K
    ]
    for place in chance.permutation(len(small))[:60]:
        topic, month, age = small[place]
        hidden = sum(
            truth.get((t, m, a), 0)
            for t, m, a, appeals in attack.months
            if (t, m) == (topic, month) and appeals is None
        )
        yield [attack.cells[topic, month, age]], truth.get((topic, month, age), 0), hidden
    for topic, year, age in attack.hidden_years:
        numbers = attack.of_year(topic, year, age)
        cells = [key for key, number in attack.cells.items() if number in numbers]
        value = sum(truth.get(cell, 0) for cell in cells)
        if value < K:
            others = [key[2] for key in attack.hidden_years if key[:2] == (topic, year)]
            hidden = sum(truth.get((topic, month, a), 0) for _, month, _ in cells for a in others)
            yield numbers, value, hidden


def test_no_small_count_can_be_solved_for(released: Street) -> None:
    narrow, tried = [], 0
    for region in (*SIZES, "demo"):
        attack, truth = Attack(released, region), _truth(released, region)
        for numbers, value, hidden in _hidden(attack, truth):
            low, high = attack.interval(numbers)
            tried += 1
            assert low - 1e-6 <= value <= high + 1e-6, "the attacker's programme holds the truth"
            # where a row has fewer appeals than ten in all, its published total says no less than we do
            if high - low < min(K, hidden) - 1e-6:
                narrow.append((region, numbers, value, hidden, low, high))
    assert tried > 200
    assert narrow == []


def test_small_counts_are_hidden_and_large_tables_still_say_something(released: Street) -> None:
    small = released.query("select min(appeals) from marts.demographics_monthly where not is_suppressed")
    assert small[0][0] >= K
    assert released.query("select min(appeals) from marts.demographics_yearly") >= [(K,)]
    shares = dict(
        released.query(
            "select region_id, avg(case when is_suppressed then 1.0 else 0 end)"
            " from marts.demographics_yearly"
            " group by 1"
        )
    )
    assert shares["s60"] > 0.5
    assert shares["s4000"] < 0.4
    # the demo's year has not ended: only its complete months are told
    assert "demo" not in shares
    assert released.query(
        "select count(distinct month_start), count(appeals) > 50 from marts.demographics_monthly"
        " where region_id = 'demo'"
    ) == [(4, True)]
