"""The lake's copy of raw: what the warehouse holds of finished loads, as Parquet files for Apache Spark.

    <lake>/raw/<table>/<package>.<file>.parquet
    <lake>/raw/finished_loads/…            the loads these files hold, in the same package
    <lake>/epoch.json                      which writing of the copy this is
    <lake>/raw/_dlt_loads/…                dlt's own book: packages without a line there died half-way

Everything enters through the warehouse, where cursors, accounts and privacy are kept; dlt's filesystem
destination carries each load on, once. Rows are only added there. Where the warehouse has rewritten rows it
already held (an erasure, a new key, a backup restored), the whole copy is written anew.
"""

from __future__ import annotations

import json
import os
import posixpath
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingestion.config import Settings
from ingestion.erasures import book_of, read_book
from ingestion.errors import WarehouseError
from ingestion.sources import all_tables
from ingestion.tables import RawTable, dlt_columns
from ingestion.warehouse import DATASET, opened

if TYPE_CHECKING:
    import duckdb
    from dlt.extract import DltResource
    from fsspec import AbstractFileSystem

FINISHED = "finished_loads"
_EPOCH = "epoch.json"
_BATCH_ROWS = 100_000
# What no model reads stays where its retention is kept.
_KEPT_HOME = frozenset({"quarantine"})
_DLT_OPTIONS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "LOAD__RAISE_ON_FAILED_JOBS": "true",
    "LOAD__DELETE_COMPLETED_JOBS": "true",
}


@dataclass(frozen=True)
class Carried:
    """What one call brought to the lake. `rewritten`: everything there was written anew."""

    loads: int
    rows: int
    rewritten: bool


def carry(settings: Settings, lake: str) -> Carried:
    """Bring the finished loads that the lake lacks into it. The caller holds the warehouse lock.

    `lake` is a folder or an address that fsspec opens (s3://bucket/prefix). Raises WarehouseError when it
    cannot be written; a copy that died half-way is swept by the next.
    """
    import fsspec

    fs, root = fsspec.url_to_fs(lake)
    try:
        with opened(settings) as warehouse:
            warehouse.prepare(settings.pseudonyms())
            return _carry(warehouse.connection, settings, lake, fs, posixpath.join(root, DATASET))
    except OSError as error:
        raise WarehouseError(
            f"The lake {lake} cannot be written: {error.strerror or type(error).__name__}",
            "check its address, space and rights (OTKLIK_LAKE) and run again",
        ) from error


def epoch_of(lake: str) -> str:
    """Stands for one writing of the lake's raw: another one when rows that stood there were changed."""
    import fsspec

    fs, root = fsspec.url_to_fs(lake)
    return json.dumps(_read(fs, posixpath.join(root, _EPOCH)), sort_keys=True)


def _carry(
    connection: duckdb.DuckDBPyConnection, settings: Settings, lake: str, fs: AbstractFileSystem, raw: str
) -> Carried:
    # Beside raw, which dlt wants to make itself.
    epoch, path = _epoch(connection, settings), posixpath.join(posixpath.dirname(raw), _EPOCH)
    finished = _loads_of_warehouse(connection)
    _sweep(fs, raw)
    standing = _loads_of_lake(fs, raw)
    known = _read(fs, path) or {}
    is_same = known.get("of") == epoch and standing <= finished
    if not is_same:
        if fs.exists(raw):
            fs.rm(raw, recursive=True)
        fs.makedirs(posixpath.dirname(raw), exist_ok=True)
        with fs.open(path, "w", encoding="utf-8") as file:
            json.dump({"of": epoch, "writing": known.get("writing", 0) + 1}, file)
    rewritten = bool(standing) and not is_same
    fresh = sorted(finished - standing if is_same else finished)
    rows = _load(connection, settings, lake, fresh) if fresh else 0
    return Carried(len(fresh), rows, rewritten)


def _epoch(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, Any]:
    """What stays the same as long as rows are only added."""
    keys = connection.execute("SELECT identity FROM privacy.keys").fetchall()
    return {"erasures": read_book(book_of(settings.data)).count, "key": [identity for (identity,) in keys]}


