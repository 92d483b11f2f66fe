"""A small pretend region of the last weeks, played once, with Dagster's page open on it."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.orchestration.support import (
    OTKLIK,
    ROOT,
    Deployment,
    environment,
    free_port,
    wait_for,
    write_recent_scenario,
)


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """`otklik demo`, then `otklik dev` until the tests are done; nothing of it survives them."""
    folder = tmp_path_factory.mktemp("page")
    scenario, data = folder / "mine.yaml", folder / "data"
    shift = write_recent_scenario(scenario)
    subprocess.run([OTKLIK, "demo", "--scenario", scenario], check=True, env=environment(data), cwd=ROOT)
    url = f"http://127.0.0.1:{free_port()}"
    first = date(2026, 3, 5) + shift
    with (folder / "dev.log").open("w") as log:
        page = subprocess.Popen(
            [OTKLIK, "dev", "--port", url.rpartition(":")[2]],
            env=environment(data),
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(page, url, folder / "dev.log")
            yield Deployment(data, url, (first, first + timedelta(days=6)))
        finally:
            page.send_signal(signal.SIGTERM)
            try:
                page.wait(60)
            except subprocess.TimeoutExpired:
                page.kill()
                raise


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: $OTKLIK_SCREENSHOTS, or pytest's own folder."""
    folder = Path(os.environ.get("OTKLIK_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium of this machine."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    assert found, "These tests need Chromium: `apt-get install --no-install-recommends chromium`."
    return found
