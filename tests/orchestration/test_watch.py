"""Alerts: told once, again after a day, over when it is over; through a real webhook."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ingestion.config import Settings, load_settings
from orchestration import watch as module
from orchestration.operations import SourceStatus, Status
from orchestration.watch import watch

NOON = datetime(2026, 11, 22, 12)


def status(**differing: Any) -> Status:
    """A deployment that is well, but for what is given."""
    usual: dict[str, Any] = {
        "sources": [source()],
        "quarantine": [],
        "release": None,
        "last_run": None,
        "open_failures": [],
        "refused_checks": [],
        "written_by": None,
    }
    return Status(**usual | differing)


def source(**differing: Any) -> SourceStatus:
    usual = {
        "region_id": "north",
        "source": "vk",
        "last_load": NOON - timedelta(hours=1),
        **dict.fromkeys(("received", "landed", "quarantined", "last_received", "last_quarantined"), 0),
        "note": "",
    }
    return SourceStatus(**usual | differing)


class Desk:
    """A deployment whose status and clock a test sets, and the messages it sends."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = load_settings(
            {
                "OTKLIK_DATA": str(data),
                "OTKLIK_HMAC_KEY": "6d0f3a7c19e84b52c7f0a1d95be2836440dd87f1c2a95e3b",
                "OTKLIK_LANG": "en",
            }
        )
        self.sent: list[tuple[str, str]] = []
        self.takes = True
        self._monkeypatch = monkeypatch

    def look(self, found: Status, after: timedelta = timedelta()) -> module.Pass:
        self._monkeypatch.setattr(module, "read_status", lambda _: found)
        settings: Settings = self.settings.model_copy(update={"as_of": NOON + after})

        def send(title: str, body: str) -> bool:
            self.sent.append((title, body))
            return self.takes

        return watch(settings, send)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


WELL = status(sources=[])
FAILED = status(sources=[], open_failures=["read_vk: VK refuses the token"])


def test_a_well_deployment_is_silent(desk: Desk) -> None:
    assert desk.look(status()).concerns == []
    assert desk.sent == []


def test_a_failure_is_told_once_then_daily_then_over(desk: Desk) -> None:
    assert desk.look(FAILED).new == ["failed:read_vk"]
    assert "VK refuses the token" in desk.sent[0][1]
    desk.look(FAILED, timedelta(hours=23))
    assert len(desk.sent) == 1
    assert desk.look(FAILED, timedelta(hours=25)).lasting == ["failed:read_vk"]
    assert "since 2026-11-22T12:00:00" in desk.sent[1][1]
    assert desk.look(WELL, timedelta(hours=26)).over == ["failed:read_vk"]
    assert desk.sent[2][0] == "Otklik is well again"
    desk.look(WELL, timedelta(hours=27))
    assert len(desk.sent) == 3


def test_what_flaps_is_told_no_more_than_hourly(desk: Desk) -> None:
    desk.look(FAILED)
    for minutes in range(5, 55, 10):
        desk.look(WELL, timedelta(minutes=minutes))
        assert desk.look(FAILED, timedelta(minutes=minutes + 5)).new == []
    told = len([body for _, body in desk.sent if "VK refuses" in body])
    assert told == 1


def test_what_was_not_taken_is_told_again(desk: Desk) -> None:
    desk.takes = False
    assert not desk.look(FAILED).is_sent
    desk.takes = True
    assert desk.look(FAILED, timedelta(minutes=1)).is_sent


@pytest.mark.parametrize(
    ("found", "key"),
    [
        (status(sources=[source(last_load=NOON - timedelta(hours=27))]), "stale:north/vk"),
        (status(sources=[source(last_received=100, last_quarantined=21)]), "quarantine:north/vk"),
        (status(refused_checks=[("topics_add_up", "3 rows differ")]), "refused:topics_add_up"),
    ],
)
def test_every_kind_of_concern_is_named(desk: Desk, found: Status, key: str) -> None:
    assert [concern.key for concern in desk.look(found).concerns] == [key]


def test_few_quarantined_rows_and_a_source_never_read_are_no_concern(desk: Desk) -> None:
    quiet = [source(last_received=10, last_quarantined=9), source(last_load=None)]
    assert desk.look(status(sources=quiet)).concerns == []


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook on loopback and what it was told."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/hook", heard
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_hears_it_and_a_dead_address_is_not_printed(
    hook: tuple[str, list[dict[str, Any]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    address, heard = hook
    monkeypatch.setattr(module, "read_status", lambda _: FAILED)
    urls = f"json://canary:secret@127.0.0.1:1/none {address}"
    environment = {
        "OTKLIK_DATA": str(tmp_path),
        "OTKLIK_HMAC_KEY": "6d0f3a7c19e84b52c7f0a1d95be2836440dd87f1c2a95e3b",
        "OTKLIK_ALERT_URLS": urls,
    }
    assert watch(load_settings(environment)).is_sent
    assert "VK refuses the token" in heard[0]["message"]
    assert heard[0]["title"] == "Отклик: требуется внимание"
    printed = capfd.readouterr()
    assert "secret" not in printed.out + printed.err
