"""A stranger who follows docs/scenarios.md gets a region that runs, or a sentence that says what is wrong."""

from __future__ import annotations

import csv
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from python_calamine import CalamineWorkbook

from sandbox.__main__ import main
from sandbox.faults import Faults
from sandbox.kit import SandboxError, launch, read_env
from sandbox.registry import HEADERS, write_registry
from sandbox.scenario import ScenarioError, load_scenario, scenario_from
from sandbox.servers.pos import PosServer
from sandbox.truth import truth
from sandbox.world import World

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_runs_as_a_process_with_its_whole_kit(example_text: str, tmp_path: Path) -> None:
    scenario = tmp_path / "mine.yaml"
    scenario.write_text(example_text, "utf-8")
    stale = tmp_path / "data" / "sandbox" / "regions" / "yesterday.yaml"
    stale.parent.mkdir(parents=True)
    stale.touch()
    with launch(scenario, tmp_path / "data") as sandbox:
        folder = tmp_path / "data" / "sandbox"
        assert sandbox.folder == folder
        assert not stale.exists()
        assert read_env(tmp_path / "data" / "deployment.env") == sandbox.env
        assert sandbox.env["OTKLIK_AS_OF"] == "2026-03-15T14:00:00Z"
        assert sandbox.env["OTKLIK_SANDBOX_URL"] == sandbox.url
        assert len(sandbox.env["OTKLIK_HMAC_KEY"]) >= 32
        region = yaml.safe_load((Path(sandbox.env["OTKLIK_REGIONS"]) / "mine.yaml").read_text("utf-8"))
        assert region["sources"]["vk"]["token_env"] in sandbox.env
        assert region["sources"]["pos"]["token_env"] in sandbox.env
        base = Path(sandbox.env["OTKLIK_REGIONS"])
        assert (base / region["sources"]["registry"]["folder"] / "gospublics.xlsx").is_file()
        assert list((base / region["sources"]["incident"]["folder"]).glob("*.xlsx"))
        assert region["sources"]["vk"]["base_url"] == f"{sandbox.url}/vk"
        assert sandbox.truth["counts"]["appeals"] == 374

        sandbox.set_now("2026-03-08T00:00:00Z")
        assert 0 < sandbox.truth_now()["counts"]["appeals"] < 374
        with pytest.raises(SandboxError, match="refused POST now"):
            sandbox.set_now("later")
        _check_faults(sandbox, sandbox.env[region["sources"]["pos"]["token_env"]])
        assert sandbox.requests()["pos appeals"] == 8
        sandbox.reset_requests()
        assert sandbox.requests() == {}
        assert sandbox.control("GET", "health")["scenario"] == "mine"
    with pytest.raises(OSError, match="refused"):
        sandbox.control("GET", "health")


def _check_faults(sandbox: Any, token: str) -> None:
    """Over a real connection: what a whole request can suffer."""
    address = f"{sandbox.url}/pos/api/v1/appeals?limit=20"

    def read(seconds: float = 5) -> Any:
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 - our own address
            return json.load(answer)

    sandbox.faults([{"kind": "http_500", "path_contains": "/pos/"}])
    with pytest.raises(urllib.error.HTTPError) as failed:
        read()
    assert failed.value.code == 500
    sandbox.faults([{"kind": "http_429", "retry_after": 7}])
    with pytest.raises(urllib.error.HTTPError) as limited:
        read()
    assert (limited.value.code, limited.value.headers["Retry-After"]) == (429, "7")
    sandbox.faults([{"kind": "truncated"}])
    with pytest.raises(json.JSONDecodeError):
        read()
    sandbox.faults([{"kind": "disconnect"}])
    with pytest.raises(http.client.IncompleteRead):
        read()
    sandbox.faults([{"kind": "timeout", "seconds": 30}])
    with pytest.raises(OSError, match="timed out"):
        read(0.2)
    sandbox.faults([{"kind": "slow", "seconds": 0.3}, {"kind": "http_500", "path_contains": "/vk/"}])
    begun = time.monotonic()
    whole = read()
    assert time.monotonic() - begun >= 0.25
    sandbox.faults([])
    assert read() == whole
    assert read()["items"]


