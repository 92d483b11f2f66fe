"""The scenarios of the project come out of the whole street as published, to the unit."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.scenario
SCENARIOS = Path(__file__).parents[2] / "sandbox" / "scenarios"
FIGURES = Path(__file__).parents[3] / "shared" / "figures.csv"


REVIEW = """
    select review.*, coalesce(regions.name, review.region_id) as region
    from marts.year_review as review
    left join facts.dim_regions as regions on review.region_id = regions.region_id
"""
WINDOW = ("period_from", "period_to", "measure", "slice")


def play(scenario: str, data: Path) -> list[dict[str, Any]]:
    """Run `otklik demo` as a user does; the year review with the regions' names."""
    environment = {**os.environ, "OTKLIK_DATA": str(data), "OTKLIK_LANG": "en"}
    command = [sys.executable, "-m", "orchestration.cli"]
    done = subprocess.run(
        [*command, "demo", "--scenario", scenario],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    asked = subprocess.run(
        [*command, "query", "--json", REVIEW],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    rows: list[dict[str, Any]] = json.loads(asked.stdout)
    return rows


def by(what: str, rows: list[dict[str, Any]]) -> dict[tuple[str, ...], dict[str, Any]]:
    """Rows by `what` names their region (region_id, region), window, measure and slice."""
    return {(row[what], *(row[name] for name in WINDOW)): row for row in rows}


@pytest.mark.parametrize("scenario", sorted(path.stem for path in SCENARIOS.glob("*.yaml")))
def test_a_scenario_comes_out_as_its_truth_says(scenario: str, tmp_path: Path) -> None:
    rows = play(scenario, tmp_path)

    review = by("region_id", rows)
    truth = json.loads((tmp_path / "sandbox" / "truth.json").read_text("utf-8"))
    for key, figure in by("region_id", truth["figures"]).items():
        if figure.get("value") == 0 and key not in review:
            continue  # a slice nobody wrote in has no row
        if "value_text" in figure:
            assert review[key]["value_text"] == figure["value_text"], figure
        else:
            assert review[key]["value"] == pytest.approx(figure["value"], rel=1e-9), figure
    named = by("region", rows)
    for line in published(scenario):
        compare(line, named[line["region"], *(line[name] for name in WINDOW)])


def published(scenario: str) -> list[dict[str, str]]:
    """The published figures of a scenario; none where the project stands without them."""
    if not FIGURES.exists():
        return []
    with FIGURES.open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["scenario"] == scenario]


def agree(found: str, expected: str) -> bool:
    """Words separated by |; `a|b+c in any order` leaves the order of b and c open."""
    words = found.split("|")
    for place in expected.removesuffix(" in any order").split("|"):
        wanted = set(place.split("+"))
        head, words = words[: len(wanted)], words[len(wanted) :]
        if set(head) != wanted:
            return False
    return not words


def compare(line: dict[str, str], row: dict[str, Any]) -> None:
    """Hold a computed figure against a published one by its exactness."""
    if row["value"] is None:
        assert agree(row["value_text"], line["value"]), line
        return
    value, expected = row["value"], float(line["value"])
    fits = {
        "exact": value == expected,
        "at_most": value <= expected,
        "at_least": value >= expected,
        "more_than": value > expected,
        "about": value == pytest.approx(expected, rel=0.05),
    }
    assert fits[line["exactness"]], (line, value)
