"""Pushing events to a webhook, as networks do: a few attempts, content only with a 200."""

from __future__ import annotations

import http.client
import socket
import struct
from urllib.parse import urlsplit

from sandbox.faults import Fault

_ATTEMPTS = 3
_TIMEOUT = 10.0


def push(url: str, body: bytes, headers: dict[str, str], fault: Fault | None = None) -> bool:
    """Whether the receiver took it. `fault` is what befalls the first attempt."""
    for attempt in range(_ATTEMPTS):
        try:
            if _sent(url, body, headers, fault if attempt == 0 else None) == 200:
                return True
        except OSError:
            continue
    return False


def _sent(url: str, body: bytes, headers: dict[str, str], fault: Fault | None) -> int:
    """The receiver's status; 0 where the sender was gone before it came."""
    address = urlsplit(url)
    kind = fault.kind if fault else ""
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT)
    try:
        connection.putrequest("POST", address.path)
        announced = len(body) // 2 if kind == "truncated" else len(body)
        told = {"Content-Type": "application/json", "Content-Length": str(announced), **headers}
        for name, value in told.items():
            connection.putheader(name, value)
        connection.endheaders()
        if kind == "disconnect":
            connection.send(body[: len(body) // 2])
            # A reset, not a farewell.
            linger = struct.pack("ii", 1, 0)
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return 0
        step = max(1, announced // 10) if kind == "slow" else announced
        for start in range(0, announced, step):
            connection.send(body[start : min(announced, start + step)])
        if kind == "timeout":
            return 0
        return connection.getresponse().status
    finally:
        connection.close()
