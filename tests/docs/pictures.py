"""README's pictures, made of a demo that has been played:

.venv/bin/otklik demo && .venv/bin/python -m tests.docs.pictures
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console

from ingestion.config import load_settings
from orchestration.findings import show_findings
from publishing.release import MANIFEST, open_release
from publishing.report.build import build_report

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main() -> int:
    """Write the report on a screen and on a phone, and the end of a demo; exit code 0."""
    settings = load_settings()
    release = (settings.data / "published" / "current").resolve()
    PICTURES.mkdir(parents=True, exist_ok=True)
    # Made anew from the release's marts: its own page is as old as the code that made it.
    scratch = tempfile.TemporaryDirectory()
    with open_release(release) as connection:
        manifest = json.loads((release / MANIFEST).read_text("utf-8"))
        report = build_report(connection, Path(scratch.name), manifest)[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, width, height in (("report", 1280, 1000), ("phone", 390, 844)):
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"{report.as_uri()}#period=2026-10")
            page.locator("footer").wait_for(state="attached")
            page.screenshot(path=PICTURES / f"{name}.png")
        browser.close()
    scratch.cleanup()
    console = Console(record=True, width=92, file=io.StringIO(), highlight=False)
    show_findings(settings, console)
    svg = console.export_svg(title="otklik demo")
    # Rich would have the picture fetch its fonts.
    (PICTURES / "terminal.svg").write_text(
        re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL), "utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
