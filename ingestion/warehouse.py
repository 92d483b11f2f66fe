"""The warehouse file as a load finds and leaves it: tables exist, rows of failed loads are gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.config import Settings
from ingestion.errors import ConfigError, WarehouseError
from ingestion.pseudonyms import Pseudonyms
from ingestion.sources import all_tables
from ingestion.tables import create_statement

if TYPE_CHECKING:
    import duckdb

DATASET = "raw"
# How DuckDB lays out a new file. By default every version since 0.10 could read it, at a price: in the newer
# layout the file of two million appeals is a third smaller and takes two thirds of the time to write.
STORAGE_VERSION = "v1.5.0"


def attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attach a file that does not exist yet, to be made in our layout."""
    literal = str(path).replace("'", "''")
    connection.execute(f"ATTACH '{literal}' AS {name} (STORAGE_VERSION '{STORAGE_VERSION}')")


@contextmanager
def opened(settings: Settings) -> Iterator[Warehouse]:
    """The warehouse, held open for the whole load: dlt's own connections then share the instance
    instead of opening and checkpointing the file several times."""
    import duckdb

    settings.data.mkdir(parents=True, exist_ok=True)
    try:
        if not settings.warehouse.exists():
            with duckdb.connect() as connection:
                attach(connection, settings.warehouse, "fresh")
        connection = duckdb.connect(str(settings.warehouse))
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            problem, step = f"Another process has {settings.warehouse} open", "close it and run again"
        else:
            problem = f"{settings.warehouse} cannot be opened as a DuckDB file"
            step = "restore it, or move it away so that it is built anew"
        raise WarehouseError(problem, step) from error
    try:
        yield Warehouse(connection)
    finally:
        connection.close()


class Warehouse:
    """What a load does to the warehouse besides landing its package."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def prepare(self, pseudonyms: Pseudonyms) -> int:
        """Make every raw table exist, sweep what failed loads left, and return the next `load_seq`.

        All tables of all sources are made, so that a region without ПОС does not break the models on it.
        """
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {DATASET}")
        for table in all_tables():
            self.connection.execute(create_statement(table, DATASET))
        self.sweep()
        self.check_key(pseudonyms)
        newest = self.connection.execute("SELECT coalesce(max(load_seq), 0) FROM raw.loads").fetchall()
        return int(newest[0][0]) + 1

    def check_key(self, pseudonyms: Pseudonyms) -> None:
        """Refuse a key under which people would get other hashes than they have here.

        The warehouse remembers a word that follows from its keys and does not reveal them.
        """
        self.connection.execute("CREATE SCHEMA IF NOT EXISTS privacy")
        self.connection.execute("CREATE TABLE IF NOT EXISTS privacy.keys (identity VARCHAR NOT NULL)")
        found = self.connection.execute("SELECT identity FROM privacy.keys").fetchall()
        *earlier, current = pseudonyms.identities()
        if not found:
            self.connection.execute("INSERT INTO privacy.keys VALUES (?)", [current])
            return
        if found[0][0] == current:
            return
        if found[0][0] in earlier:
            raise ConfigError(
                "OTKLIK_HMAC_KEY is new, and the warehouse's rows are still under the one before it",
                "bring them under it: `otklik rotate-key`",
            )
        raise ConfigError(
            "OTKLIK_HMAC_KEY is not the key that the warehouse's rows were made under",
            "put that one back; to change it, name it in OTKLIK_HMAC_OLD_KEYS and run `otklik rotate-key`",
        )

    def sweep(self) -> None:
        """Delete rows whose load was never committed.

        dlt copies each table in a transaction of its own and commits the load in `_dlt_loads` last, so
        that a load which dies between the two leaves rows without a committed load id.
        """
        present = {
            name
            for (name,) in self.connection.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = ?", [DATASET]
            ).fetchall()
        }
        committed = "SELECT load_id FROM raw._dlt_loads WHERE status = 0"
        if "_dlt_loads" not in present:
            committed = "SELECT ''"
        for table in all_tables():
            if table.name in present:
                # Names come from our own registry of tables, never from data.
                statement = f"DELETE FROM raw.{table.name} WHERE _dlt_load_id NOT IN ({committed})"  # noqa: S608
                self.connection.execute(statement)