def test_the_registry_holds_pages_of_nobody_and_authorities_without_one(
    example: dict[str, Any], tmp_path: Path
) -> None:
    example["pages"].append(
        {"id": 230000009, "screen_name": "nobody", "name": "Ничей", "members": 5, "weight": 0}
    )
    write_registry(World.of(scenario_from(example)), tmp_path)
    header, *rows = CalamineWorkbook.from_path(tmp_path / "gospublics.xlsx").get_sheet_by_index(0).to_python()
    assert tuple(header) == HEADERS
    by_name = {row[2]: dict(zip(header, row, strict=True)) for row in rows}
    assert by_name["Ничей"]["ОГРН"] == ""
    assert by_name["Архив"]["ID госпаблика"] == ""
    assert (
        by_name["Архив"]["Официальная страница не ведется на основании"] == "Особенности сферы деятельности"
    )
    assert by_name["Администрация Мойгорода"]["Госметка (да/нет)"] == "да"
    with (tmp_path / "authorities.csv").open(encoding="utf-8") as file:
        authorities = {row["authority_id"]: row for row in csv.DictReader(file)}
    assert authorities["government"]["territory_id"] == ""
    for row in authorities.values():
        assert len(row["ogrn"]) == 13
        assert int(row["ogrn"][:12]) % 11 % 10 == int(row["ogrn"][12])


def test_a_sandbox_ends_with_its_parent(example_text: str, tmp_path: Path) -> None:
    scenario, ready = tmp_path / "mine.yaml", tmp_path / "ready.json"
    scenario.write_text(example_text, "utf-8")
    command = [sys.executable, "-m", "sandbox", "serve", str(scenario), "--folder", str(tmp_path / "kit")]
    command += ["--env-file", str(tmp_path / "env"), "--ready-file", str(ready), "--with-parent"]
    middleman = f"import subprocess, time; subprocess.Popen({command!r}); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", middleman], env={**os.environ, "PYTHONPATH": str(ROOT)})
    deadline = time.monotonic() + 30
    while not ready.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    address = urlsplit(json.loads(ready.read_text())["url"])
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while time.monotonic() < deadline:
        try:
            socket.create_connection((address.hostname, address.port), timeout=1).close()
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail("the sandbox outlived its parent")


def test_a_signal_ends_it_cleanly(example_text: str, tmp_path: Path) -> None:
    scenario, ready = tmp_path / "mine.yaml", tmp_path / "ready.json"
    scenario.write_text(example_text, "utf-8")
    command = [sys.executable, "-m", "sandbox", "serve", str(scenario), "--folder", str(tmp_path / "kit")]
    command += [
        "--env-file",
        str(tmp_path / "env"),
        "--ready-file",
        str(ready),
        "--now",
        "2026-03-09T00:00:00Z",
    ]
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    while not ready.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert json.loads(ready.read_text())["pid"] == process.pid
    assert read_env(tmp_path / "env")["OTKLIK_AS_OF"] == "2026-03-09T00:00:00Z"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=10)[1] == ""
    assert process.returncode == 0


def test_a_region_needs_no_more_than_a_place_and_appeals(example: dict[str, Any]) -> None:
    for part in ("authorities", "pages", "vk", "incident", "defaults", "review_periods"):
        del example[part]
    example["quotas"] = [{"source": "pos", "count": 9, "topic_group": "gas", "outcome": "open"}]
    scenario = scenario_from(example)
    world = World.of(scenario)
    world.prepare()
    assert len(PosServer(world, Faults(), Counter()).appeals({"limit": "20"})["items"]) == 9
    assert truth(scenario, world.population, world.now)["counts"]["appeals"] == 9


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"quotas": [{"source": "pos", "count": 1, "topic_group": "dragons", "outcome": "open"}]},
            "«dragons» is unknown",
        ),
        (
            {"quotas": [{"source": "vk", "count": 1, "topic_group": "gas", "outcome": "solved"}]},
            "«solved» is unknown",
        ),
        ({"quotas": [{"source": "fax", "count": 1}]}, "quotas.0.source"),
        ({"as_of": "2026-03-10T00:00:00Z"}, "must not lie before"),
        ({"colour": "red"}, "colour"),
        ({"territories": []}, "territories"),
        ({"seed": "x"}, "seed"),
    ],
)
def test_mistakes_are_named(example: dict[str, Any], change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ScenarioError, match=r"See docs/scenarios\.md") as error:
        scenario_from({**example, **change})
    assert sentence in str(error.value)


def test_an_unknown_scenario_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ScenarioError, match="demo, every-channel, nizhny-2021"):
        load_scenario("atlantis")
    assert main(["serve", "atlantis"]) == 1
    assert "atlantis" in capsys.readouterr().err


def test_the_truth_can_be_asked_without_servers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["truth", "demo"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["appeals"] == 20_000
