"""Tables of the warehouse → their files in a release: one each, and one per region and month of a fact.

The same rows give the same bytes, however many files are written at a time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publishing.catalogue import PublishedTable

if TYPE_CHECKING:
    import duckdb

# One row group per 122,880 rows, each file written by one thread: what several write depends on their race.
PARQUET = "(format parquet, compression zstd, row_group_size 122880)"
# Each holds a month of a region's rows.
_WRITERS_AT_MOST = 4


def write_tables(
    connection: duckdb.DuckDBPyConnection,
    tables: Iterable[PublishedTable],
    target: Path,
    current: Path,
    previous: Mapping[str, Any] | None,
) -> dict[str, dict[str, Any]]:
    """Write the tables into the folder `target`; their entries in the manifest by path, in their order.

    connection: the warehouse, allowed one thread. previous: manifest of the release in `current` whose files
    are linked where their rows have not changed; None where none may be.
    """
    standing = {
        (file["path"], file["signature"]): file
        for table in (previous or {}).get("tables", {}).values()
        for file in table["files"]
        if file["signature"]
    }
    parts = [(table, part) for table in tables for part in _parts(connection, table)]
    for folder in sorted({(target / part.path).parent for _, part in parts}):
        folder.mkdir(parents=True, exist_ok=True)
    entries: dict[str, dict[str, Any]] = {}
    due: list[tuple[PublishedTable, _Part]] = []
    for table, part in parts:
        if (part.path, part.signature) in standing:
            os.link(current / part.path, target / part.path)
            entries[part.path] = dict(standing[part.path, part.signature])
        else:
            due.append((table, part))
    with ThreadPoolExecutor(min(_WRITERS_AT_MOST, os.cpu_count() or 1)) as writers:
        for file in writers.map(lambda one: _write(connection, one[0], one[1], target), due):
            entries[file["path"]] = file
    written: dict[str, list[dict[str, Any]]] = {}
    for table, part in parts:
        written.setdefault(table.path, []).append(entries[part.path])
    return {
        path: {"rows": sum(file["rows"] for file in files), "files": files} for path, files in written.items()
    }


def sha256_of(path: Path) -> str:
    """Hexadecimal digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class _Part:
    """One file of a table; `signature` changes whenever its rows do, None where nobody can tell cheaply."""

    path: str
    rows: int
    condition: str = "true"
    signature: str | None = None


def _write(
    connection: duckdb.DuckDBPyConnection, table: PublishedTable, part: _Part, target: Path
) -> dict[str, Any]:
    """One file below `target`; its entry in the manifest."""
    path = target / part.path
    with connection.cursor() as own:  # which takes none of the connection's own settings
        own.execute("set timezone to 'UTC'")
        literal = str(path).replace("'", "''")
        own.execute(f"copy ({_select(table, part)}) to '{literal}' {PARQUET}")
    return {
        "path": part.path,
        "rows": part.rows,
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
        "signature": part.signature,
    }


def _parts(connection: duckdb.DuckDBPyConnection, table: PublishedTable) -> list[_Part]:
    """The files of a table. Names come from the dbt project, region ids are checked by configuration."""
    name = f"{table.schema}.{table.name}"
    if not table.partitioned:
        row = connection.execute(f"select count(*) from {name}").fetchone()  # noqa: S608
        return [_Part(f"{table.path}.parquet", int(row[0]) if row else 0)]
    # Every write of a fact row carries the load that caused it, so a partition whose row count and newest
    # load are the same holds the same rows. A load's own id tells warehouses built anew apart.
    months = connection.execute(
        f"""
        select facts.region_id, facts.month, facts.rows, loads.load_id
        from (
            select
                region_id,
                date_trunc('month', local_date) as month,
                count(*) as rows,
                max(load_seq) as load_seq
            from {name}
            group by all
        ) as facts
        left join staging.stg_operations__loads as loads on facts.load_seq = loads.load_seq
        order by facts.region_id, facts.month
        """  # noqa: S608
    ).fetchall()
    if not months:
        return [_Part(f"{table.path}/region_id=none/empty.parquet", 0, "false")]
    return [
        _Part(
            f"{table.path}/region_id={region_id}/month={month:%Y-%m}.parquet",
            rows,
            # of days, not of texts made of them: DuckDB passes over row groups of other months
            f"region_id = '{region_id}' and local_date >= date '{month}' "
            f"and local_date < date '{month}' + interval 1 month",
            f"{rows}:{load_id}",
        )
        for region_id, month, rows, load_id in months
    ]


def _select(table: PublishedTable, part: _Part) -> str:
    """A part's rows in an order that is always the same: by day, then by the grain."""
    first = ["local_date"] if table.partitioned else []
    order = ", ".join(f'"{name}"' for name in [*first, *(table.key or _names(table))])
    return (
        f"select {table.column_list} from {table.schema}.{table.name} "  # noqa: S608
        f"where {part.condition} order by {order}"
    )


def _names(table: PublishedTable) -> list[str]:
    return [column.name for column in table.columns]
