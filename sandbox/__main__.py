"""`python -m sandbox serve SCENARIO`: play a scenario on loopback; `python -m sandbox truth SCENARIO`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A pretend region on loopback.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="generate the population, write the kit, start the servers")
    serve.add_argument("scenario", help="name of a scenario, or path of a YAML file (docs/scenarios.md)")
    serve.add_argument("--folder", type=Path, default=Path("data/sandbox"), help="where the kit is written")
    serve.add_argument("--env-file", type=Path, default=Path("data/deployment.env"))
    serve.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    serve.add_argument("--now", help="ISO moment in UTC; the default is the scenario's as_of")
    serve.add_argument(
        "--ready-file", type=Path, help="JSON {port, url, pid}, written when requests are answered"
    )
    serve.add_argument("--with-parent", action="store_true", help="end when the starting process ends")
    say = commands.add_parser("truth", help="print the figures of a scenario as JSON")
    say.add_argument("scenario")
    chosen = parser.parse_args(arguments)

    from sandbox.scenario import ScenarioError

    try:
        return _serve(chosen) if chosen.command == "serve" else _truth(chosen.scenario)
    except ScenarioError as error:
        print(error, file=sys.stderr)
        return 1


def _truth(name: str) -> int:
    from sandbox.population import populate
    from sandbox.scenario import load_scenario
    from sandbox.truth import truth

    scenario = load_scenario(name)
    print(
        json.dumps(truth(scenario, populate(scenario), scenario.as_of_seconds), ensure_ascii=False, indent=1)
    )
    return 0


def _serve(chosen: argparse.Namespace) -> int:
    parent = os.getppid()

    import uvicorn

    from sandbox.kit import exports_folder, write_env, write_kit
    from sandbox.scenario import load_scenario, parse_moment
    from sandbox.servers.app import build_app
    from sandbox.world import World

    scenario = load_scenario(chosen.scenario)
    world = World.of(scenario, parse_moment(chosen.now) if chosen.now else None)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", chosen.port))
        except OSError as error:
            print(f"Port {chosen.port} is taken ({error.strerror}). Choose another, or 0.", file=sys.stderr)
            return 1
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        write_env(chosen.env_file, write_kit(world, chosen.folder, url))
        world.walls  # noqa: B018 - built now, so that the first request does not wait for it
        app = build_app(world, exports_folder(chosen.folder, scenario.region.region_id))
        config = uvicorn.Config(
            app, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        asyncio.run(_run(uvicorn.Server(config), door, url, chosen, parent))
    return 0


async def _run(
    server: uvicorn.Server, door: socket.socket, url: str, chosen: argparse.Namespace, parent: int
) -> None:
    serving = asyncio.create_task(server.serve(sockets=[door]))
    watching = asyncio.create_task(_watch(server, parent)) if chosen.with_parent else None
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        ready = {"port": door.getsockname()[1], "url": url, "pid": os.getpid()}
        if chosen.ready_file:
            draft = chosen.ready_file.with_name(f".{chosen.ready_file.name}.draft")
            draft.write_text(json.dumps(ready))
            draft.replace(chosen.ready_file)
        print(f"The sandbox plays «{chosen.scenario}» at {url} (pid {ready['pid']}).", flush=True)
    await serving
    if watching:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _watch(server: uvicorn.Server, parent: int) -> None:
    """Polled, because a death signal from the kernel would also follow the end of the starting thread."""
    while os.getppid() == parent:
        await asyncio.sleep(0.3)
    server.should_exit = True


if __name__ == "__main__":
    sys.exit(main())
