"""deploy/superset in a real Superset, looked at through headless Chromium, on a real release."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, sync_playwright

from orchestration.dbt_manifest import DBT_MANIFEST
from publishing.catalogue import published_tables
from publishing.postgres import prepare, publish
from tests.postgres import running_postgres
from tests.street.conftest import Deployment
from tests.street.superset import RECIPE, Dashboard, Superset, open_dashboard, running_superset

pytestmark = pytest.mark.bi
ROLES = RECIPE.parent / "postgres" / "roles.sql"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FIGURES = """
    select
        sum(appeals),
        100.0 * sum(on_time_appeals) / sum(judged_appeals),
        sum(first_answer_seconds) / sum(answered_appeals) / 3600.0,
        sum(overdue_appeals)
    from marts.appeals_daily
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def superset(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    with running_superset(tmp_path_factory.mktemp("superset"), on_file(deployment)) as running:
        yield running


def on_file(deployment: Deployment) -> str:
    """The address that the recipe states, with the path of this release."""
    stated = yaml.safe_load((RECIPE / "dashboard" / "databases" / "Otklik.yaml").read_text("utf-8"))
    path, options = stated["sqlalchemy_uri"].split("?")
    assert path == "duckdb:////srv/otklik/published/serving.duckdb"
    return f"duckdb:///{deployment.shelf.root / 'serving.duckdb'}?{options}"


def test_the_dashboard_states_what_the_release_states(
    deployment: Deployment, superset: Superset, browser: Browser, tmp_path: Path
) -> None:
    dashboard = open_dashboard(superset, browser)
    dashboard.page.screenshot(path=tmp_path / "superset.png", full_page=True)
    assert_it_states(dashboard, deployment)
    shown = dashboard.rows("Где болит: последние 30 дней")
    stated = deployment.query(
        "select territory_name, heat_level, appeals from marts.territories_current "
        "order by appeals_per_10k desc nulls last"
    )
    marks = {"red": "▲ красный", "yellow": "◆ жёлтый", "green": "● зелёный", None: "–"}
    expected = [[name, marks[level], written(appeals, 0)] for name, level, appeals in stated]
    assert [row[:3] for row in shown] == expected


def test_the_page_asks_no_address_but_its_own(superset: Superset, browser: Browser) -> None:
    dashboard = open_dashboard(superset, browser)
    assert dashboard.finished
    assert [url for url in dashboard.finished if not url.startswith((superset.url, "data:", "blob:"))] == []
    # The pixel of Superset's makers: asked for by their page, forbidden by our policy.
    outside = [failure for url, failure in dashboard.refused if not url.startswith(superset.url)]
    assert outside
    assert set(outside) == {"csp"}


def test_nobody_writes_or_reads_files_through_it(deployment: Deployment, superset: Superset) -> None:
    program = (
        "import sqlalchemy, sys; engine = sqlalchemy.create_engine(sys.argv[1]); engine.execute(sys.argv[2])"
    )
    for statement, refusal in (
        ("create table marts.mine (x integer)", "read-only"),
        (f"select * from read_text('{RECIPE / 'load.py'}')", "disabled by configuration"),
    ):
        assert refusal in superset.fails([program, on_file(deployment), statement])
    superset.python([program, on_file(deployment), "select count(*) from marts.appeals_daily"])


def test_postgresql_changes_the_address_alone(
    deployment: Deployment, superset: Superset, browser: Browser
) -> None:
    with running_postgres() as server:
        server.psql("postgres", "create database otklik")
        server.psql("otklik", ROLES.read_text("utf-8"))
        for who, role in (("make", "owner"), ("load", "loader"), ("read", "reader")):
            server.psql("otklik", f"create role centre_{who} login in role otklik_{role}")
        tables = published_tables(DBT_MANIFEST)
        prepare(server.url("centre_make", "otklik"), deployment.shelf, tables, ("marts",))
        publish(server.url("centre_load", "otklik"), deployment.shelf, tables, ("marts",))
        superset.load(server.url("centre_read", "otklik").replace("postgresql://", "postgresql+psycopg2://"))
        try:
            assert_it_states(open_dashboard(superset, browser), deployment)
        finally:
            superset.load(on_file(deployment))


def assert_it_states(dashboard: Dashboard, deployment: Deployment) -> None:
    """The figures at the top are those of a query."""
    appeals, on_time, hours, overdue = deployment.query(FIGURES)[0]
    assert dashboard.figure("Обращения") == written(appeals, 0)
    assert dashboard.figure("Ответы в срок") == f"{written(on_time, 1)}%"
    assert dashboard.figure("Среднее время до ответа, часов") == written(hours, 1)
    assert dashboard.figure("Просрочено") == written(overdue, 0)


def written(value: float, digits: int) -> str:
    """A number as the dashboard writes it: a comma, and a space that does not break."""
    return f"{value:,.{digits}f}".replace(",", "\u00a0").replace(".", ",")
