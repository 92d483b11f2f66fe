"""Pushing events to a webhook, as networks do: a few attempts, content only with a 200."""

from __future__ import annotations

import http.client
import socket
import struct
from urllib.parse import urlsplit

from sandbox.faults import Fault

_ATTEMPTS = 3
_TIMEOUT = 10.0


def push(
    url: str, body: bytes, headers: dict[str, str], fault: Fault | None = None, thanks: str | None = None
) -> bool:
    """Whether the receiver took it: with a 200 and, where the network wants one, the word of `thanks`.
    `fault` is what befalls the first attempt."""
    for attempt in range(_ATTEMPTS):
        try:
            status, said = _sent(url, body, headers, fault if attempt == 0 else None)
            if status == 200 and thanks in {None, said}:
                return True
        except OSError:
            continue
    return False


def _sent(url: str, body: bytes, headers: dict[str, str], fault: Fault | None) -> tuple[int, str]:
    """The receiver's status and words; 0 where the sender was gone before they came."""
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
            return 0, ""
        step = max(1, announced // 10) if kind == "slow" else announced
        for start in range(0, announced, step):
            connection.send(body[start : min(announced, start + step)])
        if kind == "timeout":
            return 0, ""
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
