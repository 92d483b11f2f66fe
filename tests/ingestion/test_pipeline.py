"""A load is whole or not at all, tables are as agreed, and every table is described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from ingestion.errors import AccountingBroken, UsageError, WarehouseError
from ingestion.pipeline import ingest
from ingestion.run import Batch, Run
from ingestion.sources import SOURCES, SourceSpec, all_tables, find_source
from ingestion.tables import SQL_TYPES
from tests.ingestion.support import Deployment, Server
from tests.ingestion.test_pos import Pos, appeal


@pytest.fixture
def pos(server: Server, deployment: Deployment) -> Pos:
    deployment.sources["pos"] = {"base_url": server.url, "token_env": "OTKLIK_TEST_TOKEN"}
    return Pos(server, [appeal(n) for n in range(1, 4)])


def execute(deployment: Deployment, *statements: str) -> None:
    with duckdb.connect(str(deployment.root / "data" / "warehouse.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_load_that_fails_while_writing_leaves_no_row(pos: Pos, deployment: Deployment) -> None:
    settings, region = deployment.settings, deployment.region
    ingest("pos", region, settings)
    # One table of the package cannot be written any more; the others are.
    execute(
        deployment,
        "create table raw.answers_before as from raw.pos_answers",
        "delete from raw.pos_answers",
        "alter table raw.pos_answers add column surprise integer",
        "alter table raw.pos_answers alter column surprise set not null",
    )
    pos.appeals.append(appeal(4, updated_at="2026-11-05T00:00:00Z"))
    with pytest.raises(WarehouseError, match=r"could not be written to .*warehouse\.duckdb \(Constraint"):
        ingest("pos", region, settings)
    assert deployment.one("select count(*) from raw.pos_appeals") == 3
    assert deployment.one("select max(load_seq) from raw.loads") == 1
    execute(deployment, "alter table raw.pos_answers drop column surprise")
    healed = ingest("pos", region, settings)
    assert healed.resources["appeals"].landed == 1
    assert healed.load_seq == 2


def test_rows_of_a_killed_load_are_swept_by_the_next(pos: Pos, deployment: Deployment) -> None:
    ingest("pos", deployment.region, deployment.settings)
    execute(
        deployment,
        "insert into raw.pos_appeals select * replace ('999999.9' as _dlt_load_id) from raw.pos_appeals",
    )
    ingest("pos", deployment.region, deployment.settings)
    assert deployment.one("select count(*) from raw.pos_appeals") == 3


def test_local_state_is_never_trusted(pos: Pos, deployment: Deployment) -> None:
    ingest("pos", deployment.region, deployment.settings)
    (deployment.root / "data" / "warehouse.duckdb").unlink()
    assert ingest("pos", deployment.region, deployment.settings).resources["appeals"].landed == 3


def test_miscounted_loads_are_refused(
    pos: Pos, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def miscount(self: SourceSpec) -> Any:
        def read(run: Run) -> Iterator[Batch]:
            run.tallies["appeals"].received = 2
            yield from ()

        return read

    monkeypatch.setattr(SourceSpec, "reader", miscount)
    with pytest.raises(AccountingBroken, match="received 2 objects but settled 0"):
        ingest("pos", deployment.region, deployment.settings)


def test_raw_tables_are_exactly_as_described(pos: Pos, deployment: Deployment) -> None:
    ingest("pos", deployment.region, deployment.settings)
    columns = deployment.query(
        "select table_name, column_name, data_type, is_nullable from information_schema.columns"
        " where table_schema = 'raw' and not starts_with(table_name, '_dlt')"
        " order by table_name, ordinal_position"
    )
    expected: list[tuple[str, ...]] = []
    for table in sorted(all_tables(), key=lambda table: table.name):
        expected += [
            (table.name, column.name, SQL_TYPES[column.type], "NO" if column.required else "YES")
            for column in table.all_columns
        ]
        expected.append((table.name, "_dlt_load_id", "VARCHAR", "NO"))
    assert columns == expected


def test_dlt_itself_would_make_the_same_tables(
    pos: Pos, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest("pos", deployment.region, deployment.settings)
    before = deployment.query("describe raw.pos_appeals")
    execute(
        deployment,
        "drop table raw.pos_appeals",
        "drop table raw._dlt_version",
        "drop table raw._dlt_loads",
        "drop table raw._dlt_pipeline_state",
    )
    monkeypatch.setattr(
        "ingestion.warehouse.create_statement",
        lambda table, dataset: f"create schema if not exists {dataset}",
    )
    ingest("pos", deployment.region, deployment.settings)
    assert deployment.query("describe raw.pos_appeals") == before


def test_two_regions_share_the_tables_and_the_numbering(pos: Pos, deployment: Deployment) -> None:
    one = deployment.region
    other = one.model_copy(update={"region_id": "other"})
    assert [ingest("pos", region, deployment.settings).load_seq for region in (one, other, one)] == [1, 2, 3]
    assert deployment.query("select region_id, count(*) from raw.pos_appeals group by 1 order by 1") == [
        ("other", 3),
        ("test", 3),
    ]


def test_a_warehouse_that_is_no_database_is_a_sentence(pos: Pos, deployment: Deployment) -> None:
    (deployment.root / "data").mkdir()
    (deployment.root / "data" / "warehouse.duckdb").write_text("hello" * 1000)
    with pytest.raises(WarehouseError, match="cannot be opened as a DuckDB file"):
        ingest("pos", deployment.region, deployment.settings)


def test_an_unknown_source_lists_the_known() -> None:
    with pytest.raises(UsageError, match="use one of: registry, pos, vk, incident, ok, telegram, max"):
        find_source("fax")


def test_every_table_and_column_is_described() -> None:
    for table in all_tables():
        assert table.description.endswith(".")
        assert any(column.key for column in table.columns) or table.name in {"quarantine", "registry_regions"}
        assert all(column.description.endswith(".") for column in table.all_columns)
    assert all(table.name.startswith(f"{spec.name}_") for spec in SOURCES.values() for table in spec.tables)
