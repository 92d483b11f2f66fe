"""The ПОС REST service of the sandbox (contract: docs/sources/pos-rest.md).

Appeals in order of (updated_at, id), by keyset cursor. `updated_at` is the newest event up to now: what
happens later is not yet there. All moments are UTC, whole seconds.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import REFUSALS, Faults, FaultyResponse
from sandbox.noise import Ints, key, mix
from sandbox.population import POS, REJECTED
from sandbox.scenario import OUTCOMES, Survey
from sandbox.servers.limits import RateLimit
from sandbox.truth import survey_votes
from sandbox.world import World

_FILTERS = ("updated_since", "updated_until", "registered_since", "registered_until")
_SHIFT = 20  # room for a million appeals behind the moment in one sortable number


class PosError(Exception):
    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_after = status, code, retry_after


@dataclass(frozen=True)
class _Snapshot:
    """What is visible at one moment, sorted by (updated_at, id); `place` is the number in the id."""

    now: int
    sort_key: Ints
    place: Ints
    updated: Ints
    registered: Ints


class PosServer:
    def __init__(
        self, world: World, faults: Faults, log: Counter[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.world, self.faults, self.log = world, faults, log
        self._limit = RateLimit(clock)
        self._rows = world.population.rows(POS)
        self._cached: _Snapshot | None = None
        self._secret = key(world.scenario.seed, "applicants")
        zone = world.scenario.zone
        first = dt.datetime.fromtimestamp(world.scenario.day_starts()[0], zone).date()
        self._years = [(first + dt.timedelta(days=n)).year for n in range(len(world.scenario.day_starts()))]
        self._offices = self._answering_offices()

    async def endpoint(self, request: Request) -> Response:
        path = request.url.path
        self.log[f"pos {path.rpartition('/')[2]}"] += 1
        fault = self.faults.take_http(path, ())
        if fault and fault.kind in REFUSALS:
            return FaultyResponse(fault, b"")
        headers: dict[str, str] = {}
        try:
            self._check(request)
            query = dict(request.query_params)
            votes = request.path_params["rest"] == "votes"
            status, answer = 200, self.votes(query) if votes else self.appeals(query)
            answer = self.faults.told(path, "", answer)
        except PosError as error:
            status, answer = error.status, {"error": {"code": error.code, "message": str(error)}}
            if error.retry_after is not None:
                headers["retry-after"] = str(error.retry_after)
        body = orjson.dumps(answer)
        return FaultyResponse(fault, body) if fault else Response(body, status, headers, "application/json")

    def _check(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token != self.world.token("pos"):
            raise PosError(401, "unauthorized", "The bearer token is missing or unknown.")
        if request.path_params.get("rest") not in {"appeals", "votes"}:
            raise PosError(404, "not_found", "No such resource; there are /api/v1/appeals and /api/v1/votes.")
        if not self._limit.allows(token, self.world.scenario.pos.requests_per_second):
            raise PosError(429, "too_many_requests", "Too many requests in one second.", retry_after=1)

    def appeals(self, query: dict[str, str]) -> dict[str, Any]:
        """The answer to GET /api/v1/appeals with these parameters; raises PosError."""
        unknown = set(query) - {*_FILTERS, "limit", "cursor"}
        if unknown:
            raise PosError(400, "unknown_parameter", f"Unknown parameter: {', '.join(sorted(unknown))}.")
        limit = _limit(query.get("limit", "100"))
        bounds = {name: _moment(name, query[name]) for name in _FILTERS if query.get(name)}
        shot = self._snapshot()
        begin = 0
        if query.get("cursor"):
            begin = int(np.searchsorted(shot.sort_key, _position(query["cursor"]), side="right"))
        begin = max(begin, int(np.searchsorted(shot.updated, bounds.get("updated_since", 0), side="left")))
        end = len(shot.updated)
        if "updated_until" in bounds:
            end = int(np.searchsorted(shot.updated, bounds["updated_until"], side="left"))
        registered = shot.registered[begin:end]
        since, until = bounds.get("registered_since", 0), bounds.get("registered_until", 1 << 61)
        chosen = begin + np.flatnonzero((registered >= since) & (registered < until))[: limit + 1]
        more, chosen = len(chosen) > limit, chosen[:limit]
        items = self._items(shot.place[chosen], shot.updated[chosen], shot.now)
        return {"items": items, "next_cursor": _cursor(int(shot.sort_key[chosen[-1]])) if more else None}

    def votes(self, query: dict[str, str]) -> dict[str, Any]:
        """The answer to GET /api/v1/votes: surveys held in ПОС that have begun, in order of their ids."""
        if set(query) - {"limit", "cursor"}:
            raise PosError(400, "unknown_parameter", "There are limit and cursor.")
        limit = _limit(query.get("limit", "100"))
        today = dt.datetime.fromtimestamp(self.world.now, self.world.scenario.zone).date()
        held = [one for one in self.world.scenario.surveys if one.channel == "pos" and one.since <= today]
        after = [one for one in sorted(held, key=lambda one: one.id) if one.id > query.get("cursor", "")]
        items = [self._vote(survey) for survey in after[:limit]]
        return {"items": items, "next_cursor": items[-1]["id"] if len(after) > limit else None}

    def _vote(self, survey: Survey) -> dict[str, Any]:
        names = {place.id: place.name for place in self.world.scenario.territories}
        return {
            "id": survey.id,
            "title": survey.title,
            "starts_on": survey.since.isoformat(),
            "ends_on": (survey.until - dt.timedelta(days=1)).isoformat(),
            "territory": names.get(survey.territory or ""),
            "participants": survey.participants,
            "questions": [
                {
                    "id": f"q{n}",
                    "text": question.text,
                    "options": [
                        {"id": f"o{m}", "text": option, "territory": names.get(place or ""), "votes": votes}
                        for m, (option, place, votes) in enumerate(
                            survey_votes(survey.territory, question.options)
                        )
                    ],
                }
                for n, question in enumerate(survey.questions, 1)
            ],
        }

    def _snapshot(self) -> _Snapshot:
        now = self.world.now
        if self._cached is None or self._cached.now != now:
            people, rows = self.world.population, self._rows
            events = np.stack(
                [
                    column[rows]
                    for column in (
                        people.registered,
                        people.assigned,
                        people.started,
                        people.first_answer,
                        people.final_answer,
                        people.closed,
                        people.rated,
                    )
                ]
            )
            updated = np.where(events <= now, events, 0).max(axis=0)
            visible = np.flatnonzero(people.registered[rows] <= now)
            sort_key = (updated[visible] << _SHIFT) + visible
            order = np.argsort(sort_key)
            place = visible[order]
            self._cached = _Snapshot(
                now, sort_key[order], place, updated[place], people.registered[rows][place]
            )
        return self._cached

    def _items(self, places: Ints, updated: Ints, now: int) -> list[dict[str, Any]]:
        """Moments and codes are taken from the columns for the whole page at once: ten times cheaper."""
        people, rows = self.world.population, self._rows[places]
        moments = {
            name: _iso(getattr(people, name)[rows], now)
            for name in (
                "created",
                "registered",
                "assigned",
                "started",
                "first_answer",
                "final_answer",
                "closed",
            )
        }
        moments["updated"] = _iso(updated, now)
        rated = np.where(people.rated[rows] <= now, people.rating[rows], 0)
        columns = (rows, places, people.territory[rows], people.outcome[rows], people.age[rows], rated)
        lists = [column.tolist() for column in columns] + list(moments.values())
        return [self._item(*values) for values in zip(*lists, strict=True)]

    def _item(
        self,
        row: int,
        place: int,
        territory: int,
        outcome: int,
        age: int,
        rating: int,
        created: str,
        registered: str,
        assigned: str | None,
        started: str | None,
        first: str | None,
        final: str | None,
        closed: str | None,
        updated: str,
    ) -> dict[str, Any]:
        """One appeal; a moment is None when it lies after now."""
        people, world = self.world.population, self.world
        category, topic = world.topic(row)
        street, house = world.texts.address(row)
        ogrn, office = self._offices[territory]
        rejected = outcome == REJECTED
        history = [
            {"status": status, "at": at}
            for status, at in (
                ("registered", registered),
                ("assigned", assigned),
                ("in_work", started),
                ("rejected" if rejected else "answered", final),
                ("closed", closed),
            )
            if at
        ]
        interim = people.first_answer[row] != people.final_answer[row]
        answers = [
            self._answer(row, number, at, kind, ogrn, office)
            for number, at, kind in ((1, first if interim else None, "interim"), (2, final, "final"))
            if at
        ]
        noise = mix(self._secret ^ row)
        return {
            "id": f"{world.scenario.region.code}-{self._years[int(people.day[row])]}-{place + 1:06d}",
            "kind": "appeal" if noise % 10_000 < world.scenario.pos.appeal_share * 10_000 else "message",
            "created_at": created,
            "registered_at": registered,
            "updated_at": updated,
            "status": history[-1]["status"],
            "status_history": history,
            "category": category,
            "subcategory": topic,
            "fast_track": bool(people.fast[row]),
            "municipality": world.municipality(row) or None,
            "locality": world.settlement(row) or None,
            "street": street,
            "house": house,
            "text": world.complaint(row),
            "applicant": {
                "id": f"{mix(self._secret + int(people.author[row])):016x}",
                "age_group": world.scenario.vocabulary.age_groups[age] if age >= 0 else None,
            },
            "organisation": {"ogrn": ogrn, "name": office},
            "answers": answers,
            "outcome": OUTCOMES[outcome] if final and not rejected else None,
            "rating": rating or None,
        }

    def _answer(self, row: int, number: int, at: str, kind: str, ogrn: str, office: str) -> dict[str, Any]:
        solved = OUTCOMES[int(self.world.population.outcome[row])] == "solved"
        return {
            "id": f"a{row}-{number}",
            "at": at,
            "kind": kind,
            "ogrn": ogrn,
            "text": self.world.texts.answer(row, kind == "final", solved, office),
        }

    def _answering_offices(self) -> dict[int, tuple[str, str]]:
        """ОГРН and name of the authority that answers in each territory; -1: the region's first authority."""
        authorities, ogrns = self.world.scenario.authorities, self.world.ogrns
        if not authorities:
            return dict.fromkeys(range(-1, len(self.world.scenario.territories)), ("", ""))
        regional = next((a for a in authorities if a.level == "regional"), authorities[0])
        offices = {-1: (ogrns[regional.id], regional.name)}
        for n, territory in enumerate(self.world.scenario.territories):
            own = next(
                (a for a in authorities if a.territory == territory.id and a.kind == "municipality"), regional
            )
            offices[n] = (ogrns[own.id], own.name)
        return offices


