"""MAX by webhook: the same rows as by polling, once, and nobody's data on the disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ingestion import pipeline
from ingestion.clock import parse_utc
from ingestion.errors import AccountingBroken, ConfigError
from ingestion.inbox.handlers import Request
from ingestion.inbox.journal import entries_after, journal_path
from ingestion.inbox.serve import handlers_of, receiving
from ingestion.max.webhook import MaxHandler
from ingestion.privacy import Pseudonyms
from sandbox.kit import Sandbox
from tests.ingestion.network_support import END, Desk, landed, played, truth_of

SECRET = "a-secret_of-deliveries"
VARIABLE = "OTKLIK_MINE_MAX_SECRET"


class HookDesk(Desk):
    """A deployment whose region file says that MAX's updates come by webhook."""

    def prepared(self) -> HookDesk:
        folder = self.root / "regions"
        folder.mkdir(parents=True)
        told = (Path(self.sandbox.env["OTKLIK_REGIONS"]) / "mine.yaml").read_text("utf-8")
        told = told.replace("  max:\n", f"  max:\n    webhook: {{secret_env: {VARIABLE}}}\n")
        told = told.replace("folder: ../", f"folder: {Path(self.sandbox.env['OTKLIK_REGIONS']).parent}/")
        (folder / "mine.yaml").write_text(told, "utf-8")
        self.more = {"OTKLIK_REGIONS": str(folder), VARIABLE: SECRET}
        return self

    def deliver(self, secret: str = SECRET, *, again: bool = False) -> dict[str, int]:
        with receiving(self.settings) as url:
            return self.sandbox.deliver_max(f"{url}/max/mine", secret, again=again)

    @property
    def kept(self) -> list[Any]:
        return [content for _, _, content in entries_after(journal_path(self.root), "max", "mine", 0)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with played(tmp_path_factory.mktemp("hooks"), "max") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def polled(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    running.rewind("max")
    desk = Desk(running, tmp_path_factory.mktemp("polled"))
    desk.load("max")
    return desk


@pytest.fixture
def desk(running: Sandbox, polled: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HookDesk:
    running.faults([])
    running.set_now(END)
    running.rewind("max")
    running.reset_requests()
    monkeypatch.setattr("ingestion.max.webhook.UPDATES_PER_LOAD", 150)
    return HookDesk(running, tmp_path / "hook").prepared()


def test_rows_equal_those_of_polling(polled: Desk, desk: HookDesk) -> None:
    assert desk.deliver()["failed"] == 0
    desk.load("max")
    assert desk.judged("max") == truth_of(desk.sandbox, "max")
    assert desk.newest("max") == polled.newest("max")
    assert "max /updates" not in desk.sandbox.requests()
    assert landed(desk.load("max")) == {}


def test_deliveries_on_the_way_agree_with_all_at_the_end(polled: Desk, desk: HookDesk) -> None:
    for moment in ("2026-03-08T12:00:00Z", "2026-03-12T00:00:00Z", END):
        desk.pass_time(moment)
        desk.deliver()
        desk.load("max")
        assert desk.judged("max") == truth_of(desk.sandbox, "max")
    assert desk.newest("max") == polled.newest("max")


def test_a_replay_changes_nothing_and_broken_connections_are_tried_again(
    polled: Desk, desk: HookDesk
) -> None:
    path = {"path_contains": "/max/deliver"}
    faults = [
        {"kind": kind, "skip": 5, "times": 4, **path} for kind in ("disconnect", "timeout", "truncated")
    ]
    desk.sandbox.faults(faults)
    first = desk.deliver(again=True)
    assert first["failed"] == 0
    kept = len(desk.kept)
    assert desk.deliver(again=True) == first
    assert len(desk.kept) == kept == first["delivered"]
    desk.load("max")
    desk.deliver()
    assert landed(desk.load("max")) == {}
    assert desk.newest("max") == polled.newest("max")


def test_a_wrong_secret_is_refused(desk: HookDesk) -> None:
    for secret in ("", "guess", SECRET + "x", SECRET[:-1]):
        told = desk.deliver(secret, again=True)
        assert told["delivered"] == 0
        assert told["failed"] > 0
    assert desk.kept == []


def test_a_crash_before_the_commit_loses_and_doubles_nothing(
    polled: Desk, desk: HookDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.deliver()

    def dies(run: Any, row_counts: dict[str, int]) -> None:
        raise AccountingBroken("the machine lost its power", "switch it on")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "_check_package", dies)
        with pytest.raises(AccountingBroken):
            desk.load("max")
    desk.load("max")
    assert desk.newest("max") == polled.newest("max")


def update(**more: Any) -> dict[str, Any]:
    person = {"user_id": 7_123_456_789, "first_name": "Иван", "last_name": "Петров", "is_bot": False}
    told = {
        "update_type": "message_created",
        "timestamp": 1_773_000_000_000,
        "message": {
            "sender": person,
            "recipient": {"chat_id": 80_555_666_777, "chat_type": "dialog", "user_id": 7_123_456_789},
            "timestamp": 1_773_000_000_000,
            "link": {"type": "reply", "message": {"mid": "mid.00000012c0d5a4a90000000000000001"}},
            "body": {"mid": "mid.00000012c0d5a4a90000000000000002", "seq": 2, "text": "Тел. 8 912 345-67-89"},
        },
        "user_locale": "ru",
    }
    return told | more


def test_nobody_is_in_the_journal() -> None:
    handler = MaxHandler(SecretStr(SECRET), Pseudonyms(SecretStr("k" * 32)))
    removed = {
        "message": None,
        "message_id": "mid.00000012c0d5a4a90000000000000002",
        "chat_id": 80_555_666_777,
    }
    events = [
        update(),
        update(update_type="message_removed", user_id=7_123_456_789, **removed),
        update(
            update_type="bot_started", message=None, chat_id=80_555_666_777, user={"user_id": 7_123_456_789}
        ),
        update(
            update_type="message_callback", callback={"callback_id": "c1", "user": {"user_id": 7_123_456_789}}
        ),
        update(timestamp="soon"),
    ]
    for event in events:
        body = json.dumps(event).encode()
        received = handler.receive(Request({}, body, event), parse_utc("2027-01-01T00:00:00Z"))
        kept = json.dumps([received.event_id, received.content()], ensure_ascii=False)
        for trace in ("7123456789", "80555666777", "12c0d5a4a9", "Иван", "Петров", "345-67-89"):
            assert trace not in kept, event["update_type"]
        assert (received.problem is not None) == (event["timestamp"] == "soon")


def test_the_secret_is_needed(desk: HookDesk) -> None:
    desk.more = {**desk.more, VARIABLE: ""}
    with pytest.raises(ConfigError, match=f"{VARIABLE}, named in sources\\.max\\.webhook\\.secret_env"):
        handlers_of(desk.settings, {"mine": desk.region})
