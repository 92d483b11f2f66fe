"""One application for all servers, and the control endpoints that tests and demos use.

/vk/method/<name>, /pos/api/v1/appeals, /ok/fb.do, /telegram/bot<token>/<method>, /max/<path>,
/_control/{now,faults,requests,truth,health,vk/comments,messages,telegram,max}. Of several regions each
has its servers and what concerns it alone below /<region_id>.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from sandbox.country import Country
from sandbox.deliveries import write_deliveries
from sandbox.faults import FaultError, Faults
from sandbox.incident import write_exports
from sandbox.scenario import ScenarioError, iso, parse_moment
from sandbox.servers.max import MaxServer
from sandbox.servers.messages import MessageDesk
from sandbox.servers.ok import OkServer
from sandbox.servers.open311 import Open311Server
from sandbox.servers.pos import PosServer
from sandbox.servers.telegram import TelegramServer
from sandbox.servers.viber import ViberServer
from sandbox.servers.vk import VkServer
from sandbox.servers.vk_hooks import VkHooks
from sandbox.truth import country_truth
from sandbox.world import World


def build_app(
    world: World,
    exports: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
    kit: Path | None = None,
) -> Starlette:
    """One region. `exports`: folder of «Инцидент»'s files, rewritten when now moves; `kit`: the whole kit's
    folder, whose deliveries are rewritten instead; `clock` drives the rate limits."""
    faults, log = Faults(), Counter[str]()
    country = Country(world.scenario.scenario, world.scenario.seed, (world.scenario,))
    control = _Control(country, [world], faults, log, exports, kit)
    app = Starlette(routes=[*_region_routes(world, faults, log, clock), *control.routes()])
    app.state.world, app.state.faults, app.state.log = world, faults, log
    return app


def build_country(country: Country, worlds: Sequence[World], kit: Path) -> Starlette:
    """One region at the root, or several, each below /<region_id>, with one now and one list of faults."""
    if len(worlds) == 1:
        return build_app(worlds[0], kit=kit)
    faults, log = Faults(), Counter[str]()
    mounts = [
        Mount(
            country.path_of(world.scenario.region.region_id),
            routes=_region_routes(world, faults, log, time.monotonic),
        )
        for world in worlds
    ]
    return Starlette(routes=[*_Control(country, worlds, faults, log, None, kit).routes(), *mounts])


def _region_routes(
    world: World, faults: Faults, log: Counter[str], clock: Callable[[], float]
) -> list[Route]:
    """The servers of a region, and the control endpoints that concern it alone."""
    vk, pos = VkServer(world, faults, log, clock), PosServer(world, faults, log, clock)
    ok = OkServer(world, faults, log, clock)
    telegram = TelegramServer(world, faults, log, clock)
    max_server = MaxServer(world, faults, log, clock)
    open311 = Open311Server(world, faults, log, clock)
    viber = ViberServer(world, faults, log)
    desk = MessageDesk(ok, telegram, max_server)
    verbs = ["GET", "POST", "DELETE"]
    return [
        Route("/vk/method/{name}", vk.endpoint, methods=["GET", "POST"]),
        Route("/pos/api/v1/{rest:path}", pos.endpoint, methods=["GET"]),
        Route("/ok/fb.do", ok.endpoint, methods=["GET", "POST"]),
        Route("/telegram/bot{token}/{method}", telegram.endpoint, methods=["GET", "POST"]),
        Route("/max/{rest:path}", max_server.endpoint, methods=verbs),
        Route("/open311/{name}", open311.endpoint, methods=["GET"]),
        Route("/viber/pa/{method}", viber.endpoint, methods=["POST"]),
        Route("/_control/vk/deliver", VkHooks(world, faults).deliver, methods=["POST"]),
        Route("/_control/viber/deliver", viber.deliver, methods=["POST"]),
        Route("/_control/telegram/deliver", telegram.deliver, methods=["POST"]),
        Route("/_control/max/deliver", max_server.deliver, methods=["POST"]),
        Route("/_control/messages", desk.message, methods=["POST"]),
        Route("/_control/telegram", desk.rewind_telegram, methods=["DELETE"]),
        Route("/_control/max", desk.rewind_max, methods=["DELETE"]),
        Route("/_control/vk/comments", _commenting(vk), methods=["POST"]),
    ]


def _commenting(vk: VkServer) -> Callable[[Request], Awaitable[Response]]:
    async def comment(request: Request) -> Response:
        """{"owner_id", "post_id", "text", "from_id"?, "reply_to_comment"?}: one comment, written now."""
        wish = await _json(request)
        try:
            comment = vk.add_comment(
                int(wish["owner_id"]),
                int(wish["post_id"]),
                str(wish["text"]),
                int(wish.get("from_id", 10_000_001)),
                int(wish.get("reply_to_comment", 0)),
            )
        except (KeyError, TypeError, ValueError):
            return _refused("Name owner_id and post_id of an existing post, text, and a branch that exists.")
        return _answer({"comment_id": comment.id, "date": comment.date})

    return comment


class _Control:
    """What concerns all regions: the moment, the faults, the counts of requests, the truth."""

    def __init__(
        self,
        country: Country,
        worlds: Sequence[World],
        faults: Faults,
        log: Counter[str],
        exports: Path | None,
        kit: Path | None,
    ) -> None:
        self._country, self._worlds, self._faults, self._log = country, worlds, faults, log
        self._exports, self._kit = exports, kit

    def routes(self) -> list[Route]:
        return [
            Route("/_control/now", self.now, methods=["GET", "POST"]),
            Route("/_control/faults", self.faulty, methods=["GET", "POST", "DELETE"]),
            Route("/_control/requests", self.requests, methods=["GET", "DELETE"]),
            Route("/_control/truth", self.truth, methods=["GET"]),
            Route("/_control/health", self.health, methods=["GET"]),
        ]

    async def now(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                now = parse_moment(str((await _json(request))["now"]))
            except (KeyError, TypeError, ScenarioError) as error:
                return _refused(f'Post {{"now": "2026-11-20T19:00:00Z"}}: {error}')
            for world in self._worlds:
                world.now = now
                if self._kit is not None:
                    write_deliveries(world, self._kit)
                elif self._exports is not None:
                    write_exports(world, self._exports)
        return _answer({"now": iso(self._worlds[0].now)})

    async def faulty(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.clear()
        elif request.method == "POST":
            descriptions = await _json(request)
            try:
                self._faults.add(descriptions if isinstance(descriptions, list) else [descriptions])
            except (FaultError, TypeError) as error:
                return _refused(str(error))
        return _answer(self._faults.listed())

    async def requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._log.clear()
        return _answer(dict(sorted(self._log.items())))

    async def truth(self, request: Request) -> Response:
        populations = [world.population for world in self._worlds]
        return _answer(country_truth(self._country, populations, self._worlds[0].now))

    async def health(self, request: Request) -> Response:
        return _answer({"scenario": self._country.name, "now": iso(self._worlds[0].now)})


async def _json(request: Request) -> Any:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return None


def _answer(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


def _refused(message: str) -> Response:
    return Response(orjson.dumps({"error": message}), 400, media_type="application/json")
