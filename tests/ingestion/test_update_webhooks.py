"""Telegram and MAX by webhook: the same rows as by polling, once, and nobody's data on the disk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ingestion import pipeline
from ingestion.clock import parse_utc
from ingestion.errors import AccountingBroken, ConfigError
from ingestion.inbox.handlers import Request
from ingestion.inbox.journal import KEPT_FOR, entries_after, journal_path, prune
from ingestion.inbox.serve import handlers_of, receiving
from ingestion.inbox.updates import UpdateHandler
from ingestion.max.webhook import MaxHandler
from ingestion.privacy import Pseudonyms
from ingestion.telegram.webhook import TelegramHandler
from sandbox.kit import Sandbox
from tests.ingestion.network_support import END, Desk, landed, played, truth_of

SECRET = "a-secret_of-deliveries"
VARIABLE = "OTKLIK_MINE_SECRET"
POLLED_BY = {"telegram": "telegram getUpdates", "max": "max /updates"}


class HookDesk(Desk):
    """A deployment whose region file says that a network's updates come by webhook."""

    network = ""

    def prepared(self, network: str) -> HookDesk:
        self.network = network
        folder = self.root / "regions"
        folder.mkdir(parents=True)
        told = (Path(self.sandbox.env["OTKLIK_REGIONS"]) / "mine.yaml").read_text("utf-8")
        told = told.replace(f"  {network}:\n", f"  {network}:\n    webhook: {{secret_env: {VARIABLE}}}\n")
        # Deliveries lie beside the sandbox's own region file.
        told = told.replace("folder: ../", f"folder: {Path(self.sandbox.env['OTKLIK_REGIONS']).parent}/")
        (folder / "mine.yaml").write_text(told, "utf-8")
        self.more = {"OTKLIK_REGIONS": str(folder), VARIABLE: SECRET}
        return self

    def deliver(self, secret: str = SECRET, *, again: bool = False) -> dict[str, int]:
        send = {"telegram": self.sandbox.deliver_telegram, "max": self.sandbox.deliver_max}[self.network]
        with receiving(self.settings) as url:
            return send(f"{url}/{self.network}/mine", secret, again=again)

    def read(self) -> dict[str, int]:
        return landed(self.load(self.network))

    def rows(self) -> Any:
        return self.newest(self.network)

    @property
    def kept(self) -> list[Any]:
        found = entries_after(journal_path(self.root), self.network, "mine", 0)
        return [content for _, _, content in found]


