"""The journal of received events: SQLite, so that what was answered with 200 survives kill -9 and power cuts.

One thread writes; it commits whatever has come meanwhile in one go, so that a thousand events a second cost
some hundred fsyncs. Texts in it are masked and people are keyed hashes already.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from ingestion.clock import iso_z
from ingestion.errors import WarehouseError

KEPT_FOR = timedelta(days=14)  # replays are recognised and journals can be read again for so long
_LARGEST_COMMIT = 2000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL,
    region TEXT NOT NULL,
    event_id TEXT NOT NULL,
    received_at TEXT NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (channel, region, event_id)
)
"""


@dataclass(frozen=True)
class Entry:
    """One event; `content` is what `handlers` made of it, fit for the disk."""

    channel: str
    region: str
    event_id: str
    received_at: datetime
    content: Any


Done = Callable[[Exception | None], None]


def journal_path(data: Path) -> Path:
    """Where a deployment keeps its journal."""
    return data / "inbox" / "journal.sqlite"


class Journal:
    """The writing side; close it to stop its thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: queue.SimpleQueue[tuple[Entry, Done] | None] = queue.SimpleQueue()
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(_connected(path)) as connection:
            connection.execute(_SCHEMA)
        self._thread = threading.Thread(target=self._write, name="inbox-journal", daemon=True)
        self._thread.start()

    def put(self, entry: Entry, done: Done) -> None:
        """Have the entry written; `done` is called from the writing thread once it is durable or failed."""
        self._waiting.put((entry, done))

    def close(self) -> None:
        """Write what waits and stop."""
        self._waiting.put(None)
        self._thread.join()

    def _write(self) -> None:
        with closing(_connected(self._path)) as connection:
            while True:
                batch, go_on = self._batch()
                failure: Exception | None = None
                try:
                    _insert(connection, [entry for entry, _ in batch])
                except sqlite3.Error as error:
                    failure = error
                for _, done in batch:
                    done(failure)
                if not go_on:
                    return

    def _batch(self) -> tuple[list[tuple[Entry, Done]], bool]:
        """Everything that waits, at least one; False where nothing follows."""
        batch = []
        found = self._waiting.get()
        while found is not None:
            batch.append(found)
            if len(batch) == _LARGEST_COMMIT:
                return batch, True
            try:
                found = self._waiting.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False


def entries_after(path: Path, channel: str, region: str, seq: int) -> Iterator[tuple[int, datetime, Any]]:
    """(seq, received, content) of events later than `seq`, oldest first."""
    if not path.exists():
        return
    with closing(_connected(path)) as connection:
        found = connection.execute(
            "SELECT seq, received_at, content FROM events"
            " WHERE channel = ? AND region = ? AND seq > ? ORDER BY seq",
            (channel, region, seq),
        )
        for number, received_at, content in found:
            yield number, datetime.fromisoformat(received_at.rstrip("Z")), orjson.loads(content)


def prune(path: Path, channel: str, region: str, seq: int, now: datetime) -> int:
    """Forget events up to `seq`, which a committed load has carried, once they are old enough."""
    if not path.exists():
        return 0
    with closing(_connected(path)) as connection:
        return connection.execute(
            "DELETE FROM events WHERE channel = ? AND region = ? AND seq <= ? AND received_at < ?",
            (channel, region, seq, iso_z(now - KEPT_FOR)),
        ).rowcount


def _insert(connection: sqlite3.Connection, entries: list[Entry]) -> None:
    """A replay is no error: it is there already."""
    rows = [
        (one.channel, one.region, one.event_id, iso_z(one.received_at), orjson.dumps(one.content))
        for one in entries
    ]
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany(
            "INSERT INTO events (channel, region, event_id, received_at, content) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            rows,
        )
        connection.execute("COMMIT")
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise


def _connected(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error as error:
        raise WarehouseError(
            f"The inbox's journal {path} cannot be opened ({error})", "check rights and space of its folder"
        ) from error
    return connection
