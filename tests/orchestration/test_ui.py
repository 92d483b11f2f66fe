"""Dagster's page as people see it: the street from left to right, an asset's page, a week read again."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.orchestration.support import ROOT, Deployment

pytestmark = pytest.mark.browser

STREET = ("raw", "staging", "facts", "marts", "published")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
BACKFILL_SECONDS = 240  # two rounds of Dagster's half-minute daemon, and the run between them
_BACKFILLS = """{ partitionBackfillsOrError { ... on PartitionBackfills { results { id status } } } }"""
_RUNS = """
    query ($filter: RunsFilter!) {
      runsOrError(filter: $filter) { ... on Runs { results { runId status tags { key value } } } }
    }
"""


@pytest.fixture(scope="module")
def page(deployment: Deployment, chromium: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1800, "height": 1100})
        page.set_default_timeout(30_000)
        page.goto(deployment.url)
        yield page
        browser.close()


def test_dev_says_where_the_page_is_and_that_nothing_runs_by_itself(deployment: Deployment) -> None:
    said = (deployment.data.parent / "dev.log").read_text("utf-8").splitlines()[0]
    assert deployment.url in said
    assert "Automation" in said


def test_the_graph_reads_as_the_street(page: Page, deployment: Deployment, screenshots: Path) -> None:
    page.goto(f"{deployment.url}/asset-groups")
    boxes = {}
    for group in STREET:
        node = page.locator("foreignObject").get_by_text(group, exact=True).first
        node.wait_for()
        boxes[group] = node.bounding_box()
    page.screenshot(path=screenshots / "graph.png")
    edges = [box["x"] for box in boxes.values() if box]
    assert len(edges) == len(STREET)
    assert edges == sorted(edges)
    assert len(set(edges)) == len(STREET)
    expect(page.get_by_text("Join the Dagster community")).to_have_count(0)


def test_an_asset_says_what_it_is_and_whose(page: Page, deployment: Deployment, screenshots: Path) -> None:
    page.goto(f"{deployment.url}/assets/facts/fct_appeals")
    for words in ("Messages of citizens that need a reaction", "data-engineers", "appeal_id", "Row count"):
        expect(page.get_by_text(words).first).to_be_visible()
    for kind in ("dbt", "DuckDB"):
        expect(page.get_by_text(kind, exact=True).first).to_be_visible()
    page.screenshot(path=screenshots / "asset.png")

    page.goto(f"{deployment.url}/assets/facts/fct_appeals?view=checks&checkDetail=appeals_exist")
    expect(page.get_by_text("appeals_exist").first).to_be_visible()
    expect(page.get_by_text("checked_rows").first).to_be_visible()
    page.screenshot(path=screenshots / "checks.png")


def test_schedules_stand_in_the_time_of_the_region(
    page: Page, deployment: Deployment, screenshots: Path
) -> None:
    page.goto(f"{deployment.url}/automation")
    for name in ("poll", "refresh_mine"):
        expect(page.get_by_text(name, exact=True)).to_be_visible()
    expect(page.get_by_text("05:30 AM GMT+10")).to_be_visible()
    page.screenshot(path=screenshots / "schedules.png")


def test_a_week_is_read_again_and_the_cursors_stay(
    page: Page, deployment: Deployment, screenshots: Path
) -> None:
    before = _cursors(deployment)
    page.goto(f"{deployment.url}/locations/otklik/jobs/refresh/partitions")
    page.get_by_role("button", name="Materialize").first.click()
    days = page.get_by_role("dialog").get_by_role("textbox").first
    days.fill(f"[{deployment.week[0]}...{deployment.week[1]}]")
    days.press("Enter")
    expect(page.get_by_text("7 partitions", exact=True)).to_be_visible()
    page.screenshot(path=screenshots / "backfill-asked.png")
    page.get_by_role("button", name="Launch backfill").click()
    page.get_by_role("dialog").wait_for(state="hidden")

    backfill = _finished_backfill(page)
    page.goto(f"{deployment.url}/runs/b/{backfill['id']}")
    page.wait_for_timeout(2_000)
    page.screenshot(path=screenshots / "backfill-done.png")
    assert backfill["status"] == "COMPLETED_SUCCESS"
    (run,) = _ask(page, _RUNS, {"filter": {"tags": [{"key": "dagster/backfill", "value": backfill["id"]}]}})[
        "runsOrError"
    ]["results"]
    assert run["status"] == "SUCCESS"

    windows = _loads(deployment, "mode = 'window'")
    assert {source for source, *_ in windows} == {"pos", "vk", "incident"}
    assert {str(since.date()) for _, since, _, _ in windows} == {str(deployment.week[0])}
    assert all((until - since).days == 7 for _, since, until, _ in windows)
    assert sum(landed for *_, landed in windows) > 0
    assert _cursors(deployment) == before

    # What the window brought again, the live load that follows does not bring a third time.
    for source in ("incident", "pos", "vk"):
        command = [sys.executable, "-m", "ingestion", source, "--region", "mine"]
        subprocess.run(command, check=True, env=deployment.environment, cwd=ROOT, capture_output=True)
    newest = "mode = 'live' and load_seq > (select max(load_seq) from raw.loads where mode = 'window')"
    landed = {
        source: landed for source, *_, landed in _loads(deployment, f"{newest} and source != 'registry'")
    }
    assert landed == {"incident": 0, "pos": 0, "vk": 0}


def _ask(page: Page, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    """A question to Dagster from inside its page."""
    body = json.dumps({"query": query, "variables": variables or {}})
    answer = page.evaluate(
        """async (body) => (await fetch('/graphql', {
            method: 'POST', headers: {'Content-Type': 'application/json'}, body
        })).json()""",
        body,
    )
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]
    return found


def _finished_backfill(page: Page) -> dict[str, str]:
    deadline = time.monotonic() + BACKFILL_SECONDS
    backfill: dict[str, str] = {}
    while time.monotonic() < deadline:
        backfills = _ask(page, _BACKFILLS)["partitionBackfillsOrError"]["results"]
        backfill = backfills[0] if backfills else {}
        if backfill.get("status", "REQUESTED") not in ("REQUESTED", "COMPLETING"):
            return backfill
        page.wait_for_timeout(1_000)
    raise AssertionError(f"The backfill did not end within {BACKFILL_SECONDS} s: {backfill}")


def _cursors(deployment: Deployment) -> list[tuple[Any, ...]]:
    """Each source's newest cursors, as dlt keeps them; the registry has none."""
    return _warehouse(
        deployment,
        "select pipeline_name, max(version), max_by(version_hash, version) from raw._dlt_pipeline_state"
        " where pipeline_name not like '%registry%' group by all order by all",
    )


def _loads(deployment: Deployment, which: str) -> list[tuple[Any, ...]]:
    return _warehouse(
        deployment,
        "select source, window_since, window_until, sum(landed) from raw.loads"
        f" where {which} group by load_seq, source, window_since, window_until order by source",
    )


def _warehouse(deployment: Deployment, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(deployment.data / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()
