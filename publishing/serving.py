"""Release → serving.duckdb, the file that analysts and BI tools open.

Marts and dimensions are copied into it; facts, which are big, are views on the release's own files. It is
built beside the one in use and replaces it in one step: a reader that holds the old file keeps it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publishing.catalogue import PublishedTable
from publishing.release import Shelf, scan
from publishing.restatements import RESTATEMENTS

if TYPE_CHECKING:
    import duckdb


_INFO = {
    "": "Which release this file serves. Grain: the one release.",
    "release_id": "Релиз. Id of the release; `otklik query --release` asks it again.",
    "as_of": "На момент. The moment the figures are stated for, UTC.",
    "git_commit": "Версия кода. Commit of the code that made the figures.",
}


def build_serving(shelf: Shelf, manifest: dict[str, Any], tables: Iterable[PublishedTable]) -> Path:
    """Build the serving file of a release in place and swap it in; returns its path.

    Schemas: marts, facts, and release.info with one row (release_id, as_of timestamp UTC, git_commit).
    Columns and tables carry their descriptions as comments.
    """
    import duckdb

    folder = (shelf.releases / manifest["id"]).resolve()
    fresh = shelf.root / f".serving-{os.getpid()}.duckdb"
    fresh.unlink(missing_ok=True)
    with duckdb.connect(str(fresh)) as connection:
        connection.execute("set timezone to 'UTC'")
        connection.execute("begin")  # hundreds of comments, each of which would wait for the disk
        connection.execute("create schema release")
        connection.execute(
            "create table release.info as "
            "select ? as release_id, cast(? as timestamp) as as_of, ? as git_commit",
            [manifest["id"], manifest["as_of"].removesuffix("Z"), manifest["git_commit"]],
        )
        _comment(connection, "table", "release.info", _INFO)
        for table in (*tables, RESTATEMENTS):
            kind = "view" if table.partitioned else "table"
            name = f"{table.schema}.{table.name}"
            connection.execute(f"create schema if not exists {table.schema}")
            connection.execute(
                f"create {kind} {name} as select * from {scan(folder, manifest['tables'], table.path)}"  # noqa: S608
            )
            comments = {column.name: column.comment for column in table.columns}
            _comment(connection, kind, name, {"": table.description, **comments})
        connection.execute("commit")
    os.replace(fresh, shelf.serving)
    return shelf.serving


def _comment(
    connection: duckdb.DuckDBPyConnection, kind: str, name: str, sentences: Mapping[str, str]
) -> None:
    """Comments of a table or view (under the empty name) and of its columns."""
    for column, sentence in sentences.items():
        place = f'column {name}."{column}"' if column else f"{kind} {name}"
        connection.execute(f"comment on {place} is {_literal(sentence)}")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
