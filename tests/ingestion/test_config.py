"""Settings and region files: strict, readable errors, no secrets shown, cheap to import."""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from ingestion.config import find_region, load_regions, load_settings
from ingestion.errors import Busy, ConfigError
from ingestion.region import Region

KEY = "a-long-key-of-more-than-thirty-two-characters"
REGION = """
region_id: demo
name: Озёрский край
time_zone: Asia/Yekaterinburg
sources:
  incident: {folder: ../incident/demo}
  pos: {base_url: "http://127.0.0.1:1/pos/", token_env: MY_TOKEN}
"""


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    regions = tmp_path / "regions"
    regions.mkdir(exist_ok=True)
    (regions / "demo.yaml").write_text(REGION, "utf-8")
    return {
        "OTKLIK_DATA": str(tmp_path / "data"),
        "OTKLIK_REGIONS": str(regions),
        "OTKLIK_HMAC_KEY": KEY,
        **more,
    }


def test_a_region_file_is_read_with_absolute_folders(tmp_path: Path) -> None:
    settings = load_settings(environment(tmp_path, OTKLIK_AS_OF="2026-11-21T05:00:00+05:00"))
    region = load_regions(settings)["demo"]
    assert region.connected == ("pos", "incident")
    assert region.sources.incident is not None
    assert region.sources.incident.folder == tmp_path / "incident" / "demo"
    assert region.sources.pos is not None
    assert region.sources.pos.base_url == "http://127.0.0.1:1/pos"
    assert region.borders is None
    assert settings.now() == datetime(2026, 11, 21)


def test_the_map_of_a_region_lies_beside_its_file(tmp_path: Path) -> None:
    settings = load_settings(environment(tmp_path))
    file = tmp_path / "regions" / "demo.yaml"
    file.write_text(f"{REGION}\nborders: {{file: map.geojson}}\n", "utf-8")
    borders = load_regions(settings)["demo"].borders
    assert borders is not None
    assert (borders.file, borders.key) == (file.parent / "map.geojson", "territory_id")


def test_the_environment_wins_over_deployment_env(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "deployment.env").write_text("OTKLIK_LANG=en\nOTKLIK_KEEP_RELEASES=3\nMY_TOKEN=t\n")
    settings = load_settings(environment(tmp_path, OTKLIK_KEEP_RELEASES="5"))
    assert (settings.lang, settings.keep_releases) == ("en", 5)
    region = load_regions(settings)["demo"]
    assert settings.token("MY_TOKEN", region, "pos").get_secret_value() == "t"
    with pytest.raises(
        ConfigError, match=r"variable OTHER, named in sources\.pos\.token_env of .*demo\.yaml"
    ):
        settings.token("OTHER", region, "pos")


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    settings = load_settings(environment(tmp_path, MY_TOKEN="the-token"))
    shown = repr(settings) + str(settings) + settings.model_dump_json()
    assert KEY not in shown
    assert "the-token" not in shown


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("OTKLIK_HMAC_KEY", "", "OTKLIK_HMAC_KEY is not set"),
        ("OTKLIK_HMAC_KEY", "short-but-secret", "OTKLIK_HMAC_KEY: must have at least 32 characters"),
        ("OTKLIK_HMAC_KEY", "k" * 64, "OTKLIK_HMAC_KEY: is a placeholder, no secret; correct it .python"),
        ("OTKLIK_HMAC_KEY", "CHANGE-ME-" + "0123456789abcdef" * 2, "OTKLIK_HMAC_KEY: is a placeholder"),
        ("OTKLIK_HMAC_KEY", "otklik-demo-" + "0123456789abcdef" * 2, "is the key of the demo"),
        ("OTKLIK_HMAC_OLD_KEYS", "short-but-secret", "OTKLIK_HMAC_OLD_KEYS: must have at least 32"),
        ("OTKLIK_AS_OF", "yesterday", "OTKLIK_AS_OF"),
        ("OTKLIK_LANG", "de", "OTKLIK_LANG"),
        ("OTKLIK_KEEP_RELEASES", "0", "OTKLIK_KEEP_RELEASES"),
    ],
)
def test_wrong_settings_are_sentences(tmp_path: Path, variable: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        load_settings(environment(tmp_path, **{variable: value}))
    assert "short-but-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: Озёрский край", "nam: x", r"demo\.yaml: (name: is missing|nam: is not a known key)"),
        ("Asia/Yekaterinburg", "Ural", r"time_zone: must be an IANA zone"),
        ("region_id: demo", "region_id: other", r"region_id: is 'other' but the file is called demo\.yaml"),
        (
            "token_env: MY_TOKEN",
            "token: abc",
            r"sources\.pos\.(token_env: is missing|token: is not a known key)",
        ),
        ("http://127.0.0.1:1/pos/", "ftp://x", r"sources\.pos\.base_url: must be an http\(s\) address"),
        ("name: Озёрский край", "name: [", "is not readable YAML in line"),
        ("region_id: demo", "opened_on: 5.5.2020\nregion_id: demo", "opened_on"),
    ],
)
def test_wrong_region_files_are_sentences(tmp_path: Path, old: str, new: str, said: str) -> None:
    settings = load_settings(environment(tmp_path))
    (tmp_path / "regions" / "demo.yaml").write_text(REGION.replace(old, new), "utf-8")
    with pytest.raises(ConfigError, match=said):
        load_regions(settings)


def test_an_unknown_region_lists_the_known(tmp_path: Path) -> None:
    regions = load_regions(load_settings(environment(tmp_path)))
    with pytest.raises(ConfigError, match="There is no region 'nowhere'; use one of: demo"):
        find_region(regions, "nowhere")


def test_no_regions_is_a_sentence(tmp_path: Path) -> None:
    settings = load_settings({**environment(tmp_path), "OTKLIK_REGIONS": str(tmp_path / "nothing")})
    with pytest.raises(ConfigError, match="does not exist"):
        load_regions(settings)


def test_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(Busy("It is busy", "wait")))  # noqa: S301
    assert str(error) == "It is busy; wait."


def test_importing_the_settings_and_the_registry_is_cheap() -> None:
    code = (
        "import sys, ingestion.config, ingestion.sources\n"
        "print({'dlt', 'pyarrow', 'duckdb'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([{"from": "2026-07-01"}], "the first heat rule has no `from`"),
        ([{}, {"minimum": 9}], "every later one has"),
        ([{}, {"from": "2026-07-01"}, {"from": "2026-06-01"}], "in the order of their `from`"),
        ([], "the first heat rule"),
    ],
)
def test_heat_rules_stand_in_the_order_of_their_beginning(rules: list[dict[str, object]], told: str) -> None:
    told_of = {"region_id": "north", "name": "N", "time_zone": "UTC", "sources": {}}
    with pytest.raises(ValidationError, match=told):
        Region.model_validate({**told_of, "heat_rule": rules})
    assert len(Region.model_validate({**told_of, "heat_rule": [{}, {"from": "2026-07-01"}]}).heat_rule) == 2
