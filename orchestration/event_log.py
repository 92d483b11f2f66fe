"""Dagster's event log on SQLite, with connections that stay open.

Dagster's own storage opens an engine, a connection and a transaction for each of some three statements per
event, syncs the disk each time and, as the last to close the file, folds its journal in: of a quiet run of
ours most of the time. The files are the same, so that any Dagster reads what this one wrote.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import Field, StringSource
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, StaticPool, create_engine, event

# A run writes to two files; the web page reads a few more.
_OPEN_FILES = 8


def event_log_settings(home: Path) -> dict[str, Any]:
    """The block `event_log_storage` of dagster.yaml for the Dagster home `home`."""
    return {
        "module": __name__,
        "class": EventLog.__name__,
        "config": {"base_dir": str(home.resolve() / "history" / "runs")},
    }


class EventLog(SqliteEventLogStorage):
    """SqliteEventLogStorage that keeps its newest files open.

    A transaction is written when it ends but not synced to the disk: after a power cut the last events of a
    run may be missing, never a part of one. Dagster's books may forget; the warehouse does not rely on them.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[tuple[int, str], tuple[tuple[int, int] | None, Engine]] = OrderedDict()
        self._engines_lock = threading.RLock()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {"base_dir": Field(StringSource)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> EventLog:
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        # one connection per file, so one thread at a time; Dagster's own storage holds the same lock
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        """The open engine of a file; a new one where the file is new, or we are a fork of who opened it."""
        key = (os.getpid(), shard)
        with self._engines_lock:
            known = self._engines.get(key)
            if known and known[0] == self._identity(shard):
                self._engines.move_to_end(key)
                return known[1]
            if known:
                known[1].dispose()
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            event.listen(engine, "connect", _without_sync)
            self._initdb(engine)
            self._engines[key] = (self._identity(shard), engine)
            while len(self._engines) > _OPEN_FILES:
                _, (_, oldest) = self._engines.popitem(last=False)
                oldest.dispose()
            return engine

    def _identity(self, shard: str) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path_for_shard(shard))
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def dispose(self) -> None:
        super().dispose()
        with self._engines_lock:
            for (pid, _), (_, engine) in self._engines.items():
                if pid == os.getpid():
                    engine.dispose()
            self._engines.clear()


def _without_sync(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")
