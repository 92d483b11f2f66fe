"""The worked example of docs/scenarios.md as a small region, and clients that speak to its servers."""

from __future__ import annotations

import asyncio
import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from starlette.applications import Starlette

from sandbox.scenario import Scenario, load_scenario, scenario_from
from sandbox.servers.app import build_app
from sandbox.world import World

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def example_text() -> str:
    page = (ROOT / "docs" / "scenarios.md").read_text("utf-8")
    found = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert found, "docs/scenarios.md must show one whole scenario"
    return found[1]


@pytest.fixture
def example(example_text: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(example_text)
    return copy.deepcopy(document)


@pytest.fixture(scope="session")
def tiny(example_text: str) -> Scenario:
    return scenario_from(yaml.safe_load(example_text))


@pytest.fixture(scope="session")
def demo() -> World:
    """Read only: tests that move now or post comments make a world of their own."""
    return World.of(load_scenario("demo"))


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    app: Starlette,
    verb: str,
    path: str,
    token: str = "",
    query: str = "",
    body: bytes = b"",
    authorization: str = "",
) -> Answer:
    """One request straight into the application: no sockets, so that hundreds of pages take no time."""
    sent: list[dict[str, Any]] = []
    header = f"Bearer {token}" if token else authorization

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": verb,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"authorization", header.encode())] if header else [],
    }
    asyncio.run(app(scope, receive, send))
    headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(part.get("body", b"") for part in sent[1:]))


class Client:
    """Speaks VK's and ПОС's way to an application in this process."""

    def __init__(self, world: World, app: Starlette, clock: Clock) -> None:
        self.world, self.app, self.clock = world, app, clock

    def vk(self, method: str, token: str | None = None, **params: Any) -> dict[str, Any]:
        """One call; a second passes before it, so that only rate tests meet the limit."""
        self.clock.now += 1
        return self.vk_now(method, token, **params)

    def vk_now(self, method: str, token: str | None = None, **params: Any) -> dict[str, Any]:
        token = self.world.token("vk") if token is None else token
        form = urlencode({"v": "5.199", **params}).encode()
        answer = ask(self.app, "POST", f"/vk/method/{method}", token, body=form)
        assert answer.status == 200
        result: dict[str, Any] = answer.json()
        return result

    def control(self, verb: str, name: str, wish: Any = None) -> Answer:
        return ask(
            self.app, verb, f"/_control/{name}", body=b"" if wish is None else json.dumps(wish).encode()
        )

    def execute(self, calls: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
        code = ", ".join(f"API.{method}({json.dumps(arguments)})" for method, arguments in calls)
        return self.vk("execute", code=f"return [{code}];")

    def pos(self, path: str = "appeals", token: str | None = None, **params: Any) -> Answer:
        self.clock.now += 1
        token = self.world.token("pos") if token is None else token
        return ask(self.app, "GET", f"/pos/api/v1/{path}", token, urlencode(params))

    def pos_walk(self, **params: Any) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = self.pos(**params, **({"cursor": cursor} if cursor else {})).json()
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return


@pytest.fixture(scope="session")
def play() -> Callable[..., Client]:
    """play(scenario, now=None, exports=None) → a client of a fresh world."""

    def start(scenario: Scenario, now: int | None = None, exports: Path | None = None) -> Client:
        world, clock = World.of(scenario, now), Clock()
        return Client(world, build_app(world, exports, clock), clock)

    return start
