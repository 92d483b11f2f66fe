"""How a raw table is described: once, in plain Python, for Arrow, dlt, DDL and the asset catalogue.

Importing this module costs nothing: pyarrow and dlt are loaded only where a conversion needs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

ColumnType = Literal["text", "bigint", "int", "bool", "double", "date", "timestamp"]
Row = Mapping[str, Any]

SQL_TYPES: dict[ColumnType, str] = {
    "text": "VARCHAR",
    "bigint": "BIGINT",
    "int": "INTEGER",
    "bool": "BOOLEAN",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}

# Timestamps are naive UTC; without `timezone: False` dlt would make them TIMESTAMP WITH TIME ZONE.
_DLT_HINTS: dict[ColumnType, dict[str, Any]] = {
    "text": {"data_type": "text"},
    "bigint": {"data_type": "bigint"},
    "int": {"data_type": "bigint", "precision": 32},
    "bool": {"data_type": "bool"},
    "double": {"data_type": "double"},
    "date": {"data_type": "date"},
    "timestamp": {"data_type": "timestamp", "timezone": False, "precision": 6},
}


@dataclass(frozen=True)
class Column:
    """One column: `required` means NOT NULL, `key` documents the natural key (raw keeps every version)."""

    name: str
    type: ColumnType
    description: str
    required: bool = False
    key: bool = False


@dataclass(frozen=True)
class RawTable:
    """One table of the dataset `raw`: `columns` are the source's own, `all_columns` add the common ones.

    `bulk`: its rows come by the million, so DuckDB inserts them itself (`ingestion.bulk`) and dlt never sees
    them.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    bulk: bool = False
    _common: tuple[Column, ...] = field(
        default=(
            Column("region_id", "text", "Region whose deployment read the row.", required=True, key=True),
            Column("fetched_at", "timestamp", "When the row was read, UTC.", required=True),
        ),
        repr=False,
    )

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Common columns first, then the source's; `_dlt_load_id` is added by dlt at the end."""
        return (*self._common, *self.columns)


@cache
def arrow_schema(table: RawTable) -> pa.Schema:
    """The explicit Arrow schema of a table: nothing is ever inferred from values."""
    import pyarrow as pa

    types: dict[ColumnType, pa.DataType] = {
        "text": pa.string(),
        "bigint": pa.int64(),
        "int": pa.int32(),
        "bool": pa.bool_(),
        "double": pa.float64(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
    }
    return pa.schema([pa.field(c.name, types[c.type], nullable=not c.required) for c in table.all_columns])


def arrow_table(table: RawTable, rows: Sequence[Row], region_id: str, fetched_at: datetime) -> pa.Table:
    """Rows (dicts that hold every column of `table.columns`) → one Arrow table; KeyError if one lacks."""
    import pyarrow as pa

    schema = arrow_schema(table)
    common: dict[str, Any] = {"region_id": region_id, "fetched_at": fetched_at}
    arrays = []
    for arrow_field in schema:
        name = arrow_field.name
        values = [common[name]] * len(rows) if name in common else [row[name] for row in rows]
        arrays.append(pa.array(values, type=arrow_field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


@cache
def dlt_columns(table: RawTable) -> dict[str, Any]:
    """dlt's column hints of a table, explicit for every column."""
    return {
        c.name: {
            "name": c.name,
            **_DLT_HINTS[c.type],
            "nullable": not c.required,
            "primary_key": c.key,
            "description": c.description,
        }
        for c in table.all_columns
    }


def create_statement(table: RawTable, dataset: str) -> str:
    """DDL equal to what dlt would write, so that a table exists before its first row does; long texts by the
    million are kept a third smaller and written a quarter faster than DuckDB's own choice would keep them."""
    columns = [
        f'"{c.name}" {SQL_TYPES[c.type]}{" NOT NULL" if c.required else ""}'
        f"{' USING COMPRESSION zstd' if table.bulk and c.name == 'text' else ''}"
        for c in table.all_columns
    ]
    columns.append('"_dlt_load_id" VARCHAR NOT NULL')
    return f'CREATE TABLE IF NOT EXISTS {dataset}."{table.name}" ({", ".join(columns)})'
