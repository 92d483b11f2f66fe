"""Faults on demand: what real services do on bad days, posted to /_control/faults.

HTTP faults hit a whole request. Data faults hit one answer: inside VK's `execute` they hit the inner call
whose method they name, as VK's own failures do. What a data fault does is `sandbox.spoiling`'s business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.noise import key, mix
from sandbox.spoiling import FIELD_KINDS, PAGE_KINDS, main_list, moved, spoiled

REFUSALS = {"http_500": 500, "http_502": 502, "http_503": 503, "http_429": 429}
HTTP_KINDS = frozenset({*REFUSALS, "truncated", "slow", "timeout", "disconnect"})
ERROR_KINDS = frozenset({"vk_error", "api_error"})
DATA_KINDS = ERROR_KINDS | FIELD_KINDS | PAGE_KINDS


class FaultError(ValueError):
    """A fault that was described wrongly; the message says how to describe it."""


@dataclass
class Fault:
    """`skip` lets that many matching requests pass first; `times` then counts down to nothing.

    With a `share` below 1 each matching request is struck with that probability, drawn from `seed` and the
    number of the request, so that the same requests meet the same faults. `retry_after` is the hint that
    comes with a 429; none is given where it is null.
    """

    kind: str
    path_contains: str = ""
    method: str = ""
    times: int = 1
    skip: int = 0
    code: int = 6
    retry_after: int | None = 1
    field: str = "date"  # of those that change a text it is `text`
    seconds: float | None = None  # how long slow (3) and timeout (60) take
    share: float = 1.0
    seed: int = 0
    met: int = 0  # matching requests so far

    def spares(self) -> bool:
        """Whether this matching request passes."""
        if self.skip:
            self.skip -= 1
            return True
        self.met += 1
        drawn = mix(key(self.seed, self.kind) + self.met) >> 11
        return drawn >= self.share * (1 << 53)

    def matches(self, path: str, methods: Iterable[str]) -> bool:
        return self.path_contains in path and (not self.method or self.method in methods)


class Faults:
    """The list of faults still to happen, in the order in which they were posted."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self._answers: dict[tuple[str, str, str], Any] = {}

    def add(self, descriptions: list[Any]) -> None:
        known = {one.name for one in fields(Fault)} - {"met"}
        new = []
        for description in descriptions:
            kind = description.get("kind") if isinstance(description, dict) else None
            if kind not in HTTP_KINDS | DATA_KINDS or set(description) - known:
                raise FaultError(
                    f"A fault is an object with a kind of {sorted(HTTP_KINDS | DATA_KINDS)} and, as needed, "
                    f"{sorted(known - {'kind'})}; this one is {description!r}."
                )
            usual = {} if kind not in FIELD_KINDS or "text" not in kind else {"field": "text"}
            new.append(Fault(**usual | description))
        self.waiting.extend(new)

    def clear(self) -> None:
        self.waiting.clear()
        self._answers.clear()

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self.waiting]

    def take_http(self, path: str, methods: Iterable[str]) -> Fault | None:
        return self._take(HTTP_KINDS, path, methods)

    def take_error(self, path: str, methods: Iterable[str]) -> Fault | None:
        """An error that the service itself tells; each server says it in its own way."""
        return self._take(ERROR_KINDS, path, methods)

    def told(self, path: str, method: str, answer: Any, listing: str = "", *, begins: bool = False) -> Any:
        """The answer as it leaves the server: whole, or as the next data fault wants it.

        Faults of pages compare with the answer that the same method gave before, where `listing` says which
        of its lists is read. A list that `begins` anew has no page before: what an earlier walk through it
        ended with is no page that a service could repeat.
        """
        fault = self._take(DATA_KINDS - ERROR_KINDS, path, (method,))
        key = (path, method, listing)
        previous, self._answers[key] = None if begins else self._answers.get(key), answer
        if fault is None:
            return answer
        if fault.kind == "page_repeated":
            return answer if previous is None else previous
        if fault.kind == "items_moved":
            return moved(answer, main_list(previous))
        return spoil(fault, answer)

    def _take(self, kinds: frozenset[str], path: str, methods: Iterable[str]) -> Fault | None:
        for fault in self.waiting:
            if fault.kind in kinds and fault.matches(path, methods):
                if fault.spares():
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None


def spoil(fault: Fault, answer: Any) -> Any:
    """The answer with every `field` spoiled in the fault's way."""
    return spoiled(fault.kind, fault.field, orjson.loads(orjson.dumps(answer)))


class FaultyResponse(Response):
    """An HTTP answer that goes wrong the way `fault` says; `body` is what should have been sent.

    `refusal` is what this server says instead of a plain refusal; then it carries the hint, not the header.
    """

    def __init__(self, fault: Fault, body: bytes, refusal: bytes = b"") -> None:
        status = {**REFUSALS, "timeout": 504}.get(fault.kind, 200)
        headers = {}
        if status == 429 and fault.retry_after is not None and not refusal:
            headers["retry-after"] = str(fault.retry_after)
        if status != 200:
            body = refusal or orjson.dumps(
                {"error": {"code": fault.kind, "message": "A fault posted to the sandbox."}}
            )
        elif fault.kind == "truncated":
            body = body[: len(body) // 2]
        super().__init__(body, status, headers, "application/json")
        self.fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.fault.kind == "timeout":
            await asyncio.sleep(60 if self.fault.seconds is None else self.fault.seconds)
        if self.fault.kind not in {"slow", "disconnect"}:
            await super().__call__(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if self.fault.kind == "disconnect":
            # Less than the promised length: the server closes the connection on its own.
            await send({"type": "http.response.body", "body": bytes(self.body[: len(self.body) // 2])})
            return
        step = max(1, len(self.body) // 10)
        for start in range(0, len(self.body), step):
            await asyncio.sleep((3 if self.fault.seconds is None else self.fault.seconds) / 10)
            chunk = bytes(self.body[start : start + step])
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
