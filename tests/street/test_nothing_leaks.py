"""Nothing personal and no secret lies anywhere below data/ after runs that had their troubles.

Looked at are bytes, databases, Parquet, logs, Dagster's storage and the states of loads.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer

from ingestion.config import load_settings
from orchestration.cli import app
from orchestration.dbt_process import environment
from orchestration.watch import watch
from tests.privacy.corpus import specimens
from tests.privacy.reading import found_below
from tests.street.conftest import Deployment, deploy

pytestmark = pytest.mark.chaos
# What the sandbox writes into its citizens' messages everywhere: exports, walls, chats, appeals.
PLANTED_BY_THE_SANDBOX = ("900 000-", "(900)000-", "@example.org")
# sandbox/scenarios/every-channel.yaml
PAGES = (("ok", 230000011), ("telegram", 230000012), ("max", 230000013))
CANARY = "k4n4r3jk4"
# The sandbox's own folder plays the outside world; its variables are those of a deployment's .env.
OUTSIDE = ("sandbox", "deployment.env")


@pytest.fixture(scope="module")
def secrets() -> dict[str, str]:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    return {
        "OTKLIK_HMAC_KEY": f"{CANARY}-of-the-key-0123456789abcdef",
        "OTKLIK_POSTGRES_URL": f"postgresql://loader:{CANARY}-postgres@127.0.0.1:{port}/otklik",
        "OTKLIK_POSTGRES_OWNER_URL": f"postgresql://owner:{CANARY}-owner@127.0.0.1:{port}/otklik",
        "OTKLIK_CENTRE_URLS": f"json://centre:{CANARY}-centre@127.0.0.1:{port}/hook",
        "OTKLIK_ALERT_URLS": f"json://operator:{CANARY}-alert@127.0.0.1:{port}/hook",
    }


@pytest.fixture(scope="module")
def planted() -> list[tuple[str, str]]:
    """Texts of the corpus and the items in them that are long enough to be looked for."""
    found = []
    for one in specimens(400, seed=77):
        found += [(one.text, item) for kind, item in one.planted if len(item) > 9 and kind != "at_name"]
    return found[:120]


@pytest.fixture(scope="module")
def deployment(
    tmp_path_factory: pytest.TempPathFactory, secrets: dict[str, str], planted: list[tuple[str, str]]
) -> Iterator[Deployment]:
    """A deployment whose first run publishes and then fails at PostgreSQL, which is not there."""
    for deployed in deploy(tmp_path_factory.mktemp("leaks")):
        with environment(**secrets):
            for place, text in enumerate(dict.fromkeys(text for text, _ in planted)):
                network, page = PAGES[place % 3]
                deployed.sandbox.post_message(network, text, page=page)
            # The messages are of the last moment that the scenario knows: state figures for half a day later.
            deployed.first = deployed.run(as_of="2026-03-30T10:00:00")
            yield deployed


def test_nothing_planted_is_found_below_data(deployment: Deployment, planted: list[tuple[str, str]]) -> None:
    assert deployment.shelf.current_manifest() is not None
    outside = found_below(deployment.data / "sandbox", PLANTED_BY_THE_SANDBOX)
    assert {hit for hits in outside.values() for hit in hits} >= {"@example.org", "900 000-"}
    masked = deployment.warehouse("select count(*) from raw.ok_messages where contains(text, '‹')")
    assert masked[0][0] > 10
    needles = {*PLANTED_BY_THE_SANDBOX, *(item for _, item in planted)}
    assert len(needles) > 100
    assert found_below(deployment.data, needles, OUTSIDE) == {}


def test_no_secret_is_found_below_data_or_said(
    deployment: Deployment, secrets: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert deployment.first is not None
    assert "PostgreSQL" in deployment.first.failures[0]
    said = [*deployment.first.failures]
    # Sources that answer with errors and garbage, tokens that are refused, alerts nobody takes.
    tokens = {name: value for name, value in deployment.sandbox.env.items() if _is_secret(name)}
    assert len(tokens) >= 5
    deployment.sandbox.faults(
        [
            {"kind": "type_flip", "method": "wall.get", "times": 5},
            {"kind": "missing_key", "path_contains": "/pos", "times": 5},
            {"kind": "truncated", "path_contains": "/ok", "times": 2},
        ]
    )
    said += deployment.run().failures
    deployment.sandbox.faults([])
    with environment(**{name: f"{CANARY}-{name.lower()}" for name in tokens}):
        said += deployment.run(sources=["vk", "telegram", "max", "ok"]).failures
        watch(load_settings())
        for command in (["status"], ["sources", "check"], ["postgres", "publish"]):
            told = subprocess.run(
                [sys.executable, "-m", "orchestration.cli", *command],
                capture_output=True, text=True, check=False, env=os.environ.copy(),
            )  # fmt: skip
            said += [told.stdout, told.stderr]
    assert sum("token" in one for one in said) >= 2
    needles = [CANARY, *tokens.values()]
    assert found_below(deployment.data, needles, OUTSIDE) == {}
    captured = capfd.readouterr()
    heard = "\n".join([*said, captured.out, captured.err])
    assert [needle for needle in needles if needle in heard] == []


def _is_secret(name: str) -> bool:
    return name.endswith(("_TOKEN", "_SECRET"))


def test_no_option_takes_a_secret() -> None:
    """What stands in a command is seen by every user of the machine, and kept by the shell."""
    commands = typer.main.get_command(app)
    names = set(_options(commands))
    assert {"--region", "--author-key", "--json"} <= names
    suspicious = ("token", "secret", "password", "hmac", "dsn", "url", "credential")
    assert [name for name in names if any(word in name for word in suspicious)] == []


def _options(command: object) -> Iterator[str]:
    for parameter in getattr(command, "params", ()):
        yield from parameter.opts
    for child in getattr(command, "commands", {}).values():
        yield from _options(child)
