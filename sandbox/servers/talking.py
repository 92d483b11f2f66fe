"""What the servers of the networks with conversations share: counting, limits, faults, parameters."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.conversations import Conversations, Topic
from sandbox.faults import REFUSALS, Fault, Faults, FaultyResponse
from sandbox.scenario import Page
from sandbox.servers.limits import RateLimit
from sandbox.world import World

Params = dict[str, Any]


class RefusedError(Exception):
    """The service says no: with this HTTP status and this body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class TalkServer:
    """`clock` gives seconds and drives the limits; tests pass their own."""

    network: ClassVar[str]

    def __init__(
        self, world: World, faults: Faults, log: Counter[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.world, self.faults, self.log = world, faults, log
        self._limit = RateLimit(clock)

    @property
    def talks(self) -> Conversations:
        return self.world.talks(self.network)

    @property
    def pages(self) -> dict[int, Page]:
        """Official pages of the network by their place in the scenario."""
        return {
            place: self.world.scenario.pages[place] for place in self.world.scenario.page_places(self.network)
        }

    def visible_topics(self, place: int) -> list[Topic]:
        """Posts of a page up to now, in order of time; none where the page cannot be read."""
        if self.world.scenario.pages[place].state != "open":
            return []
        return [topic for topic in self.talks.topics[place] if topic.date <= self.world.now]

    def within_limit(self, token: str) -> bool:
        return self._limit.allows(token, self.world.scenario.talk_rules(self.network).requests_per_second)

    def respond(
        self,
        path: str,
        method: str,
        answer: Callable[[], Any],
        *,
        error: Callable[[Fault], RefusedError],
        too_many: Callable[[int | None], Any] | None = None,
        listing: str = "",
        begins: bool = False,
    ) -> Response:
        """The answer to one request, after whatever fault waits for it.

        `error` words a fault's `api_error`; `too_many` the body of a 429 where it carries the hint itself.
        `begins`: it is the first page of the list `listing`.
        """
        self.log[f"{self.network} {method}"] += 1
        fault = self.faults.take_http(path, {method})
        if fault and fault.kind in REFUSALS:
            refusal = too_many(fault.retry_after) if too_many and fault.kind == "http_429" else None
            return FaultyResponse(fault, b"", orjson.dumps(refusal) if refusal else b"")
        status = 200
        try:
            if told := self.faults.take_error(path, {method}):
                raise error(told)
            body = self.faults.told(path, method, answer(), listing, begins=begins)
        except RefusedError as refused:
            status, body = refused.status, refused.body
        raw = orjson.dumps(body)
        return FaultyResponse(fault, raw) if fault else Response(raw, status, media_type="application/json")


async def parameters(request: Request) -> Params:
    """Query, then form or JSON body: what services take without distinction."""
    params: Params = dict(parse_qsl(request.url.query, keep_blank_values=True))
    body = await request.body()
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        content = orjson.loads(body or b"{}")
        return params | (content if isinstance(content, dict) else {})
    if kind.startswith("multipart/form-data"):
        async with request.form() as form:
            return params | {name: value for name, value in form.items() if isinstance(value, str)}
    return params | dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
