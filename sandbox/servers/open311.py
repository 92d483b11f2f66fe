"""Open311 GeoReport v2 as cities run it: /services.json, /requests.json; strict about its windows.

A window is at most 90 days, an answer at most 1000 requests. `updated_after` and `updated_before` are the
extension that large cities have; both ends of a window are taken in.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import REFUSALS, Faults, FaultyResponse
from sandbox.noise import Ints, mix
from sandbox.population import OPEN311
from sandbox.scenario import iso
from sandbox.servers.limits import RateLimit
from sandbox.world import World

JURISDICTION = "city.sandbox"
_LONGEST = 90 * 86_400
_PARAMETERS = {
    "jurisdiction_id", "start_date", "end_date", "updated_after", "updated_before", "page", "page_size",
    "status",
    "service_code", "service_request_id",
}  # fmt: skip


class Open311Error(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Open311Server:
    def __init__(
        self, world: World, faults: Faults, log: Counter[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.world, self.faults, self.log = world, faults, log
        self._limit = RateLimit(clock)
        self._rows = world.population.rows(OPEN311)

    async def endpoint(self, request: Request) -> Response:
        path = request.url.path
        name = path.rpartition("/")[2]
        self.log[f"open311 {name}"] += 1
        fault = self.faults.take_http(path, {name})
        if fault and fault.kind in REFUSALS:
            return FaultyResponse(fault, b"")
        try:
            query = dict(request.query_params)
            listing = "&".join(f"{one}={query[one]}" for one in sorted(query) if one != "page")
            status, answer = 200, self.faults.told(path, name, self._answer(name, query), listing)
        except Open311Error as error:
            status, answer = error.status, [{"code": str(error.status), "description": str(error)}]
        body = orjson.dumps(answer)
        return FaultyResponse(fault, body) if fault else Response(body, status, media_type="application/json")

    def _answer(self, name: str, query: dict[str, str]) -> Any:
        if not self._limit.allows("open311", self.world.scenario.open311.requests_per_second):
            raise Open311Error(429, "Too many requests in one second.")
        if "jurisdiction_id" not in query:
            raise Open311Error(400, "jurisdiction_id was not provided.")
        if query["jurisdiction_id"] != JURISDICTION:
            raise Open311Error(404, "jurisdiction_id was not found.")
        if set(query) - _PARAMETERS:
            raise Open311Error(400, f"Unknown parameter: {', '.join(sorted(set(query) - _PARAMETERS))}.")
        if name == "services.json":
            return self.services()
        if name == "requests.json":
            return self.requests(query)
        raise Open311Error(404, "There are services.json and requests.json.")

    def services(self) -> list[dict[str, Any]]:
        """Topics of the vocabulary, grouped."""
        groups = self.world.scenario.vocabulary.groups.values()
        return [
            {
                "service_code": f"{group.id}-{place}",
                "service_name": topic,
                "description": topic,
                "metadata": False,
                "type": "realtime",
                "keywords": group.id,
                "group": group.names[0],
            }
            for group in groups
            for place, topic in enumerate(group.topics)
        ]

    def requests(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """One page of the requests in a window; raises Open311Error."""
        people, now = self.world.population, self.world.now
        registered = people.registered[self._rows]
        updated = np.maximum(
            registered,
            np.maximum(*(_past(column[self._rows], now) for column in (people.first_answer, people.closed))),
        )
        seen = registered <= now
        if "service_request_id" in query:
            wanted = query["service_request_id"].split(",")
            seen &= np.isin(self._rows, [int(one) - 700_000 for one in wanted if one.isdigit()])
        elif {"updated_after", "updated_before"} & set(query):
            seen &= _within(updated, *_window(query, "updated_after", "updated_before", now))
        else:
            seen &= _within(registered, *_window(query, "start_date", "end_date", now))
        rows = self._rows[seen]
        found = [
            self._request(int(row), int(moment)) for row, moment in zip(rows, updated[seen], strict=True)
        ]
        for name in ("status", "service_code"):
            if name in query:
                found = [one for one in found if one[name] in query[name].split(",")]
        size = min(_number(query, "page_size", 1000), self.world.scenario.open311.page_size)
        begin = (_number(query, "page", 1) - 1) * size
        return found[begin : begin + size]

    def _request(self, row: int, updated: int) -> dict[str, Any]:
        people, world = self.world.population, self.world
        group, topic = world.group_id(row), int(people.topic[row])
        street, house = world.texts.address(row)
        closed, answered = int(people.closed[row]) <= world.now, int(people.first_answer[row]) <= world.now
        place = world.scenario.territories[int(people.territory[row])]
        noise = mix(row * 13 + 5)
        office = next(
            (one.name for one in world.scenario.authorities if one.territory == place.id), place.name
        )
        return {
            "service_request_id": str(700_000 + row),
            "status": "closed" if closed else "open",
            "status_notes": world.texts.answer(row, closed, closed, office) if answered else None,
            "service_name": world.scenario.vocabulary.groups[group].topics[topic],
            "service_code": f"{group}-{topic}",
            "description": world.complaint(row),
            "agency_responsible": office,
            "service_notice": None,
            "requested_datetime": iso(int(people.registered[row])),
            "updated_datetime": iso(updated),
            "expected_datetime": iso(int(people.registered[row]) + 7 * 86_400),
            "address": f"{world.municipality(row)}, {street}, {house}",
            "address_id": None,
            "zipcode": None,
            "lat": round(place.latitude + (noise % 1000 - 500) / 20_000, 6),
            "long": round(place.longitude + (noise >> 20) % 1000 / 20_000, 6),
            "media_url": None,
        }


def _past(moments: Ints, now: int) -> Ints:
    return np.where(moments <= now, moments, 0)


def _within(moments: Ints, since: int, until: int) -> Any:
    return (moments >= since) & (moments <= until)


def _window(query: dict[str, str], first: str, last: str, now: int) -> tuple[int, int]:
    """Both ends, at most 90 days apart; what is absent follows from the other, or from now."""
    until = _moment(query, last) if last in query else None
    since = _moment(query, first) if first in query else None
    if until is None:
        until = now if since is None else min(now, since + _LONGEST)
    if since is None:
        since = until - _LONGEST
    if until - since > _LONGEST:
        raise Open311Error(400, "A window must not be longer than 90 days.")
    return since, until


def _moment(query: dict[str, str], name: str) -> int:
    try:
        moment = dt.datetime.fromisoformat(query[name])
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Open311Error(400, f"{name} must be in w3 format, such as 2026-01-01T00:00:00Z.")
    return int(moment.timestamp())


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise Open311Error(400, f"{name} must be a positive number.")
    return int(text)
