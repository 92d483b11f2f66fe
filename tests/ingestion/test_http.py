"""Pace and deadlines, against real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from pydantic import SecretStr
from starlette.responses import RedirectResponse, StreamingResponse

from ingestion.clock import utc_now
from ingestion.clocks import refuse_a_wrong_clock
from ingestion.config import Patience
from ingestion.errors import ClockWrong, RequestRefused, SourceDown
from ingestion.http import Api, Pace, pace_of
from tests.ingestion.support import TOKEN, Deployment, Server


def api(server: Server, **patience: float) -> Api:
    settings = Patience.model_validate(
        {
            "attempts": 1,
            "first_wait": 0.001,
            "connect_timeout": 1,
            "read_timeout": 1,
            "response_deadline": 0.3,
            **patience,
        }
    )
    return Api("VK", server.url, SecretStr(TOKEN), "SOME_TOKEN", 1000, settings)


def test_no_second_holds_more_than_the_rate() -> None:
    pace, sent = Pace(20), []
    lock = threading.Lock()

    def send(_: int) -> None:
        pace.wait()
        with lock:
            sent.append(time.monotonic())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(45)))
    assert all(later - earlier >= 1 for earlier, later in zip(sent, sent[20:], strict=False))


def test_sources_that_share_a_token_share_its_pace() -> None:
    assert pace_of(SecretStr("a"), 3) is pace_of(SecretStr("a"), 3)
    assert pace_of(SecretStr("a"), 3) is not pace_of(SecretStr("b"), 3)


def test_a_slow_drip_is_ended(server: Server) -> None:
    async def drip() -> AsyncIterator[bytes]:
        import asyncio

        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.05)

    server.answer = lambda request, form: StreamingResponse(drip())
    started = time.monotonic()
    with pytest.raises(SourceDown, match="does not answer in time"):
        api(server).post("method/x", {})
    assert time.monotonic() - started < 2


def test_headers_that_drip_are_ended() -> None:
    """A byte within each read time-out, and no end: as a broken proxy does for hours."""
    stop = threading.Event()

    def drip(door: socket.socket) -> None:
        with suppress(OSError):
            visitor, _ = door.accept()
            with visitor:
                for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000:
                    visitor.send(bytes([byte]))
                    if stop.wait(0.02):
                        return

    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=drip, args=(door,))
        thread.start()
        patience = Patience(attempts=1, connect_timeout=1, read_timeout=1, response_deadline=0.3)
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(SourceDown, match="does not answer in time"):
            Api("VK", url, SecretStr(TOKEN), "SOME_TOKEN", 1000, patience).post("method/x", {})
        stop.set()
        thread.join()
    assert time.monotonic() - started < 2


def test_a_body_that_breaks_off_is_said(server: Server) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b'{"response": '
        raise OSError

    server.answer = lambda request, form: StreamingResponse(half(), headers={"content-length": "500"})
    with pytest.raises(SourceDown, match="breaks its answers off"):
        api(server).post("method/x", {})


def test_redirects_do_not_carry_the_token_away(server: Server) -> None:
    server.answer = lambda request, form: RedirectResponse("http://127.0.0.1:9/elsewhere")
    with pytest.raises(RequestRefused, match="redirects elsewhere"):
        api(server).post("method/x", {})


@pytest.mark.parametrize("hours", [-30, 30])
def test_clocks_that_differ_are_a_sentence(
    server: Server, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    monkeypatch.setattr("ingestion.clocks.utc_now", lambda: utc_now() + timedelta(hours=hours))
    with pytest.raises(ClockWrong, match=r"The clock of this machine says .*, but VK says .*; set the clock"):
        api(server).get("method", {})
    assert api(server, clock_tolerance=31 * 3600).get("method", {}) == (200, {})
    assert api(server, clock_tolerance=0).get("method", {}) == (200, {})


def test_the_clock_is_asked_before_files_are_read(
    server: Server, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.sources["pos"] = {"base_url": server.url, "token_env": "OTKLIK_TEST_TOKEN"}
    stated = deployment.settings
    by_the_clock = stated.model_copy(update={"as_of": None})
    refuse_a_wrong_clock(by_the_clock, [deployment.region])
    monkeypatch.setattr("ingestion.clocks.utc_now", lambda: utc_now() + timedelta(days=2))
    refuse_a_wrong_clock(stated, [deployment.region])
    with pytest.raises(ClockWrong, match="set the clock"):
        refuse_a_wrong_clock(by_the_clock, [deployment.region])
    deployment.sources["pos"]["base_url"] = "http://127.0.0.1:9"
    refuse_a_wrong_clock(by_the_clock, [deployment.region])
