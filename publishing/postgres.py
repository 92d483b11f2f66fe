"""Release → PostgreSQL, by COPY and in one transaction: readers see one release or the next.

Tables stay and their rows change, so a reader is never locked out: a statement (or a `repeatable read`
transaction) sees all tables as one release left them. Three roles: the owner makes tables (`prepare`), the
loader changes rows (`publish`), the reader selects from `marts`. deploy/postgres/roles.sql creates them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publishing.catalogue import PublishedTable
from publishing.errors import PublishError
from publishing.release import Shelf
from publishing.restatements import RESTATEMENTS

if TYPE_CHECKING:
    import pyarrow as pa

OWNER, LOADER, READER = "otklik_owner", "otklik_loader", "otklik_reader"
_PARTITION = re.compile(r"region_id=(?P<region>[^/]+)/month=(?P<month>\d{4}-\d{2})\.parquet$")
_TYPES = {
    "string": "text",
    "int64": "bigint",
    "int32": "integer",
    "double": "double precision",
    "bool": "boolean",
    "date32[day]": "date",
    "timestamp[us]": "timestamp",
}
_PREPARE = "run `otklik postgres prepare`"


@dataclass(frozen=True)
class Delivered:
    """What one publish did: the release that PostgreSQL now states, and how much of it had changed."""

    release_id: str
    tables: int
    rows: int


def prepare(url: str, shelf: Shelf, tables: Iterable[PublishedTable], schemas: Sequence[str]) -> list[str]:
    """Make the tables that the current release needs, as the owner; returns the names of those made anew.

    A table whose columns are not the release's is dropped and made anew, empty, until the next `publish`.
    Every table gets a unique index on its grain and its comments; rights go to loader and reader. Raises
    PublishError without a release, without a connection and without the rights of the owner.
    """
    manifest = _manifest(shelf)
    made = []
    with _transaction(url, f"SET ROLE {OWNER}") as cursor:
        for schema in ("otklik", *schemas):
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO {LOADER}")
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS otklik.files (path text PRIMARY KEY, sha256 text NOT NULL)"
        )
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS otklik.release"
            " (release_id text NOT NULL, as_of timestamp NOT NULL, git_commit text NOT NULL)"
        )
        for table in _chosen(tables, schemas):
            wanted = _release_columns(shelf, manifest, table)
            if _standing_columns(cursor, table) != wanted:
                _make(cursor, table, wanted)
                made.append(f"{table.schema}.{table.name}")
            _comment(cursor, table)
            cursor.execute(f"GRANT SELECT, INSERT, DELETE ON {_name(table)} TO {LOADER}")
        cursor.execute(f"GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA otklik TO {LOADER}")
        cursor.execute(f"GRANT USAGE ON SCHEMA otklik, marts TO {READER}")
        cursor.execute(f"GRANT SELECT ON otklik.release TO {READER}")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA marts TO {READER}")
    return made


def publish(url: str, shelf: Shelf, tables: Iterable[PublishedTable], schemas: Sequence[str]) -> Delivered:
    """Make PostgreSQL state the current release, as the loader, in one transaction.

    Only files that PostgreSQL does not hold yet are sent. Raises PublishError when a table has to be prepared
    first or when PostgreSQL refuses; it then states what it stated before.
    """
    manifest = _manifest(shelf)
    sent = rows = 0
    with _transaction(url) as cursor:
        # Two publishes wait for each other; readers wait for nobody.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('otklik.publish'))").fetchall()
        standing = _standing_files(cursor)
        for table in _chosen(tables, schemas):
            if _standing_columns(cursor, table) != _release_columns(shelf, manifest, table):
                raise PublishError(f"PostgreSQL's table {_name(table)} is not as the release's", _PREPARE)
            held = {path: sha for path, sha in standing.items() if _is_of(table, path)}
            wanted = {file["path"]: file["sha256"] for file in manifest["tables"][table.path]["files"]}
            stale = [path for path in held if held[path] != wanted.get(path)]
            fresh = [path for path in wanted if held.get(path) != wanted[path]]
            for path in stale:
                _forget(cursor, table, path)
            for path in fresh:
                rows += _send(cursor, table, shelf.current / path)
                cursor.execute("INSERT INTO otklik.files VALUES ($1, $2)", (path, wanted[path]))
            sent += bool(stale or fresh)
        cursor.execute("DELETE FROM otklik.release")
        cursor.execute(
            "INSERT INTO otklik.release VALUES ($1, $2::text::timestamp, $3)",
            (manifest["id"], manifest["as_of"].removesuffix("Z"), manifest["git_commit"]),
        )
    return Delivered(manifest["id"], sent, rows)


def _manifest(shelf: Shelf) -> dict[str, Any]:
    manifest = shelf.current_manifest()
    if manifest is None:
        raise PublishError("There is no release yet", "make one with `otklik run`")
    return manifest


def _chosen(tables: Iterable[PublishedTable], schemas: Sequence[str]) -> Iterator[PublishedTable]:
    return (table for table in (*tables, RESTATEMENTS) if table.schema in schemas)


@contextmanager
def _transaction(url: str, *opening: str) -> Iterator[Any]:
    """A cursor whose work is committed at the end, or not at all. Messages never hold the address."""
    from adbc_driver_manager import Error
    from adbc_driver_postgresql import dbapi

    try:
        with dbapi.connect(url) as connection, connection.cursor() as cursor:
            for statement in opening:
                cursor.execute(statement)
            yield cursor
            connection.commit()
    except Error as error:
        raise PublishError(
            f"PostgreSQL did not take the release: {_said(error)}",
            "see docs/operations.md, “PostgreSQL”; what it stated before still stands",
        ) from None


def _said(error: Exception) -> str:
    """The server's own sentence, without address, user and statement."""
    found = re.search(r"(?:ERROR|FATAL):\s*([^\n]*)", str(error))
    return found[1].strip() if found else "it cannot be reached"