def _limit(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise PosError(400, "bad_limit", "limit must be a number from 1 to 1000.")
    return int(text)


def _moment(name: str, text: str) -> int:
    """ISO 8601 in UTC with Z → seconds; a fraction of a second rounds up, so that `since` stays inclusive."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise PosError(400, "bad_moment", f"{name} must be ISO 8601 in UTC, like 2026-11-20T19:00:00Z.")
    seconds = moment.timestamp()
    return int(seconds) + (seconds > int(seconds))


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([position >> _SHIFT, position & (1 << _SHIFT) - 1])).decode()


def _position(cursor: str) -> int:
    try:
        updated, place = orjson.loads(base64.urlsafe_b64decode(cursor.encode()))
        return (int(updated) << _SHIFT) + int(place)
    except (binascii.Error, orjson.JSONDecodeError, TypeError, ValueError):
        raise PosError(
            400, "bad_cursor", "The cursor is not one of this service; start without it."
        ) from None


def _iso(seconds: Ints, now: int) -> list[str | None]:
    """ISO 8601 in UTC with Z; None for what lies after now."""
    texts = np.char.add(np.datetime_as_string(np.minimum(seconds, now).astype("datetime64[s]")), "Z").tolist()
    return [text if done else None for text, done in zip(texts, (seconds <= now).tolist(), strict=True)]
