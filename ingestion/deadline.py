"""Connections whose answers must have begun in time.

A read time-out counts from byte to byte: a server that sends one byte of its headers a second keeps a client
for hours. Here the wait for a status and headers ends at a deadline, whatever drips in meanwhile.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


def bound(pools: PoolManager, seconds: float) -> None:
    """Let every new connection of these pools wait at most `seconds` for the head of an answer."""

    class Http(HTTPConnection):
        def getresponse(self) -> Any:
            return _in_time(self, super().getresponse, seconds)

    class Https(HTTPSConnection):
        def getresponse(self) -> Any:
            return _in_time(self, super().getresponse, seconds)

    class HttpPool(HTTPConnectionPool):
        ConnectionCls = Http

    class HttpsPool(HTTPSConnectionPool):
        ConnectionCls = Https

    pools.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}


def _in_time(connection: HTTPConnection, answer: Any, seconds: float) -> Any:
    is_late = threading.Event()

    def hang_up() -> None:
        is_late.set()
        if connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        response = answer()
    except Exception as error:
        if is_late.is_set():
            raise TimeoutError("the headers came too slowly") from error
        raise
    finally:
        timer.cancel()
    if is_late.is_set():
        # Headers that end where we hung up can look whole.
        raise TimeoutError("the headers came too slowly")
    return response
