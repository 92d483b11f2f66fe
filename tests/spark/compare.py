"""Tables of two DuckDB files, held against each other row by row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

TOLERANCE = 1e-9
# Which load last changed a row is history, and engines may tell it differently.
BOOKKEEPING = {"load_seq", "mapping_seq", "change_seq"}
# What an engine notes of its own runs.
BOOKS = ["street_progress", "standing_build"]
Row = tuple[Any, ...]


def differences(ours: Path, theirs: Path, schemas: tuple[str, ...]) -> tuple[dict[str, list[str]], int]:
    """What differs by table, and how many rows were compared."""
    found: dict[str, list[str]] = {}
    compared = 0
    with duckdb.connect(str(ours), read_only=True) as one, duckdb.connect(str(theirs), read_only=True) as two:
        names = _names(one, schemas)
        assert names == _names(two, schemas), set(names) ^ set(_names(two, schemas))
        for name in names:
            columns = _columns(one, name)
            assert sorted(columns) == sorted(_columns(two, name)), name
            rows = [_rows(connection, name, columns) for connection in (one, two)]
            compared += len(rows[0])
            told = list(_told(columns, *rows))
            if told:
                found[name] = told[:5]
    return found, compared


def _names(connection: duckdb.DuckDBPyConnection, schemas: tuple[str, ...]) -> list[str]:
    asked = """
        select table_schema || '.' || table_name from information_schema.tables
        where table_schema in (select unnest(?)) and table_name not in (select unnest(?))
        order by all
    """
    return [name for (name,) in connection.execute(asked, [list(schemas), BOOKS]).fetchall()]


def _columns(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    described = connection.execute(f"describe {name}").fetchall()
    return {row[0]: row[1] for row in described if row[0] not in BOOKKEEPING}


def _rows(connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str]) -> list[Row]:
    chosen = ", ".join(f'"{column}"' for column in columns)
    rows = connection.execute(f"select {chosen} from {name}").fetchall()
    return sorted(rows, key=_place)


def _place(row: Row) -> str:
    """Order that no last digit of a fraction decides, unless rows differ by nothing else."""
    exact = [str(value) for value in row if not isinstance(value, float)]
    return "\x00".join([*exact, *(f"{value:.6g}" for value in row if isinstance(value, float))])


def _told(columns: dict[str, str], ours: list[Row], theirs: list[Row]) -> Iterator[str]:
    if len(ours) != len(theirs):
        yield f"{len(ours)} rows and {len(theirs)}"
    for one, two in zip(ours, theirs, strict=False):
        for column, left, right in zip(columns, one, two, strict=True):
            if not _is_same(left, right):
                yield f"{column}: {left!r} and {right!r}"


def _is_same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    assert left is None or isinstance(left, str | bool | int | float | date | datetime), type(left)
    return bool(left == right)
