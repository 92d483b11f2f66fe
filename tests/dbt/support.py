"""A tiny street without sources: raw rows written by hand, dbt run on them in this process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from ingestion.sources import all_tables
from ingestion.tables import create_statement
from orchestration.dbt_process import environment

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "dbt_project"
# Never compared: which load last changed a row is history, and a full refresh has none.
BOOKKEEPING = {"load_seq", "mapping_seq"}

# Models that keep something between runs, and what stands between them. The others (registry, dimensions) are
# written whole by every run; a test that changes the registry builds them as well.
MOVING = (
    *("config.materialized:incremental", "int_changed_texts", "int_changed_appeals", "int_changed_responses"),
    *("int_appeals_clocked", "int_appeals_copied", "int_gospublics_batch"),
    *("path:models/marts", "tag:after_gate"),
)
MARTS = ("path:models/marts", "tag:after_gate")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Dbt:
    """The parsed project; every run takes a fresh copy of it, because running a manifest alters it."""

    parsed: Any
    folder: Path

    @property
    def manifest(self) -> dict[str, Any]:
        """The project as `target/manifest.json` states it."""
        content: dict[str, Any] = self.parsed.to_dict()
        return content

    def run(self, arguments: Sequence[str], warehouse: Path, as_of: str = "2026-06-20 00:00:00") -> Any:
        """One command of dbt on a warehouse; AssertionError with dbt's own words when it fails."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        with _tests(OTKLIK_WAREHOUSE=str(warehouse), OTKLIK_RUN_AS_OF=as_of):
            runner = dbtRunner(manifest=self.parsed.deepcopy())
            try:
                outcome = runner.invoke([*arguments, *_options(self.folder)])
            finally:
                # or what was written stays in the log beside the file, and a copy of the file lacks it
                DuckDBConnectionManager.close_all_connections()
        results = getattr(outcome.result, "results", [])
        failed = [f"{one.node.name}: {one.message}" for one in results if one.status in ("error", "fail")]
        assert outcome.success, failed or str(outcome.exception)
        return outcome.result


def parse(folder: Path) -> Dbt:
    """Parse the project into a folder of its own, so that tests disturb nobody's target."""
    from dbt.cli.main import dbtRunner

    with _tests(OTKLIK_WAREHOUSE=str(folder / "warehouse.duckdb")):
        outcome = dbtRunner().invoke(["parse", *_options(folder)])
    assert outcome.success, str(outcome.exception)
    return Dbt(outcome.result, folder)


def _tests(**values: str) -> AbstractContextManager[None]:
    return environment(**values, DBT_SEND_ANONYMOUS_USAGE_STATS="false", OTKLIK_RUN_FINGERPRINT="tests")


def _options(folder: Path) -> list[str]:
    return [
        *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
        *("--target-path", str(folder / "target"), "--log-path", str(folder / "logs")),
        *("--quiet", "--log-level-file", "none", "--no-write-json"),
    ]


@dataclass
class Street:
    """A warehouse with raw rows, and the models built on it. Times are naive UTC."""

    dbt: Dbt
    path: Path
    as_of: str = "2026-06-20 00:00:00"
    _loads: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        with duckdb.connect(str(self.path)) as connection:
            connection.execute("create schema if not exists raw")
            for table in all_tables():
                connection.execute(create_statement(table, "raw"))
            connection.execute("create table if not exists raw._dlt_loads (load_id varchar, status bigint)")
            newest = connection.execute("select coalesce(max(load_seq), 0) from raw.loads").fetchone()
            self._loads = newest[0] if newest else 0

    def load(
        self, rows: Mapping[str, Sequence[Row]], region: str = "north", *, finished: bool = True
    ) -> None:
        """Write rows by raw table as one load; an unfinished one lacks its row in _dlt_loads."""
        self._loads += 1
        load_id = f"{self._loads}.{region}"
        common = {
            "region_id": region,
            "fetched_at": datetime(2026, 6, 1) + timedelta(hours=self._loads),
            "_dlt_load_id": load_id,
        }
        book = [
            {
                "source": name.split("_")[0],
                "resource": name,
                "load_seq": self._loads,
                "mode": "live",
                **dict.fromkeys(("received", "landed"), len(found)),
                **dict.fromkeys(("quarantined", "skipped_unchanged", "erased", "requests", "retries"), 0),
            }
            for name, found in rows.items()
        ]
        with duckdb.connect(str(self.path)) as connection:
            for name, found in {**rows, "loads": book}.items():
                for row in found:
                    _insert(connection, name, {**common, **row})
            if finished:
                connection.execute("insert into raw._dlt_loads (load_id, status) values (?, 0)", [load_id])

    def build(self, *models: str, skip: Sequence[str] = (), refresh: bool = False) -> None:
        """Run the models (MOVING unless named), incrementally unless told otherwise; `skip` as by a death."""
        arguments = ["run", "--select", *(models or MOVING)]
        arguments += ["--exclude", *skip] if skip else []
        arguments += ["--full-refresh"] if refresh else []
        self.dbt.run(arguments, self.path, self.as_of)

    def build_all(self) -> None:
        """Run every model incrementally."""
        self.dbt.run(["run"], self.path, self.as_of)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a statement."""
        with duckdb.connect(str(self.path)) as connection:
            return connection.execute(sql).fetchall()

    def differences(self) -> dict[str, int]:
        """Published tables that a full refresh of the same raw rows states otherwise: rows in one only."""
        other = self.path.parent / "refreshed" / self.path.name
        other.parent.mkdir(exist_ok=True)
        shutil.copy(self.path, other)
        self.dbt.run(["run", "--full-refresh", "--select", *MOVING], other, self.as_of)
        found = {}
        with duckdb.connect(str(other)) as connection:
            connection.execute(f"attach '{self.path}' as standing (read_only)")
            for schema, table, columns in _published(self.dbt.manifest):
                ours, theirs = f"standing.{schema}.{table}", f"{schema}.{table}"
                count = connection.execute(
                    f"""
                    select count(*) from (
                        (select {columns} from {ours} except all select {columns} from {theirs})
                        union all
                        (select {columns} from {theirs} except all select {columns} from {ours})
                    )
                    """
                ).fetchone()
                if count and count[0]:
                    found[table] = count[0]
        return found


def _insert(connection: duckdb.DuckDBPyConnection, table: str, row: Row) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    places = ", ".join("?" for _ in row)
    connection.execute(f"insert into raw.{table} ({names}) values ({places})", list(row.values()))


def _published(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Schema, table and comparable columns of everything a release carries."""
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model":
            continue
        if node["schema"] == "marts" or node["config"]["meta"].get("published"):
            columns = [f'"{name}"' for name in node["columns"] if name not in BOOKKEEPING]
            yield node["schema"], node["name"], ", ".join(columns)
