"""Statistics in SQL, run in DuckDB, against scipy and statsmodels."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pytest
from jinja2 import Environment
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.rates import confint_poisson_2indep

from tests.dbt.support import PROJECT

_SQL = Environment(autoescape=False)  # noqa: S701 - the templates make SQL, not HTML
MACROS: Any = _SQL.from_string((PROJECT / "macros" / "statistics.sql").read_text("utf-8")).module


def answers(rows: list[tuple[Any, ...]], *expressions: str) -> list[tuple[Any, ...]]:
    """What expressions over the columns c0, c1, … give for each row, in order."""
    columns = ", ".join(f"c{place}" for place in range(len(rows[0])))
    values = ", ".join("(" + ", ".join(map(repr, (place, *row))) + ")" for place, row in enumerate(rows))
    query = f"select {', '.join(expressions)} from (values {values}) as t (place, {columns}) order by place"
    return duckdb.execute(query).fetchall()


def test_the_poisson_tail_is_scipys_wherever_a_signal_could_be() -> None:
    choice = random.Random(1)
    cases = []
    for _ in range(800):
        expected = round(
            choice.choice([choice.uniform(0.1, 3), choice.uniform(1, 40), choice.uniform(20, 400)]), 3
        )
        cases.append(
            (
                max(5, math.ceil(expected), int(stats.poisson.isf(10 ** -choice.uniform(0.5, 9), expected))),
                expected,
            )
        )
    values = ", ".join(f"({observed}::double, {expected}::double)" for observed, expected in cases)
    steps = MACROS.poisson_tails("cases", ["observed", "expected"], "observed", "expected", "numbers")
    found = duckdb.execute(
        f"""
        with cases as (select distinct * from (values {values}) as t (observed, expected)),
        numbers as (select number from range(120) as t (number)), {steps}
        select observed, expected, chance from poisson_tails
        """
    ).fetchall()
    exact = 0
    for observed, expected, chance in found:
        truth = stats.poisson.sf(observed - 1, expected)
        if truth < 0.01:
            exact += 1
            assert chance == pytest.approx(truth, rel=1e-6), (observed, expected)
        else:
            assert chance >= 0.01 * (1 - 1e-6), (observed, expected)
    assert exact > 400


def test_wilsons_interval_is_statsmodels() -> None:
    cases = [
        (part, whole) for whole in (1, 2, 7, 30, 101, 5000) for part in sorted({0, 1, whole // 3, whole})
    ]
    choice = random.Random(2)
    cases += [
        (choice.randrange(whole + 1), whole) for whole in (choice.randrange(1, 9999) for _ in range(300))
    ]
    found = answers(cases, MACROS.wilson("c0", "c1", "low"), MACROS.wilson("c0", "c1", "high"))
    for (part, whole), bounds in zip(cases, found, strict=True):
        assert bounds == pytest.approx(proportion_confint(part, whole, method="wilson"), abs=1e-12)
    assert answers([(0, 0)], MACROS.wilson("c0", "c1", "low")) == [(None,)]


def test_the_rate_ratio_and_its_interval_are_statsmodels() -> None:
    choice = random.Random(3)
    cases = [
        (choice.randrange(1, 400), choice.randrange(1, 57), choice.randrange(1, 400), choice.randrange(1, 57))
        for _ in range(400)
    ]
    columns = ("c0", "c1", "c2", "c3")
    found = answers(
        cases,
        MACROS.rate_ratio(*columns),
        MACROS.rate_ratio_bound(*columns, "low"),
        MACROS.rate_ratio_bound(*columns, "high"),
    )
    for (events, exposure, before, exposure_before), (ratio, low, high) in zip(cases, found, strict=True):
        assert ratio == pytest.approx((events / exposure) / (before / exposure_before))
        wald = confint_poisson_2indep(events, exposure, before, exposure_before, "waldcc", compare="ratio")
        assert (low, high) == pytest.approx(wald, rel=1e-9)
    nothing_left, nothing_before = answers(
        [(0, 56, 3, 56), (3, 56, 0, 56)],
        MACROS.rate_ratio(*columns),
        MACROS.rate_ratio_bound(*columns, "high"),
    )
    assert nothing_left[0] == 0
    assert nothing_left[1] > 0
    assert nothing_before[0] is None


def times_to_event(rows: Sequence[tuple[int, int, bool]]) -> dict[int, dict[str, Any]]:
    """By group, from rows of group, time watched and whether the watch ended with the event."""
    values = ", ".join(map(repr, rows))
    found = duckdb.execute(
        f"""
        with moments as (
            select g, watched, count(*) filter (where answered) as events, count(*) as leaving
            from (values {values}) as t (g, watched, answered) group by g, watched
        ),
        {MACROS.times_to_event("moments", ["g"])}
        select * from times_to_event
        """
    ).df()
    return {int(row["g"]): row for row in found.replace({np.nan: None}).to_dict("records")}


def test_times_to_an_event_are_numpys_and_statsmodels() -> None:
    generator = np.random.default_rng(4)
    rows: list[tuple[int, int, bool]] = []
    for group in range(300):
        size = int(generator.integers(1, 60))
        # few different times: ties between answers, and of answers with the ends of watches
        times = generator.integers(0, 25, size) if group % 2 else generator.integers(0, 90_000, size)
        events = generator.random(size) < generator.choice([0.0, 0.3, 0.7, 1.0])
        rows += [(group, int(time), bool(event)) for time, event in zip(times, events, strict=True)]
    found = times_to_event(rows)
    medians = 0
    for group in range(300):
        own = [row for row in rows if row[0] == group]
        answered = [time for _, time, event in own if event]
        if not answered:
            assert group not in found
            continue
        assert found[group]["events"] == len(answered)
        assert found[group]["total_time"] == sum(answered)
        assert found[group]["median_time"] == pytest.approx(np.quantile(answered, 0.5), rel=1e-12)
        assert found[group]["p90_time"] == pytest.approx(np.quantile(answered, 0.9), rel=1e-12)
        curve = SurvfuncRight([time for _, time, _ in own], [event for _, _, event in own])
        reached = np.flatnonzero(curve.surv_prob <= 0.5 + 1e-9)
        expected = curve.surv_times[reached[0]] if len(reached) else None
        assert found[group]["km_median_time"] == expected, group
        medians += len(reached) > 0
    assert medians > 100


def test_without_open_appeals_the_kaplan_meier_median_is_an_ordinary_one() -> None:
    found = times_to_event([(1, time, True) for time in (5, 9, 11, 40, 41)])
    assert found[1]["km_median_time"] == found[1]["median_time"] == 11


def test_the_normal_quantile_is_scipys() -> None:
    assert duckdb.execute(f"select {MACROS.z95()}").fetchone() == (pytest.approx(stats.norm.ppf(0.975)),)