def _is_of(table: PublishedTable, path: str) -> bool:
    return path == f"{table.path}.parquet" or path.startswith(f"{table.path}/")


def _name(table: PublishedTable) -> str:
    return f'{table.schema}."{table.name}"'


def _release_columns(
    shelf: Shelf, manifest: Mapping[str, Any], table: PublishedTable
) -> list[tuple[str, str]]:
    """Names and PostgreSQL types of a table's columns as its files have them."""
    import pyarrow.parquet as pq

    files = manifest["tables"].get(table.path, {}).get("files", ())
    if not files:
        return []
    return [(field.name, _type(table, field)) for field in pq.read_schema(shelf.current / files[0]["path"])]


def _type(table: PublishedTable, field: pa.Field) -> str:
    try:
        return _TYPES[str(field.type)]
    except KeyError:
        raise PublishError(
            f"{_name(table)} has a column {field.name} of type {field.type}, which has no like in PostgreSQL",
            "cast it in the model",
        ) from None


def _standing_columns(cursor: Any, table: PublishedTable) -> list[tuple[str, str]]:
    found = cursor.execute(
        "SELECT attname::text, format_type(atttypid, atttypmod)"
        " FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum",
        (_name(table),),
    ).fetchall()
    return [(name, kind.removesuffix(" without time zone")) for name, kind in found]


def _standing_files(cursor: Any) -> dict[str, str]:
    if cursor.execute("SELECT to_regclass('otklik.files')::text").fetchone()[0] is None:
        raise PublishError("PostgreSQL has no tables for Otklik yet", f"as the owner {_PREPARE}")
    return dict(cursor.execute("SELECT path, sha256 FROM otklik.files").fetchall())


def _make(cursor: Any, table: PublishedTable, columns: Sequence[tuple[str, str]]) -> None:
    cursor.execute(f"DROP TABLE IF EXISTS {_name(table)}")
    if not columns:
        return
    body = ", ".join(f'"{name}" {kind}' for name, kind in columns)
    cursor.execute(f"CREATE TABLE {_name(table)} ({body})")
    for path in _standing_files(cursor):
        if _is_of(table, path):
            cursor.execute("DELETE FROM otklik.files WHERE path = $1", (path,))
    if table.key:
        grain = ", ".join(f'"{name}"' for name in table.key)
        cursor.execute(
            f'CREATE UNIQUE INDEX "{table.name}_grain" ON {_name(table)} ({grain}) NULLS NOT DISTINCT'
        )


def _comment(cursor: Any, table: PublishedTable) -> None:
    if cursor.execute("SELECT to_regclass($1)::text", (_name(table),)).fetchone()[0] is None:
        return
    cursor.execute(f"COMMENT ON TABLE {_name(table)} IS {_literal(table.description)}")
    for column in table.columns:
        cursor.execute(f'COMMENT ON COLUMN {_name(table)}."{column.name}" IS {_literal(column.comment)}')


def _forget(cursor: Any, table: PublishedTable, path: str) -> None:
    """Delete the rows of a file that this release no longer holds."""
    where, values = "", None
    if part := _PARTITION.search(path):
        first = date.fromisoformat(part["month"] + "-01")
        after = (first + timedelta(days=32)).replace(day=1)
        where = " WHERE region_id = $1 AND local_date >= $2::text::date AND local_date < $3::text::date"
        values = (part["region"], first.isoformat(), after.isoformat())
    cursor.execute(f"DELETE FROM {_name(table)}{where}", values)  # noqa: S608 - names of our own
    cursor.execute("DELETE FROM otklik.files WHERE path = $1", (path,))


def _send(cursor: Any, table: PublishedTable, file: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = pq.ParquetFile(file)
    if content.metadata.num_rows == 0:
        return 0
    reader = pa.RecordBatchReader.from_batches(content.schema_arrow, content.iter_batches())
    return int(cursor.adbc_ingest(table.name, reader, mode="append", db_schema_name=table.schema))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
