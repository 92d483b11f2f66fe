"""What the tests of Dagster's page share: a recent scenario, a deployment, waiting for the page."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.error import URLError

ROOT = Path(__file__).parents[2]
OTKLIK = Path(sys.executable).with_name("otklik")
EXAMPLE_ENDS = date(2026, 3, 15)
START_SECONDS = 90


@dataclass(frozen=True)
class Deployment:
    """A demo's data folder and the page that `otklik dev` serves on it."""

    data: Path
    url: str
    week: tuple[date, date]  # first and last of seven days inside the scenario's period

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.data)


def environment(data: Path) -> dict[str, str]:
    """The environment of commands on that data folder."""
    return {**os.environ, "OTKLIK_DATA": str(data), "OTKLIK_LANG": "en"}


def write_recent_scenario(scenario: Path) -> timedelta:
    """The documented scenario, moved by whole weeks to the last ones: the page offers past days only."""
    text = (ROOT / "docs" / "scenarios.md").read_text("utf-8")
    example = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert example
    today = datetime.now(UTC).date()
    shift = timedelta(weeks=(today - timedelta(days=2) - EXAMPLE_ENDS).days // 7)

    def moved(day: re.Match[str]) -> str:
        return (date.fromisoformat(day[0]) + shift).isoformat()

    scenario.write_text(re.sub(r"\b\d{4}-\d{2}-\d{2}(?=T|\b)", moved, example[1]), "utf-8")
    return shift


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def wait_for(page: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert page.poll() is None, log.read_text("utf-8")
        try:
            with urllib.request.urlopen(f"{url}/server_info", timeout=2):  # noqa: S310 - loopback
                return
        except (URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(f"The page did not open within {START_SECONDS} s:\n{log.read_text('utf-8')}")
