"""Several regions in one sandbox: common keys, own servers, and a truth that adds up."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.country import Country, country_from, load_country
from sandbox.kit import write_kit
from sandbox.population import populate
from sandbox.scenario import ScenarioError, load_scenario
from sandbox.servers.app import build_country
from sandbox.truth import country_truth
from sandbox.world import World
from tests.sandbox.conftest import ROOT, ask


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    page = (ROOT / "docs" / "scenarios.md").read_text("utf-8")
    found = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    example: dict[str, Any] = yaml.safe_load(next(text for text in found if "\nregions:" in text))
    return example


@pytest.fixture
def country(document: dict[str, Any]) -> Country:
    return country_from(copy.deepcopy(document))


def figures(country: Country) -> dict[tuple[str, str, str], Any]:
    """The truth's figures by region, measure and slice."""
    said = country_truth(country, [populate(one) for one in country.regions], country.as_of_seconds)
    return {
        (row["region_id"], row["measure"], row["slice"]): row.get("value", row.get("value_text"))
        for row in said["figures"]
    }


def test_regions_share_what_stands_beside_them(country: Country) -> None:
    west, east = country.regions
    assert [one.region.region_id for one in country.regions] == ["west", "east"]
    assert west.period == east.period
    assert [quota.count for quota in west.quotas] == [60, 40]
    assert [quota.count for quota in east.quotas] == [90, 60]
    assert east.activities[0].count == 6
    assert (east.pages[0].id, east.pages[0].members) == (296000001, 6000)
    assert west.seed != east.seed


def test_the_truth_of_all_regions_adds_up(country: Country) -> None:
    said = figures(country)

    for measure, part in (
        ("appeals", "all"),
        ("appeals", "channel=vk"),
        ("appeals", "channel=pos;topic_group=roads"),
        ("appeals_solved", "channel=pos"),
        ("management_decisions", "all"),
        ("gospublics_audience", "all"),
    ):
        parts = [said[region, measure, part] for region in ("west", "east")]
        assert said["all", measure, part] == sum(parts) > 0, measure
    assert said["all", "appeals", "all"] == 250
    assert said["all", "appeals_per_day_max", "all"] <= sum(
        said[region, "appeals_per_day_max", "all"] for region in ("west", "east")
    )
    assert ("all", "heat_levels", "territory") not in said


def test_each_region_has_its_own_servers_and_tokens(country: Country, tmp_path: Path) -> None:
    worlds = [World.of(region) for region in country.regions]
    app = build_country(country, worlds, tmp_path)
    west, east = worlds

    def registered(region: str, world: World) -> Any:
        return ask(app, "GET", f"/{region}/pos/api/v1/appeals", world.token("pos"), "limit=1000")

    assert len(registered("west", west).json()["items"]) == 60
    assert len(registered("east", east).json()["items"]) == 90
    assert registered("west", east).status == 401
    assert ask(app, "GET", "/pos/api/v1/appeals", west.token("pos")).status == 404


def test_now_and_faults_are_common(country: Country, tmp_path: Path) -> None:
    worlds = [World.of(region) for region in country.regions]
    app = build_country(country, worlds, tmp_path)

    moment = json.dumps({"now": "2026-03-04T00:00:00Z"}).encode()
    assert ask(app, "POST", "/_control/now", body=moment).status == 200
    assert worlds[0].now == worlds[1].now < country.as_of_seconds
    said = ask(app, "GET", "/_control/truth").json()
    assert 0 < sum(counts["appeals"] for counts in said["regions"].values()) < 250

    fault = json.dumps({"kind": "http_502", "path_contains": "/east/pos"}).encode()
    ask(app, "POST", "/_control/faults", body=fault)
    answers = [
        ask(app, "GET", f"/{region}/pos/api/v1/appeals", world.token("pos")).status
        for region, world in zip(("west", "east"), worlds, strict=True)
    ]
    assert answers == [200, 502]


def test_the_kit_has_a_file_and_folders_for_each_region(country: Country, tmp_path: Path) -> None:
    worlds = [World.of(region) for region in country.regions]
    env = write_kit(country, worlds, tmp_path, "http://127.0.0.1:1")

    assert sorted(path.name for path in (tmp_path / "regions").iterdir()) == ["east.yaml", "west.yaml"]
    east = yaml.safe_load((tmp_path / "regions" / "east.yaml").read_text("utf-8"))
    assert east["sources"]["vk"]["base_url"] == "http://127.0.0.1:1/east/vk"
    assert env["OTKLIK_EAST_POS_TOKEN"] != env["OTKLIK_WEST_POS_TOKEN"]
    for source in ("registry", "activities"):
        assert (tmp_path / "regions" / east["sources"][source]["folder"]).is_dir()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d["regions"].pop(), "at least two"),
        (lambda d: d["regions"][1]["region"].update(code="95"), "code must be unique"),
        (lambda d: d["regions"][1].update(as_of="2026-03-20T00:00:00Z"), "common to all"),
        (lambda d: d["regions"][1].update(volume=0), "above 0"),
        (lambda d: d["regions"][1].update(quotes=[]), "region east: quotes"),
        (lambda d: d.update(regions={"west": {}}), "must be a list"),
    ],
)
def test_a_broken_list_of_regions_is_refused_in_a_sentence(
    document: dict[str, Any], change: Any, complaint: str
) -> None:
    broken = copy.deepcopy(document)
    change(broken)
    with pytest.raises(ScenarioError, match=complaint):
        country_from(broken)


def test_one_region_is_a_country_of_its_own() -> None:
    assert load_country("demo").regions == (load_scenario("demo"),)
    assert load_country("demo").path_of("demo") == ""
    with pytest.raises(ScenarioError, match="several regions"):
        load_scenario("russia-2022")


def test_a_pace_moves_the_times_and_keeps_their_mean(country: Country) -> None:
    region = country.regions[1]
    people = populate(region)
    delays = (people.first_answer - people.registered)[people.source == 0]
    days = people.day[people.source == 0]

    assert delays[days <= 1].mean() > 1.5 * delays[days >= 5].mean()
    quota = region.quotas[0].model_copy(update={"pace": None})
    steady = populate(region.model_copy(update={"quotas": (quota, *region.quotas[1:])}))
    assert delays.mean() == pytest.approx(
        (steady.first_answer - steady.registered)[steady.source == 0].mean(), rel=0.2
    )
