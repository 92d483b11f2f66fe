"""Releases into a real PostgreSQL: three roles, one transaction, readers who never see a mix."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from adbc_driver_manager import Error
from adbc_driver_postgresql import dbapi

from orchestration.dbt_manifest import DBT_MANIFEST
from publishing.catalogue import PublishedTable, published_tables
from publishing.errors import PublishError
from publishing.postgres import prepare, publish
from publishing.release import Provenance, Shelf, build_candidate, point_current, put_in_place, record_audit
from tests.postgres import Server, running_postgres
from tests.street.conftest import Deployment

pytestmark = pytest.mark.postgres
ROLES = Path(__file__).parents[2] / "deploy" / "postgres" / "roles.sql"
BOTH = ("marts", "facts")


@dataclass(frozen=True)
class Bank:
    """A database with Otklik's roles, and one login for each."""

    server: Server
    tables: list[PublishedTable]

    def url(self, who: str) -> str:
        return self.server.url(f"centre_{who}", "otklik")

    def ask(self, who: str, sql: str) -> list[tuple[Any, ...]]:
        with dbapi.connect(self.url(who)) as connection, connection.cursor() as cursor:
            return cursor.execute(sql).fetchall()


@pytest.fixture(scope="module")
def bank() -> Iterator[Bank]:
    with running_postgres() as server:
        server.psql("postgres", "create database otklik")
        server.psql("otklik", ROLES.read_text("utf-8"))
        for who, role in (("make", "owner"), ("load", "loader"), ("read", "reader")):
            server.psql("otklik", f"create role centre_{who} login in role otklik_{role}")
        yield Bank(server, published_tables(DBT_MANIFEST))


def test_postgres_states_what_the_release_states(deployment: Deployment, bank: Bank) -> None:
    with pytest.raises(PublishError, match="as the owner run `otklik postgres prepare`"):
        publish(bank.url("load"), deployment.shelf, bank.tables, BOTH)
    made = prepare(bank.url("make"), deployment.shelf, bank.tables, BOTH)
    done = publish(bank.url("load"), deployment.shelf, bank.tables, BOTH)

    manifest = deployment.shelf.current_manifest()
    assert manifest is not None
    assert sorted(made) == sorted(path.replace("/", ".") for path in manifest["tables"])
    for path, table in manifest["tables"].items():
        assert bank.ask("make", f"select count(*) from {path.replace('/', '.')}") == [(table["rows"],)], path
    assert done.rows == sum(table["rows"] for table in manifest["tables"].values())
    assert bank.ask("read", "select release_id from otklik.release") == [(manifest["id"],)]
    everything = "select * from marts.year_review order by 1, 2, 3, 4, 5"
    assert bank.ask("read", everything) == deployment.query(everything)


def test_what_has_not_changed_is_not_sent_again(deployment: Deployment, bank: Bank) -> None:
    assert prepare(bank.url("make"), deployment.shelf, bank.tables, BOTH) == []
    done = publish(bank.url("load"), deployment.shelf, bank.tables, BOTH)
    assert (done.tables, done.rows) == (0, 0)


def test_each_role_can_do_its_own_work_only(bank: Bank) -> None:
    for who, forbidden in (
        ("read", "select count(*) from facts.fct_appeals"),
        ("read", "delete from marts.year_review"),
        ("read", "create table marts.mine (a int)"),
        ("read", "select * from otklik.files"),
        ("load", "drop table marts.year_review"),
        ("load", "create table marts.mine (a int)"),
        ("load", "truncate marts.year_review"),
    ):
        with pytest.raises(Error, match=r"permission denied|must be owner"):
            bank.ask(who, forbidden)


def test_columns_carry_labels_and_grains_are_unique(bank: Bank) -> None:
    comments = bank.ask(
        "read",
        "select col_description('marts.channels_daily'::regclass, attnum) from pg_attribute"
        " where attrelid = 'marts.channels_daily'::regclass and attname = 'appeals'",
    )
    assert comments[0][0].startswith("Обращений. ")
    without = bank.ask(
        "make",
        "select relname::text from pg_class where relkind = 'r' and relnamespace = 'marts'::regnamespace"
        " and not exists (select from pg_index where indrelid = pg_class.oid and indisunique)",
    )
    assert without == []


def test_a_table_of_another_shape_is_named_and_made_anew(deployment: Deployment, bank: Bank) -> None:
    with dbapi.connect(bank.url("make")) as connection, connection.cursor() as cursor:
        cursor.execute("set role otklik_owner")
        cursor.execute("alter table marts.surveys add column stray text")
        connection.commit()
    with pytest.raises(PublishError, match="surveys"):
        publish(bank.url("load"), deployment.shelf, bank.tables, BOTH)
    assert prepare(bank.url("make"), deployment.shelf, bank.tables, BOTH) == ["marts.surveys"]
    assert publish(bank.url("load"), deployment.shelf, bank.tables, BOTH).tables == 1


def test_the_password_is_in_no_message(deployment: Deployment, bank: Bank) -> None:
    wrong = "postgresql://nobody:canary-secret@127.0.0.1:1/otklik"
    with pytest.raises(PublishError) as caught:
        publish(wrong, deployment.shelf, bank.tables, BOTH)
    assert "canary-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


READER = """
import sys
from adbc_driver_postgresql import dbapi
together = '''select (select sum(appeals) from marts.territories_daily),
    (select sum(appeals) from marts.channels_daily), (select count(*) from otklik.release)'''
seen = set()
print("ready", flush=True)
with dbapi.connect(sys.argv[1], autocommit=True) as connection, connection.cursor() as cursor:
    while True:
        one, other, releases = cursor.execute(together).fetchone()
        assert one == other and releases == 1, (one, other, releases)
        seen.add(one)
        if len(seen) % 7 == 0:
            print(len(seen), flush=True)
            seen.add(None)
"""


def test_readers_never_see_a_mix_of_two_releases(deployment: Deployment, bank: Bank) -> None:
    first = deployment.shelf.current_manifest()
    assert first is not None
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, bank.url("read")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert reader.stdout is not None
    reader.stdout.readline()
    try:
        for hour in range(1, 21):
            for mart in ("territories_daily", "channels_daily"):
                deployment.warehouse(
                    f"update marts.{mart} set appeals = appeals + 1"
                    f" where rowid = (select min(rowid) from marts.{mart})"
                )
            _release(deployment, bank.tables, first, hour)
            assert publish(bank.url("load"), deployment.shelf, bank.tables, BOTH).tables == 2
        assert reader.poll() is None
        assert int(reader.stdout.readline()) >= 7
    finally:
        reader.kill()
        _, errors = reader.communicate()
    assert errors == b""


def _release(deployment: Deployment, tables: list[PublishedTable], first: dict[str, Any], hour: int) -> None:
    shelf: Shelf = deployment.shelf
    as_of = datetime(2026, 3, 29, 14) + timedelta(hours=hour)
    provenance = Provenance(as_of, first["git_commit"], first["fingerprint"])
    build_candidate(deployment.data / "warehouse.duckdb", shelf, tables, provenance)
    record_audit(shelf, [])
    manifest, is_new = put_in_place(shelf)
    assert is_new
    point_current(shelf, manifest["id"])
