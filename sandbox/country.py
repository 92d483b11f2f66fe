"""Several regions that one deployment serves: a scenario file with `regions` (docs/scenarios.md).

What stands beside `regions` is common to all of them, and each region's own keys are laid over it: mappings
key by key, anything else as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.noise import key
from sandbox.scenario import Scenario, ScenarioError, read_document, scenario_from

_COUNTED = ("quotas", "activities")


@dataclass(frozen=True)
class Country:
    """One region or several, which share the period and `as_of`."""

    name: str
    seed: int
    regions: tuple[Scenario, ...]

    @property
    def as_of_seconds(self) -> int:
        return self.regions[0].as_of_seconds

    def path_of(self, region_id: str) -> str:
        """Where a region's servers stand: one alone at the root, several each below its own id."""
        return "" if len(self.regions) == 1 else f"/{region_id}"


def load_country(name_or_path: str | Path) -> Country:
    """The regions of a scenario, by the name of a file in sandbox/scenarios or the path of any YAML file."""
    document, where = read_document(name_or_path)
    return country_from(document, where)


def country_from(document: dict[str, Any], where: str = "scenario") -> Country:
    """Validate a document with `regions`, or a region's own, which is a country of one."""
    if "regions" not in document:
        scenario = scenario_from(document, where)
        return Country(scenario.scenario, scenario.seed, (scenario,))
    common = {name: value for name, value in document.items() if name != "regions"}
    listed = document["regions"]
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ScenarioError(f"{where}: `regions` must be a list of mappings. See docs/scenarios.md.")
    try:
        documents = [_region(common, own) for own in listed]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ScenarioError(f"{where}: regions: {error}. See docs/scenarios.md.") from None
    regions = tuple(
        scenario_from(one, f"{where}, region {(one.get('region') or {}).get('region_id', number)}")
        for number, one in enumerate(documents, 1)
    )
    _check(regions, where)
    return Country(str(document.get("scenario")), int(document["seed"]), regions)


def _region(common: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """A region's whole document; `volume` multiplies its counts, its seed follows from the common one."""
    document = _laid_over(common, own)
    volume = float(document.pop("volume", 1))
    if volume <= 0:
        raise ValueError("`volume` must be above 0")
    if "seed" not in own:
        document["seed"] = key(int(common["seed"]), str(own["region"]["region_id"])) >> 1
    for name in _COUNTED:
        if name in document:
            document[name] = [
                {**one, "count": round(one.get("count", 1) * volume)} if volume != 1 else one
                for one in document[name]
            ]
    return document


def _laid_over(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {
        **below,
        **{name: _laid_over(below[name], value) if name in below else value for name, value in above.items()},
    }


def _check(regions: tuple[Scenario, ...], where: str) -> None:
    ids = [region.region.region_id for region in regions]
    codes = [region.region.code for region in regions]
    if len(regions) < 2:
        raise ScenarioError(f"{where}: `regions` needs at least two; one alone is written without it.")
    for what, values in (("region_id", ids), ("code", codes)):
        if len(set(values)) != len(values):
            raise ScenarioError(f"{where}: regions: every {what} must be unique.")
    if len({(region.period, region.as_of_seconds) for region in regions}) > 1:
        raise ScenarioError(f"{where}: regions: `period` and `as_of` are common to all; write them once.")
