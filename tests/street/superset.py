"""A real Superset on loopback with the dashboard of deploy/superset, and a browser that is logged in."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, Request, expect

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "deploy" / "superset"
PROGRAMS = ROOT / ".venv-superset" / "bin"
ACCOUNT = "admin"
START_SECONDS, DRAW_SECONDS = 120, 120
TILE = '[data-test="dashboard-component-chart-holder"]'


@dataclass(frozen=True)
class Superset:
    """A server that runs, and the password of its only account."""

    url: str
    password: str
    environment: dict[str, str] = field(repr=False)

    def load(self, uri: str) -> str:
        """Put the dashboard in, on the database at `uri`; returns what was said."""
        command = [str(PROGRAMS / "python"), str(RECIPE / "load.py"), ACCOUNT]
        return _run(command, {**self.environment, "OTKLIK_SUPERSET_URI": uri})

    def python(self, words: Sequence[str]) -> str:
        """A program in Superset's own Python, with its arguments; returns what it said."""
        return _run([str(PROGRAMS / "python"), "-c", *words], self.environment)

    def fails(self, words: Sequence[str]) -> str:
        """The same for one that must fail; returns its error."""
        command = [str(PROGRAMS / "python"), "-c", *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stdout
        return done.stderr


@dataclass
class Dashboard:
    """The dashboard in a browser, with all that it asked for."""

    page: Page
    finished: list[str] = field(default_factory=list)
    refused: list[tuple[str, str | None]] = field(default_factory=list)

    def chart(self, title: str) -> Locator:
        """The tile with this title."""
        return self.page.locator(TILE).filter(has=self.page.get_by_text(title, exact=True))

    def figure(self, title: str) -> str:
        """The big number below a title, as it is written."""
        return self.chart(title).locator(".header-line").inner_text()

    def rows(self, title: str) -> list[list[str]]:
        """Cells of a table as they are written."""
        rows = self.chart(title).locator("tbody tr").all()
        return [[cell.strip() for cell in row.locator("td").all_inner_texts()] for row in rows]

    def wait_until_drawn(self) -> None:
        """Until all charts are there; an error or an empty one among them fails."""
        charts = len(list((RECIPE / "dashboard" / "charts").iterdir()))
        expect(self.page.locator(TILE)).to_have_count(charts)
        ended = self.page.locator(f"{TILE} [data-test='slice-container'], {TILE} [role='alert']")
        expect(ended).to_have_count(charts, timeout=DRAW_SECONDS * 1000)
        expect(self.page.locator(f"{TILE} [role='alert']")).to_have_count(0)
        expect(self.page.locator(f"{TILE} [aria-label='empty']")).to_have_count(0)


@contextmanager
def running_superset(home: Path, uri: str) -> Iterator[Superset]:
    """Superset with its metadata in `home`, ready with the dashboard on `uri`; ends with the block."""
    assert PROGRAMS.is_dir(), "These tests need Superset: `make superset`."
    password = secrets.token_urlsafe(16)
    home.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "FLASK_APP": "superset.app:create_app()",
        "SUPERSET_CONFIG_PATH": str(RECIPE / "superset_config.py"),
        "SUPERSET_HOME": str(home),
        "SUPERSET_SECRET_KEY": secrets.token_urlsafe(32),
    }
    program = str(PROGRAMS / "superset")
    _run([program, "db", "upgrade"], environment)
    names = ["--username", ACCOUNT, "--firstname", "B", "--lastname", "I", "--email", "bi@localhost"]
    _run([program, "fab", "create-admin", *names, "--password", password], environment)
    _run([program, "init"], environment)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    superset = Superset(f"http://{address}", password, environment)
    superset.load(uri)
    serve = [*(str(PROGRAMS / "gunicorn"), "--bind", address, "--worker-class", "gthread", "--threads", "8")]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*serve, "--timeout", "120", "superset.app:create_app()"], env=environment, stdout=log, stderr=log
        )
        try:
            _wait(server, superset.url, home / "server.log")
            yield superset
        finally:
            server.terminate()
            server.wait(30)


def open_dashboard(superset: Superset, browser: Browser, width: int = 1500) -> Dashboard:
    """Log in as a person does and open the dashboard with every chart drawn."""
    page = browser.new_page(viewport={"width": width, "height": 1000}, locale="ru-RU")
    page.set_default_timeout(60_000)
    dashboard = Dashboard(page)

    def refused(request: Request) -> None:
        dashboard.refused.append((request.url, request.failure))

    page.on("requestfinished", lambda request: dashboard.finished.append(request.url))
    page.on("requestfailed", refused)
    # The login page asks for words and tokens: an answer that comes after ours would log us out again.
    page.goto(f"{superset.url}/login/", wait_until="networkidle")
    page.locator("input#username").fill(ACCOUNT)
    page.locator("input#password").fill(superset.password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto(f"{superset.url}/superset/dashboard/otklik/")
    page.locator(TILE).first.wait_for()
    # Charts below the window's edge are drawn when they are seen: a window as high as the page sees all.
    bottom = "tiles => Math.max(...tiles.map((tile) => tile.getBoundingClientRect().bottom))"
    page.set_viewport_size({"width": width, "height": int(page.locator(TILE).evaluate_all(bottom)) + 40})
    dashboard.wait_until_drawn()
    return dashboard


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text("utf-8")[-4000:]
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):  # noqa: S310 - our own server
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"Superset did not start: {log.read_text('utf-8')[-4000:]}")


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[:3]}\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    return done.stdout
