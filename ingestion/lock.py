"""One writer at a time: an advisory lock beside the warehouse that says who holds it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingestion.clock import iso_z, utc_now
from ingestion.config import Settings
from ingestion.errors import Busy

_POLL_SECONDS = 0.1


@contextmanager
def warehouse_lock(settings: Settings, what: str, wait: float = 0) -> Iterator[None]:
    """Hold <data>/warehouse.lock while writing; waits up to `wait` seconds, then Busy names the holder.

    The kernel releases the lock when its process ends, however it ends, so that no stale lock exists.
    """
    path = settings.data / "warehouse.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(descriptor, path, time.monotonic() + wait)
        holder = {"pid": os.getpid(), "what": what, "since": iso_z(utc_now().replace(microsecond=0))}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder, ensure_ascii=False).encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Busy(
                    f"The warehouse {path.parent} is being written by {_holder(descriptor)}",
                    "wait until that run ends, or end it by its pid",
                ) from None
            time.sleep(_POLL_SECONDS)


def _holder(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f"{holder['what']} (pid {holder['pid']}, since {holder['since']})"
    except (ValueError, KeyError, TypeError):
        return "a process that has not said its name yet"
