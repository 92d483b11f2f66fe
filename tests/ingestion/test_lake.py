"""The lake holds each finished load of raw once, whatever died, and nothing that raw has lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.config import Settings
from ingestion.erasures import Erasures, book_of, write_book
from ingestion.lake import carry
from ingestion.pseudonyms import Pseudonyms
from ingestion.warehouse import opened
from tests.dbt import rows
from tests.dbt.support import Dbt, Street
from tests.ingestion.support import Deployment


def finish(settings: Settings, loads: int) -> None:
    """Load an appeal in each of so many finished loads."""
    with opened(settings) as warehouse:
        warehouse.prepare(settings.pseudonyms())
    desk = Street(Dbt(None, settings.data), settings.warehouse)
    for number in range(loads):
        desk.load(rows.pos(f"p{desk._loads}-{number}", "06-01 06:00"))


def held(settings: Settings, table: str) -> list[Any]:
    """Load ids of the rows of a table that the lake holds."""
    files = settings.lake_folder / "raw" / table / "*.parquet"
    column = "load_id" if table == "finished_loads" else "_dlt_load_id"
    found = duckdb.sql(f"select {column} from read_parquet('{files}') order by 1").fetchall()
    return [value for (value,) in found]


def take(settings: Settings) -> tuple[int, int, bool]:
    carried = carry(settings, str(settings.lake_folder))
    return carried.loads, carried.rows, carried.rewritten


@pytest.fixture
def settings(deployment: Deployment) -> Settings:
    found = deployment.settings
    found.data.mkdir()
    finish(found, 2)
    return found


def test_each_load_is_carried_once(settings: Settings) -> None:
    # an appeal, its status and the books of three tables
    assert take(settings) == (2, 2 * 5, False)
    assert take(settings) == (0, 0, False)
    finish(settings, 1)
    assert take(settings) == (1, 5, False)
    assert held(settings, "pos_appeals") == held(settings, "finished_loads")
    assert len(held(settings, "pos_appeals")) == 3


def test_a_load_that_never_finished_is_left_behind(settings: Settings) -> None:
    desk = Street(Dbt(None, settings.data), settings.warehouse)
    desk.load(rows.pos("unfinished", "06-01 06:00"), finished=False)
    assert take(settings)[0] == 2
    assert len(held(settings, "pos_appeals")) == 2


@pytest.mark.scenario
def test_what_a_death_left_is_swept_and_carried_again(settings: Settings) -> None:
    take(settings)
    finish(settings, 1)
    take(settings)
    # as if the last package had died before dlt closed it
    book = sorted(Path(settings.lake_folder / "raw" / "_dlt_loads").glob("*.jsonl"))[-1]
    book.unlink()
    assert take(settings) == (1, 5, False)
    assert len(held(settings, "pos_appeals")) == len(set(held(settings, "pos_appeals"))) == 3


@pytest.mark.scenario
def test_an_erasure_writes_everything_anew(settings: Settings) -> None:
    take(settings)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("delete from raw.pos_appeals where pos_id like 'p0-%'")
    key: Pseudonyms = settings.pseudonyms()
    write_book(book_of(settings.data), Erasures(count=1, identity=key.identities()[-1]))
    loads, carried, rewritten = take(settings)
    assert (loads, carried, rewritten) == (2, 2 * 5 - 1, True)
    assert len(held(settings, "pos_appeals")) == 1
    assert take(settings) == (0, 0, False)


@pytest.mark.scenario
def test_a_restored_backup_writes_everything_anew(settings: Settings) -> None:
    take(settings)
    with duckdb.connect(str(settings.warehouse)) as connection:
        newest = "(select max(load_id) from raw._dlt_loads)"
        connection.execute(f"delete from raw.pos_appeals where _dlt_load_id = {newest}")
        connection.execute(f"delete from raw._dlt_loads where load_id = {newest}")
    assert take(settings)[::2] == (1, True)
    assert len(held(settings, "pos_appeals")) == 1
