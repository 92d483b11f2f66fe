"""Everything a deployment has written, as a reader with all the tools would read it."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
from dlt.common.versioned_state import decompress_state


def found_below(folder: Path, needles: Iterable[str], leave_out: Iterable[str] = ()) -> dict[str, list[str]]:
    """Files below `folder` that hold a needle, each with the needles found; `leave_out` are names of folders.

    Looks at the plain bytes of every file, and at what DuckDB, Parquet, SQLite, gzip and dlt's state pack.
    """
    wanted = {needle: (needle.encode(), needle.encode("utf-16-le")) for needle in needles}
    escaped = {needle: needle.encode("unicode_escape") for needle in needles}
    out = set(leave_out)
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_file() or path.is_symlink() or out & set(relative.parts):
            continue
        content = b"\n".join(_contents(path))
        hits = [
            needle
            for needle, forms in wanted.items()
            if any(form in content for form in (*forms, escaped[needle]))
        ]
        if hits:
            found[relative.as_posix()] = hits
    return found


def _contents(path: Path) -> Iterator[bytes]:
    """A file's bytes, and what lies compressed in them."""
    yield path.read_bytes()
    if path.suffix == ".duckdb":
        yield from _duckdb(path)
    elif path.suffix == ".parquet":
        literal = str(path).replace("'", "''")
        with duckdb.connect() as connection:
            yield from _rows(connection, f"read_parquet('{literal}')")
    elif path.suffix in (".sqlite", ".db"):
        yield from _sqlite(path)
    elif path.suffix == ".gz":
        yield gzip.decompress(path.read_bytes())


def _duckdb(path: Path) -> Iterator[bytes]:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
        ).fetchall()
        for schema, table in tables:
            yield from _rows(connection, f'"{schema}"."{table}"')
            if table == "_dlt_pipeline_state":
                for (state,) in connection.execute(f'select state from "{schema}"."{table}"').fetchall():
                    yield str(decompress_state(state)).encode()


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[bytes]:
    for row in connection.execute(f"select cast(columns(*) as varchar) from {table}").fetchall():
        yield "\x1f".join(value or "" for value in row).encode()


def _sqlite(path: Path) -> Iterator[bytes]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f'select * from "{table}"'):
                yield b"\x1f".join(
                    value if isinstance(value, bytes) else str(value).encode() for value in row
                )
    finally:
        connection.close()
