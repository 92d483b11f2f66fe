"""One process that plays a scenario: kit on disk, servers on loopback, a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from sandbox.country import load_country
from sandbox.kit import write_env, write_kit
from sandbox.scenario import parse_moment
from sandbox.servers.app import build_country
from sandbox.world import World


class _Server(uvicorn.Server):
    """Signals are ours: uvicorn would raise them again after its shutdown, and so kill the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve_scenario(
    name: str,
    *,
    folder: Path,
    env_file: Path,
    port: int = 0,
    now: str | None = None,
    ready_file: Path | None = None,
    with_parent: bool = False,
) -> int:
    """Serve until SIGTERM or SIGINT (or the parent's end); returns the exit code."""
    parent = os.getppid()
    country = load_country(name)
    moment = parse_moment(now) if now else None
    worlds = [World.of(region, moment) for region in country.regions]
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # asyncio leaves Nagle's algorithm on for a socket it was handed: 40 ms for each kept-alive answer.
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            door.bind(("127.0.0.1", port))
        except OSError as error:
            print(f"Port {port} cannot be had ({error.strerror}). Choose another, or 0.", file=sys.stderr)
            return 1
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        # The port comes first: the region file names the address.
        write_env(env_file, write_kit(country, worlds, folder, url))
        for world in worlds:
            world.prepare()
        app = build_country(country, worlds, folder)
        config = uvicorn.Config(
            app, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        asyncio.run(
            _run(_Server(config), door, f"«{name}» at {url}", ready_file, parent if with_parent else 0)
        )
    return 0


async def _run(server: _Server, door: socket.socket, what: str, ready_file: Path | None, parent: int) -> None:
    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    serving = asyncio.create_task(server.serve(sockets=[door]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        if ready_file:
            port = door.getsockname()[1]
            ready = {"port": port, "url": f"http://127.0.0.1:{port}", "pid": os.getpid()}
            draft = ready_file.with_name(f".{ready_file.name}.draft")
            draft.write_text(json.dumps(ready))
            draft.replace(ready_file)
        print(f"The sandbox plays {what} (pid {os.getpid()}).", flush=True)
    # The parent is polled: the kernel's death signal would also follow the end of the starting thread.
    while parent and not serving.done():
        if os.getppid() != parent:
            stop()
        await asyncio.sleep(0.3)
    await serving
