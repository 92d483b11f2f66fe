"""The documents' pictures, made of a demo that has been played:

make demo superset && .venv/bin/python -m tests.docs.pictures            # all
.venv/bin/python -m tests.docs.pictures report terminal                  # some
"""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.sync_api import Browser, FloatRect, expect, sync_playwright
from rich.console import Console

from ingestion.config import Settings, load_settings
from orchestration.findings import show_findings
from publishing.release import MANIFEST, open_release
from publishing.report.build import build_report
from tests.orchestration.support import OTKLIK, ROOT, environment, free_port, wait_for
from tests.street.superset import open_dashboard, running_superset

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main(names: Sequence[str]) -> int:
    """Write the pictures named, or all; exit code 0."""
    settings = load_settings()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name in names or MAKERS:
            MAKERS[name](settings, browser)
        browser.close()
    return 0


def report(settings: Settings, browser: Browser) -> None:
    """The report on a screen and on a phone."""
    release = (settings.data / "published" / "current").resolve()
    with tempfile.TemporaryDirectory() as scratch, open_release(release) as connection:
        manifest = json.loads((release / MANIFEST).read_text("utf-8"))
        # Made anew from the release's marts: its own page is as old as the code that made it.
        file = build_report(connection, Path(scratch), manifest)[0]
        for name, width, height in (("report", 1280, 1000), ("phone", 390, 844)):
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"{file.as_uri()}#period=2026-10")
            page.locator("footer").wait_for(state="attached")
            page.screenshot(path=PICTURES / f"{name}.png")
            page.close()


def terminal(settings: Settings, _: Browser) -> None:
    """What a demo ends with."""
    console = Console(record=True, width=92, file=io.StringIO(), highlight=False)
    show_findings(settings, console)
    svg = console.export_svg(title="otklik demo")
    # Rich would have the picture fetch its fonts.
    (PICTURES / "terminal.svg").write_text(
        re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL), "utf-8"
    )


def superset(settings: Settings, browser: Browser) -> None:
    """The dashboard of deploy/superset."""
    uri = f"duckdb:///{settings.data.resolve()}/published/serving.duckdb?access_mode=READ_ONLY"
    with tempfile.TemporaryDirectory() as home, running_superset(Path(home), uri) as running:
        dashboard = open_dashboard(running, browser)
        # Lines and columns grow for a second after they are there.
        dashboard.page.wait_for_timeout(3_000)
        clip: FloatRect = {"x": 0, "y": 0, "width": 1500, "height": 1745}
        dashboard.page.screenshot(path=PICTURES / "superset.png", clip=clip)
        dashboard.page.close()


def graph(settings: Settings, browser: Browser) -> None:
    """The street as Dagster's page shows it, group by group with the state of its assets."""
    port = free_port()
    command = [OTKLIK, "dev", "--port", str(port)]
    with tempfile.TemporaryDirectory() as scratch, (Path(scratch) / "dev.log").open("w") as log:
        server = subprocess.Popen(
            command, env=environment(settings.data), cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_for(server, f"http://127.0.0.1:{port}", Path(log.name))
            page = browser.new_page(viewport={"width": 1900, "height": 760})
            page.set_default_timeout(60_000)
            page.goto(f"http://127.0.0.1:{port}/asset-groups")
            page.get_by_text("Hide navigation").click()
            page.reload()  # the graph fills its room when it is opened
            page.get_by_text("published", exact=True).first.wait_for()
            expect(page.get_by_text("fetching statuses")).to_have_count(0)
            page.wait_for_timeout(1_000)  # the graph glides into its place
            found = [box for node in page.locator("foreignObject").all() if (box := node.bounding_box())]
            left, top = (min(box[edge] for box in found) - 16 for edge in ("x", "y"))
            width = max(box["x"] + box["width"] for box in found) + 16 - left
            height = max(box["y"] + box["height"] for box in found) + 16 - top
            area: FloatRect = {"x": left, "y": top, "width": width, "height": height}
            page.screenshot(path=PICTURES / "graph.png", clip=area)
            page.close()
        finally:
            server.terminate()
            server.wait(60)


MAKERS: dict[str, Callable[[Settings, Browser], None]] = {
    "report": report,
    "terminal": terminal,
    "superset": superset,
    "graph": graph,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