@pytest.fixture(scope="module", params=sorted(POLLED_BY))
def network(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def running(network: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with played(tmp_path_factory.mktemp("hooks"), network) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def polled(network: str, running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The rows that polling lands."""
    running.rewind(network)
    desk = Desk(running, tmp_path_factory.mktemp("polled"))
    desk.load(network)
    return desk.newest(network)


@pytest.fixture
def desk(network: str, running: Sandbox, polled: Any, tmp_path: Path) -> HookDesk:
    running.faults([])
    running.set_now(END)
    running.rewind(network)
    running.reset_requests()
    return HookDesk(running, tmp_path / "hook").prepared(network)


def test_rows_equal_those_of_polling(network: str, polled: Any, desk: HookDesk) -> None:
    assert desk.deliver()["failed"] == 0
    desk.read()
    assert desk.judged(network) == truth_of(desk.sandbox, network)
    assert desk.rows() == polled
    assert POLLED_BY[network] not in desk.sandbox.requests()
    assert desk.read() == {}


def test_deliveries_on_the_way_agree_with_all_at_the_end(
    network: str, polled: Any, desk: HookDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.inbox.updates.UPDATES_PER_LOAD", 150)
    for moment in ("2026-03-08T12:00:00Z", "2026-03-12T00:00:00Z", END):
        desk.pass_time(moment)
        desk.deliver()
        while desk.read():
            pass
        assert desk.judged(network) == truth_of(desk.sandbox, network)
    assert desk.rows() == polled


def test_a_replay_changes_nothing_and_broken_connections_are_tried_again(
    network: str, polled: Any, desk: HookDesk
) -> None:
    path = {"path_contains": f"/{network}/deliver"}
    desk.sandbox.faults(
        [{"kind": kind, "skip": 5, "times": 4, **path} for kind in ("disconnect", "timeout", "truncated")]
    )
    first = desk.deliver(again=True)
    assert first["failed"] == 0
    kept = len(desk.kept)
    assert desk.deliver(again=True) == first
    assert len(desk.kept) == kept == first["delivered"]
    desk.read()
    desk.deliver()
    assert desk.read() == {}
    assert desk.rows() == polled


def test_updates_that_never_came_are_told(network: str, desk: HookDesk) -> None:
    if network != "telegram":
        pytest.skip("MAX does not number its updates")
    desk.deliver()
    path = journal_path(desk.root)
    torn = list(entries_after(path, "telegram", "mine", 0))[10:13]
    lost = [content["update"]["update_id"] for _, _, content in torn]
    with sqlite3.connect(path) as journal:
        journal.executemany("delete from events where seq = ?", [(seq,) for seq, _, _ in torn])
    notes = desk.load(network).resources["messages"].notes
    assert notes == [
        f"Telegram's updates {lost[0]} to {lost[-1]} (3) did not come through the inbox, or came unreadable."
    ]


def test_a_wrong_secret_is_refused(desk: HookDesk) -> None:
    for secret in ("", "guess", SECRET + "x", SECRET[:-1]):
        told = desk.deliver(secret, again=True)
        assert told["delivered"] == 0
        assert told["failed"] > 0
    assert desk.kept == []


def test_a_crash_between_landing_and_forgetting(
    network: str, polled: Any, desk: HookDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.deliver()

    def dies(run: Any, row_counts: dict[str, int]) -> None:
        raise AccountingBroken("the machine lost its power", "switch it on")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "_check_package", dies)
        with pytest.raises(AccountingBroken):
            desk.read()
    assert desk.query(f"select count(*) from raw.{network}_messages") == [(0,)]
    desk.read()
    # Landed, but nothing was forgotten yet: whoever reads now starts behind it.
    assert len(desk.kept) > 0
    assert desk.read() == {}
    later = desk.settings.now() + KEPT_FOR + timedelta(days=1)
    assert prune(journal_path(desk.root), network, "mine", 10**9, later) > 0
    assert desk.kept == []
    assert desk.read() == {}
    assert desk.rows() == polled


def test_the_secret_is_needed(network: str, desk: HookDesk) -> None:
    desk.more = {**desk.more, VARIABLE: ""}
    with pytest.raises(ConfigError, match=rf"{VARIABLE}, named in sources\.{network}\.webhook\.secret_env"):
        handlers_of(desk.settings, {"mine": desk.region})


PERSON = 7_123_456_789
TRACES = ("7123456789", "80555666777", "12c0d5a4a9", "79123456789", "345-67", "c0nnection")
NAMES = ("Иван", "ivan", "Петров")


def telegram_updates() -> list[dict[str, Any]]:
    chat = {"id": PERSON, "type": "private", "first_name": "Иван", "username": "ivan_ivanov"}
    sender = {"id": PERSON, "is_bot": False, "first_name": "Иван", "last_name": "Петров"}
    message = {
        "message_id": 5, "date": 1_770_000_000, "chat": chat, "from": sender,
        "text": "Звоните +7 912 345-67-89",
        "reply_to_message": {
            "message_id": 4, "date": 1_770_000_000, "chat": chat, "from": sender, "text": "Иван",
        },
        "forward_origin": {"type": "user", "sender_user": sender, "date": 1_770_000_000},
        "contact": {"phone_number": "+79123456789", "first_name": "Иван"}, "new_chat_members": [sender],
    }  # fmt: skip
    removal = {"business_connection_id": "c0nnection", "chat": chat, "message_ids": [5]}
    return [
        {"update_id": 1, "message": message},
        {"update_id": 2, "edited_business_message": {**message, "business_connection_id": "c0nnection"}},
        {"update_id": 3, "deleted_business_messages": removal},
        {"update_id": 4, "callback_query": {"id": "1", "from": sender, "data": "Иван"}},
        {"update_id": 5, "message": {**message, "date": "soon"}},
        {"update_id": None, "message": message},
    ]


def max_updates() -> list[dict[str, Any]]:
    person = {"user_id": PERSON, "first_name": "Иван", "last_name": "Петров", "is_bot": False}
    chat, at = 80_555_666_777, 1_773_000_000_000
    said = {
        "sender": person,
        "recipient": {"chat_id": chat, "chat_type": "dialog", "user_id": PERSON},
        "timestamp": at,
        "link": {"type": "reply", "message": {"mid": "mid.00000012c0d5a4a90000000000000001"}},
        "body": {"mid": "mid.00000012c0d5a4a90000000000000002", "seq": 2, "text": "Звоните +7 912 345-67-89"},
    }
    common = {"timestamp": at, "user_locale": "ru", "message": None}
    removed = {"message_id": "mid.00000012c0d5a4a90000000000000002", "chat_id": chat, "user_id": PERSON}
    pressed = {"callback_id": "c1", "user": {"user_id": PERSON}}
    return [
        {**common, "update_type": "message_created", "message": said},
        {**common, "update_type": "message_removed", **removed},
        {**common, "update_type": "bot_started", "chat_id": chat, "user": {"user_id": PERSON}},
        {**common, "update_type": "message_callback", "message": said, "callback": pressed},
        {**common, "update_type": "message_created", "message": said, "timestamp": "soon"},
    ]


@pytest.mark.parametrize(
    ("kind", "updates", "broken"),
    [(TelegramHandler, telegram_updates(), 2), (MaxHandler, max_updates(), 1)],
)
def test_nobody_is_in_the_journal(
    kind: type[UpdateHandler], updates: list[dict[str, Any]], broken: int
) -> None:
    handler = kind(SecretStr(SECRET), Pseudonyms(SecretStr("k" * 32)))
    kept = []
    for update in updates:
        received = handler.receive(
            Request({}, json.dumps(update).encode(), update), parse_utc("2027-01-01T00:00:00Z")
        )
        kept.append(received)
        said = json.dumps([received.event_id, received.content()], ensure_ascii=False)
        assert not [trace for trace in (*TRACES, *NAMES) if trace in said]
    assert [one.problem is None for one in kept] == [True] * (len(updates) - broken) + [False] * broken
    assert "Звоните ‹телефон›" in json.dumps(kept[0].content(), ensure_ascii=False)
