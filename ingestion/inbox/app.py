"""The receiver: an ASGI application that answers 200 only when an event lies safely on the disk."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ingestion.events import Events, new_id
from ingestion.inbox.handlers import Handler, Request
from ingestion.inbox.journal import Entry, Journal

MAX_BODY_BYTES = 2**20
_GARBAGE_PER_MINUTE = 60
_REMEMBERED_SENDERS = 10_000
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


class Receiver:
    """Deliveries of all channels and regions; `now` gives naive UTC, `latest` the last believable moment."""

    def __init__(
        self,
        handlers: Mapping[tuple[str, str], Handler],
        journal: Journal,
        now: Callable[[], datetime],
        latest: Callable[[], datetime],
        max_age: timedelta | None,
        events: Events,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._handlers, self._journal, self._now, self._latest = handlers, journal, now, latest
        self._max_age = max_age
        self._events, self._clock = events, clock
        self._garbage = _Garbage(clock)

    def app(self) -> Starlette:
        """Routes `POST /{channel}/{region}` and `GET /health`."""
        return Starlette(
            routes=[
                Route("/health", self._health, methods=["GET"]),
                Route("/{channel}/{region}", self._deliver, methods=["POST"]),
            ]
        )

    async def _health(self, _: HttpRequest) -> Response:
        return PlainTextResponse("ok")

    async def _deliver(self, http: HttpRequest) -> Response:
        """Answers with the request's id, which a proxy may give, and which the log of events names."""
        begun = self._clock()
        given = http.headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
        response = await self._answer(http)
        response.headers["x-request-id"] = request_id
        if response.status_code != 429:  # whoever floods us must not fill the log
            place = http.path_params["channel"], http.path_params["region"]
            channel, region = place if place in self._handlers else ("unknown", "unknown")
            write = self._events.info if response.status_code == 200 else self._events.warning
            write(
                "webhook",
                request=request_id,
                channel=channel,
                region=region,
                status=response.status_code,
                seconds=round(self._clock() - begun, 4),
            )
        return response

    async def _answer(self, http: HttpRequest) -> Response:
        sender = http.client.host if http.client else "?"
        if self._garbage.too_much(sender):
            return PlainTextResponse("too many deliveries that we had to refuse", 429, {"retry-after": "60"})
        channel, region = http.path_params["channel"], http.path_params["region"]
        handler = self._handlers.get((channel, region))
        body = await _bounded(http)
        if handler is None:
            return self._refuse(sender, 404, "no such channel or region")
        if body is None:
            return self._refuse(sender, 413, "too large")
        try:
            # Not orjson: Viber's numbers may pass 64 bits.
            event = json.loads(body)
        except (ValueError, RecursionError):
            event = None
        request = Request(http.headers, body, event)
        if not handler.verify(request):
            return self._refuse(sender, 403, "the signature or secret is wrong")
        if not isinstance(event, dict):
            return self._refuse(sender, 400, "no JSON object")
        if (reply := handler.reply(request)) is not None:
            return PlainTextResponse(reply)
        received = handler.receive(request, self._latest())
        now = self._now()
        if self._max_age and received.happened_at and now - received.happened_at > self._max_age:
            return self._refuse(sender, 403, "the event is too old")
        failure = await self._write(Entry(channel, region, received.event_id, now, received.content()))
        if failure is not None:
            return PlainTextResponse("the journal cannot be written", 503)
        return PlainTextResponse(handler.thanks)

    async def _write(self, entry: Entry) -> Exception | None:
        """Wait until the entry is durable; the exception where that failed."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[Exception | None] = loop.create_future()

        def done(failure: Exception | None) -> None:
            loop.call_soon_threadsafe(_settle, written, failure)

        self._journal.put(entry, done)
        return await written

    def _refuse(self, sender: str, status: int, why: str) -> Response:
        self._garbage.count(sender)
        return PlainTextResponse(why, status)


def _settle(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


async def _bounded(http: HttpRequest) -> bytes | None:
    """The body, or None where it is larger than we take; what is too much is never read."""
    announced = http.headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > MAX_BODY_BYTES:
        return None
    body = bytearray()
    try:
        async for chunk in http.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return None
    except ClientDisconnect:
        return b""
    return bytes(body)


class _Garbage:
    """Refused deliveries by sender in the current minute."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()  # sender → (minute, count)

    def count(self, sender: str) -> None:
        minute = int(self._clock() // 60)
        before, counted = self._counts.pop(sender, (minute, 0))
        self._counts[sender] = (minute, counted + 1 if before == minute else 1)
        if len(self._counts) > _REMEMBERED_SENDERS:
            self._counts.popitem(last=False)

    def too_much(self, sender: str) -> bool:
        minute, counted = self._counts.get(sender, (0, 0))
        return minute == int(self._clock() // 60) and counted >= _GARBAGE_PER_MINUTE
