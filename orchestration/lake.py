"""The tables that Spark left in the lake as a DuckDB file of views; and the folders nobody needs any more."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

if TYPE_CHECKING:
    import duckdb
    from pyspark.sql import SparkSession

SCHEMAS = ("raw", "seeds", "staging", "facts", "marts")
# Made by the dialect's incremental models, no column of theirs.
SLICE_MONTH = "slice_month"
_TYPES = {
    "string": "varchar",
    "int": "integer",
    "bigint": "bigint",
    "double": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp_ntz": "timestamp",
    "timestamp": "timestamptz",
}


@dataclass(frozen=True)
class LakeTable:
    """A table as the metastore names it. `folder` is None for a view of Spark's own."""

    schema: str
    name: str
    folder: Path | None
    partitions: tuple[str, ...]


def tables_of(session: SparkSession) -> Iterator[LakeTable]:
    """Every table and view of the project."""
    known = {row[0] for row in session.sql("show schemas").collect()}
    for schema in SCHEMAS:
        if schema not in known:
            continue
        for row in session.sql(f"show table extended in {schema} like '*'").collect():
            told: str = row["information"]
            place = re.search(r"^Location: (.+)$", told, re.MULTILINE)
            columns = re.search(r"^Partition Columns: \[(.*)\]$", told, re.MULTILINE)
            partitions = tuple(re.findall(r"[\w]+", columns[1])) if columns else ()
            folder = Path(unquote(urlparse(place[1]).path)) if place else None
            yield LakeTable(schema, row["tableName"], folder, partitions)


def show(session: SparkSession, target: Path) -> None:
    """Write the file of views anew and put it in place in one step."""
    import duckdb

    fresh = target.with_name(f".{target.name}.new")
    fresh.unlink(missing_ok=True)
    with duckdb.connect(str(fresh)) as connection:
        for schema in SCHEMAS:
            connection.execute(f"create schema {schema}")
        for table in tables_of(session):
            _show_one(session, connection, table)
    os.replace(fresh, target)


def _show_one(session: SparkSession, connection: duckdb.DuckDBPyConnection, table: LakeTable) -> None:
    name = f"{table.schema}.{table.name}"
    frame = session.table(name)
    if table.folder is None:
        rows = frame.toArrow()
        connection.register("rows_of_view", rows)
        connection.execute(f"create table {name} as select * from rows_of_view")  # noqa: S608 - names of our own
        connection.unregister("rows_of_view")
        return
    fields = [(field.name, _TYPES[field.dataType.simpleString()]) for field in frame.schema.fields]
    columns = [(column, kind) for column, kind in fields if column != SLICE_MONTH]
    # Parts of a write that is under way, or has died, lie in folders of other names.
    pattern = "/".join([*(f"{column}=*" for column in table.partitions), "*.parquet"])
    if next(table.folder.glob(pattern), None) is None:
        empty = ", ".join(f'cast(null as {kind}) as "{column}"' for column, kind in columns)
        connection.execute(f"create view {name} as select {empty} where false")
        return
    types = ", ".join(f"'{column}': {kind}" for column, kind in fields if column in table.partitions)
    hive = f"hive_partitioning = true, hive_types = {{{types}}}" if types else "hive_partitioning = false"
    literal = str(table.folder / pattern).replace("'", "''")
    files = f"read_parquet('{literal}', union_by_name = {str(table.schema == 'raw').lower()}, {hive})"
    # Files of before a column came lack it.
    there = {row[0] for row in connection.execute(f"describe select * from {files}").fetchall()}  # noqa: S608
    chosen = ", ".join(
        f'"{column}"' if column in there else f'cast(null as {kind}) as "{column}"'
        for column, kind in columns
    )
    connection.execute(f"create view {name} as select {chosen} from {files}")  # noqa: S608


def tidy(session: SparkSession, lake: Path) -> list[Path]:
    """Delete the folders of builds that the metastore names no more; returns them.

    What they hold was replaced, and may be what a citizen has had erased.
    """
    current = {table.folder for table in tables_of(session)}
    gone = []
    for folder in sorted((lake / "tables").glob("*/*/*")):
        if folder not in current:
            shutil.rmtree(folder)
            gone.append(folder)
    return gone