def _loads_of_warehouse(connection: duckdb.DuckDBPyConnection) -> set[str]:
    present = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'raw' AND table_name = '_dlt_loads'"
    ).fetchone()
    if not present:
        return set()
    done = "SELECT load_id FROM raw._dlt_loads WHERE status = 0"
    return {load_id for (load_id,) in connection.execute(done).fetchall()}


def _loads_of_lake(fs: AbstractFileSystem, raw: str) -> set[str]:
    import pyarrow.parquet as pq

    found: set[str] = set()
    for path in fs.glob(posixpath.join(raw, FINISHED, "*.parquet")):
        with fs.open(path, "rb") as file:
            found.update(pq.read_table(file, columns=["load_id"])["load_id"].to_pylist())
    return found


def _sweep(fs: AbstractFileSystem, raw: str) -> None:
    """Delete the files of packages that dlt has not closed."""
    closed = {
        path.rsplit("__", 1)[-1].removesuffix(".jsonl")
        for path in fs.glob(posixpath.join(raw, "_dlt_loads", "*.jsonl"))
    }
    for path in fs.glob(posixpath.join(raw, "*", "*.parquet")):
        package = ".".join(posixpath.basename(path).split(".")[:2])
        if package not in closed:
            fs.rm(path)


def _read(fs: AbstractFileSystem, path: str) -> Any:
    if not fs.exists(path):
        return None
    with fs.open(path, "r", encoding="utf-8") as file:
        return json.load(file)


def _load(connection: duckdb.DuckDBPyConnection, settings: Settings, lake: str, load_ids: list[str]) -> int:
    """One dlt package with all rows of these loads."""
    before = {name: os.environ.get(name) for name in (*_DLT_OPTIONS, _ADD_LOAD_ID)}
    # The rows keep the id of the load that brought them to the warehouse.
    os.environ.update({**_DLT_OPTIONS, _ADD_LOAD_ID: "false"})
    try:
        import dlt

        folder = settings.data / "dlt"
        shutil.rmtree(folder / "otklik_lake", ignore_errors=True)
        # An empty table makes no file, so that dlt has nothing to guess its columns from.
        connection.execute("CREATE OR REPLACE TEMP TABLE fresh_loads (load_id VARCHAR)")
        connection.executemany("INSERT INTO fresh_loads VALUES (?)", [[load_id] for load_id in load_ids])
        pipeline = dlt.pipeline(
            pipeline_name="otklik_lake",
            pipelines_dir=str(folder),
            destination=dlt.destinations.filesystem(lake, layout="{table_name}/{load_id}.{file_id}.{ext}"),
            dataset_name=DATASET,
        )
        resources = [_rows(connection, table) for table in all_tables() if table.name not in _KEPT_HOME]
        pipeline.extract([*resources, _finished(connection)], loader_file_format="parquet")
        counted = pipeline.normalize().row_counts
        pipeline.load()
        names = {table.name for table in all_tables()}
        return sum(count for name, count in counted.items() if name in names)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_ADD_LOAD_ID = "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID"


def _rows(connection: duckdb.DuckDBPyConnection, table: RawTable) -> DltResource:
    names = ", ".join(f'"{column.name}"' for column in table.all_columns)
    # Names come from our own registry of tables, never from data.
    select = (
        f"SELECT {names}, _dlt_load_id FROM raw.{table.name} "  # noqa: S608
        "WHERE _dlt_load_id IN (SELECT load_id FROM fresh_loads)"
    )
    return _resource(connection, table.name, select, dlt_columns(table))


def _finished(connection: duckdb.DuckDBPyConnection) -> DltResource:
    select = "SELECT * FROM raw._dlt_loads WHERE load_id IN (SELECT load_id FROM fresh_loads)"
    columns: dict[str, Any] = {"load_id": {"data_type": "text"}, "status": {"data_type": "bigint"}}
    return _resource(connection, FINISHED, select, columns)


def _resource(
    connection: duckdb.DuckDBPyConnection, name: str, select: str, columns: dict[str, Any]
) -> DltResource:
    import dlt

    def pages() -> Iterator[Any]:
        # A cursor of its own sees the temporary table of the connection it comes from no more.
        reader = connection.execute(select).to_arrow_reader(_BATCH_ROWS)
        for batch in reader:
            if batch.num_rows:
                yield batch

    return dlt.resource(pages, name=name, write_disposition="append", columns=columns)
