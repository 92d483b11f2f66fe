"""What is kept beside the rows of raw: dlt's state, the inbox's journal, the bytes of the warehouse's file.

Erasing and a new key have to reach all of it. Everything here is done under the warehouse lock.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from ingestion.errors import WarehouseError
from ingestion.inbox.journal import journal_path
from ingestion.warehouse import attach

if TYPE_CHECKING:
    import duckdb

# Of each source: what its state holds under keys made of a person's id.
KEYED_BY_CHAT = {"telegram": ("words",), "max": ("messages", "read")}
# (channel, region, event_id, content) → what shall stand there; None for nothing.
ChangeEvent = Callable[[str, str, str, Any], tuple[str, Any] | None]
ChangeState = Callable[[str, dict[str, Any]], None]


def rewrite_states(connection: duckdb.DuckDBPyConnection, change: ChangeState) -> None:
    """Let `change(source, state)` alter what each source goes on from; states before it are deleted.

    The state of a load that was never committed goes too: nobody would read it.
    """
    from dlt.common.versioned_state import compress_state, decompress_state
    from dlt.pipeline.state_sync import generate_pipeline_state_version_hash

    if not _has_states(connection):
        return
    connection.execute(
        """
        DELETE FROM raw._dlt_pipeline_state
        WHERE (pipeline_name, version, _dlt_load_id) NOT IN (
            SELECT pipeline_name, max(version), max_by(_dlt_load_id, version)
            FROM raw._dlt_pipeline_state
            WHERE _dlt_load_id IN (SELECT load_id FROM raw._dlt_loads WHERE status = 0)
            GROUP BY pipeline_name
        )
        """
    )
    found = connection.execute("SELECT pipeline_name, state FROM raw._dlt_pipeline_state").fetchall()
    for pipeline, packed in found:
        state: Any = decompress_state(packed)
        for source in state.get("sources", {}).values():
            for name, kept in source.get("resources", {}).items():
                change(name, kept)
        state["_version_hash"] = generate_pipeline_state_version_hash(state)
        connection.execute(
            "UPDATE raw._dlt_pipeline_state SET state = ?, version_hash = ? WHERE pipeline_name = ?",
            [compress_state(state), state["_version_hash"], pipeline],
        )


def state_of(connection: duckdb.DuckDBPyConnection, source: str, region_id: str) -> dict[str, Any]:
    """What a source goes on from, as its newest committed load left it; empty before the first."""
    from dlt.common.versioned_state import decompress_state

    if not _has_states(connection):
        return {}
    found = connection.execute(
        """
        SELECT state FROM raw._dlt_pipeline_state
        WHERE
            pipeline_name = ?
            AND _dlt_load_id IN (SELECT load_id FROM raw._dlt_loads WHERE status = 0)
        ORDER BY version DESC
        LIMIT 1
        """,
        [f"otklik_{source}_{region_id}"],
    ).fetchone()
    kept: Any = decompress_state(found[0]) if found else {}
    resources = [one.get("resources", {}) for one in kept.get("sources", {}).values()]
    return next((dict(names[source]) for names in resources if source in names), {})


def _has_states(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "SELECT 1 FROM information_schema.tables "
        "WHERE table_schema = 'raw' AND table_name = '_dlt_pipeline_state'"
    )
    return found.fetchone() is not None


def rewrite_journal(data: Path, change: ChangeEvent, mark: str = "") -> int:
    """Let `change` alter every event of the inbox's journal, and write the file anew; how many did.

    With a `mark` that the journal bears already nothing is done; otherwise it bears it from now on.
    """
    path = journal_path(data)
    if not path.exists():
        return 0
    changed = 0
    try:
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as journal:
            journal.execute("PRAGMA secure_delete = ON")
            journal.execute("BEGIN IMMEDIATE")
            if mark and not _marked_anew(journal, mark):
                journal.execute("ROLLBACK")
                return 0
            events = journal.execute("SELECT seq, channel, region, event_id, content FROM events").fetchall()
            for seq, channel, region, event_id, content in events:
                before = (event_id, orjson.loads(content))
                after = change(channel, region, *before)
                if after is None:
                    journal.execute("DELETE FROM events WHERE seq = ?", (seq,))
                elif (after[0], orjson.dumps(after[1])) != (event_id, content):
                    journal.execute(
                        "UPDATE events SET event_id = ?, content = ? WHERE seq = ?",
                        (after[0], orjson.dumps(after[1]), seq),
                    )
                else:
                    continue
                changed += 1
            journal.execute("COMMIT")
            journal.execute("VACUUM")
            journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise WarehouseError(
            f"The inbox's journal {path} cannot be rewritten ({error})",
            "stop `otklik inbox serve` and run again",
        ) from error
    return changed


def _marked_anew(journal: sqlite3.Connection, mark: str) -> bool:
    journal.execute("CREATE TABLE IF NOT EXISTS marks (mark TEXT PRIMARY KEY)")
    if journal.execute("SELECT 1 FROM marks WHERE mark = ?", (mark,)).fetchone():
        return False
    journal.execute("DELETE FROM marks")
    journal.execute("INSERT INTO marks VALUES (?)", (mark,))
    return True


def scalars(content: Any) -> Iterator[str]:
    """Every value of a JSON document as text."""
    if isinstance(content, dict):
        for value in content.values():
            yield from scalars(value)
    elif isinstance(content, list):
        for value in content:
            yield from scalars(value)
    elif isinstance(content, str | int) and not isinstance(content, bool):
        yield str(content)


def drop_working_copies(data: Path) -> None:
    """Packages of loads, parsed pages: nothing of it is needed between runs."""
    shutil.rmtree(data / "dlt", ignore_errors=True)


def rewrite_file(warehouse: Path) -> None:
    """Write the warehouse's file anew, so that what was deleted is in none of its bytes."""
    import duckdb

    fresh = warehouse.with_name(f".{warehouse.name}.rewritten")
    fresh.unlink(missing_ok=True)
    try:
        with duckdb.connect() as connection:
            literal = str(warehouse).replace("'", "''")
            connection.execute(f"ATTACH '{literal}' AS old (READ_ONLY)")
            attach(connection, fresh, "fresh")
            connection.execute("COPY FROM DATABASE old TO fresh")
            connection.execute("CHECKPOINT fresh")
    except duckdb.Error as error:
        fresh.unlink(missing_ok=True)
        if isinstance(error, duckdb.IOException) and "Corrupt" in str(error):
            raise WarehouseError(
                f"The raw rows in {warehouse} are damaged, and there is no other copy of them here",
                "restore the newest backup: `otklik restore DIR`",
            ) from error
        raise WarehouseError(
            f"The warehouse {warehouse} cannot be written anew ({type(error).__name__})",
            "check that its disk has as much space again as the file takes, and run the same command again",
        ) from error
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(fresh, warehouse)
    for leftover in (f"{warehouse.name}.wal", f".{warehouse.name}.rewritten.wal"):
        warehouse.with_name(leftover).unlink(missing_ok=True)
    shutil.rmtree(warehouse.with_name(f"{warehouse.name}.tmp"), ignore_errors=True)
