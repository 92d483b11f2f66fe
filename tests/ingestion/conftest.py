"""A real server on loopback, and a data folder of its own for each test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.ingestion.support import TOKEN, Deployment, Server


@pytest.fixture(scope="session")
def _uvicorn() -> Iterator[Server]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(f"http://127.0.0.1:{listener.getsockname()[1]}")

    async def handle(request: Request) -> Response:
        posted = parse_qsl((await request.body()).decode())
        form = dict(posted) if request.method == "POST" else dict(request.query_params)
        server.requests.append((request.url.path, form))
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": {"code": "unauthorized", "message": "who are you"}}, 401)
        answer = server.answer(request, form)
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    app = Starlette()
    app.add_route("/{path:path}", handle, methods=["GET", "POST"])
    running = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield server
    running.should_exit = True
    thread.join(timeout=5)


@pytest.fixture
def server(_uvicorn: Server) -> Server:
    _uvicorn.answer = lambda request, form: {}
    _uvicorn.requests.clear()
    return _uvicorn


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(tmp_path)
