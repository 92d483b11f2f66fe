"""The log of events: <data>/logs/events.jsonl, one JSON object per line, written whole or not at all.

Every line has `at` (UTC), `level` and `event`; the others say which run, source, region and request it was.
Lines hold counts, names of ours and sentences of ours, never what a citizen wrote, a token or a query.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

Events = FilteringBoundLogger
_current: ContextVar[Events | None] = ContextVar("otklik_events", default=None)


def event_log(data: Path, **bound: str) -> Events:
    """The log of the deployment in `data`; `bound` stands in each of its lines."""
    logger: Events = structlog.wrap_logger(
        _Lines(data / "logs" / "events.jsonl"),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        context_class=dict,
        cache_logger_on_first_use=True,
    ).bind(**{name: value for name, value in bound.items() if value})
    return logger


@contextmanager
def told_to(log: Events) -> Iterator[None]:
    """Meanwhile clients that are made write what they ask into `log`."""
    token = _current.set(log)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Events | None:
    """The log of the load in progress, if there is one."""
    return _current.get()


def new_id() -> str:
    """A name for a request that nobody can guess: 16 hex digits."""
    return secrets.token_hex(8)


class _Lines:
    """What structlog hands a finished line to. A full disk must not end what the line is about."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def msg(self, line: bytes) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # One write to a file opened for appending: lines of several processes never mix.
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                os.write(handle, line + b"\n")
            finally:
                os.close(handle)
        except OSError:
            return

    info = warning = error = msg


def _json(content: object, **_: object) -> bytes:
    return orjson.dumps(content, default=str)
