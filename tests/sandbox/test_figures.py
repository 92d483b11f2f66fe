"""truth.py states the published figures of tyumen-2021, and obeys its definitions elsewhere."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sandbox.population import populate
from sandbox.scenario import load_scenario, scenario_from
from sandbox.truth import heat_levels, truth
from sandbox.world import World

FIGURES = Path(__file__).resolve().parents[3] / "shared" / "figures.csv"


def _figures(scenario: Any) -> dict[tuple[str, str, str, str], Any]:
    said = truth(scenario, populate(scenario), scenario.as_of_seconds)
    return {
        (row["period_from"], row["period_to"], row["measure"], row["slice"]): row.get(
            "value", row.get("value_text")
        )
        for row in said["figures"]
    }


@pytest.mark.skipif(not FIGURES.exists(), reason="the published figures lie beside the repository")
def test_every_published_figure_of_tyumen_comes_out() -> None:
    said = _figures(load_scenario("tyumen-2021"))
    with FIGURES.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["scenario"] == "tyumen-2021"]
    assert len(rows) == 12
    for row in rows:
        value = said[row["period_from"], row["period_to"], row["measure"], row["slice"]]
        if row["exactness"] == "exact":
            assert str(value) == row["value"], row["figure_id"]
        elif row["exactness"] == "at_least":
            assert value >= float(row["value"]), row["figure_id"]
        else:
            assert row["exactness"] == "at_most"
            assert value <= float(row["value"]), row["figure_id"]


def test_parts_add_up_to_the_whole() -> None:
    said = {key[2:]: value for key, value in _figures(load_scenario("demo")).items()}
    assert said["appeals", "all"] == 20_000
    assert said["appeals", "all"] == said["appeals", "channel=pos"] + said["appeals", "channel=social"]
    for part in ("pos", "vk", "incident", "social"):
        groups = [
            value
            for (m, s), value in said.items()
            if m == "appeals" and s.startswith(f"channel={part};topic_group")
        ]
        assert sum(groups) == said["appeals", f"channel={part}"]


def test_counts_add_up(demo: World) -> None:
    counts = truth(demo.scenario, demo.population, demo.now)["counts"]
    for part in ("appeals_by_source", "appeals_by_local_day", "appeals_by_territory"):
        assert sum(counts[part].values()) == counts["appeals"] == 20_000
    assert set(counts["heat_level_by_territory"].values()) == {"red", "yellow", "green"}


def test_what_has_not_happened_is_not_counted(demo: World) -> None:
    early = demo.scenario.day_starts()[30]
    counts = truth(demo.scenario, demo.population, early)["counts"]
    assert sum(counts["appeals_by_local_day"].values()) == counts["appeals"]
    assert len(counts["appeals_by_local_day"]) == 30
    assert truth(demo.scenario, demo.population, 0)["counts"]["appeals"] == 0


def test_heat_levels_by_fixed_thresholds_and_minimum(example: dict[str, Any]) -> None:
    example["heat_rule"] = {
        "method": "fixed",
        "measure": "count",
        "minimum": 2,
        "red_from": 3,
        "yellow_from": 1,
    }
    scenario = scenario_from(example)
    territory = np.array([0, 0, 0, 1, -1, 2, 2], dtype=np.int64)
    # north has one appeal, below the minimum of two: green although the threshold says yellow.
    assert heat_levels(scenario, territory) == {"town": "red", "north": "green", "south": "yellow"}
