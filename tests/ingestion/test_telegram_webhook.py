"""Telegram by webhook: the same rows as by polling, once, and nobody's data on the disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ingestion import pipeline
from ingestion.errors import AccountingBroken, ConfigError
from ingestion.inbox.handlers import Request
from ingestion.inbox.journal import KEPT_FOR, entries_after, journal_path, prune
from ingestion.inbox.serve import handlers_of, receiving
from ingestion.privacy import Pseudonyms
from ingestion.region import Webhook
from ingestion.telegram.webhook import TelegramHandler
from sandbox.kit import Sandbox
from tests.ingestion.network_support import Desk, landed, played, truth_of

SECRET = "a-secret_of-deliveries"
VARIABLE = "OTKLIK_MINE_TELEGRAM_SECRET"


class HookDesk(Desk):
    """A deployment whose region file says that Telegram's updates come by webhook."""

    def prepared(self) -> HookDesk:
        folder = self.root / "regions"
        folder.mkdir(parents=True)
        told = (Path(self.sandbox.env["OTKLIK_REGIONS"]) / "mine.yaml").read_text("utf-8")
        told = told.replace("  telegram:\n", f"  telegram:\n    webhook: {{secret_env: {VARIABLE}}}\n")
        # Deliveries lie beside the sandbox's own region file.
        told = told.replace("folder: ../", f"folder: {Path(self.sandbox.env['OTKLIK_REGIONS']).parent}/")
        (folder / "mine.yaml").write_text(told, "utf-8")
        self.more = {"OTKLIK_REGIONS": str(folder), VARIABLE: SECRET}
        return self

    def deliver(self, secret: str = SECRET, *, again: bool = False) -> dict[str, int]:
        with receiving(self.settings) as url:
            return self.sandbox.deliver_telegram(f"{url}/telegram/mine", secret, again=again)

    @property
    def kept(self) -> list[Any]:
        path = journal_path(self.root)
        return [content for _, _, content in entries_after(path, "telegram", "mine", 0)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with played(tmp_path_factory.mktemp("hooks"), "telegram") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def polled(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    running.rewind("telegram")
    desk = Desk(running, tmp_path_factory.mktemp("polled"))
    desk.load("telegram")
    return desk


@pytest.fixture
def desk(running: Sandbox, polled: Desk, tmp_path: Path) -> HookDesk:
    running.rewind("telegram")
    running.reset_requests()
    return HookDesk(running, tmp_path / "hook").prepared()


def test_rows_equal_those_of_polling(polled: Desk, desk: HookDesk) -> None:
    assert desk.deliver()["failed"] == 0
    desk.load("telegram")
    assert desk.judged("telegram") == truth_of(desk.sandbox, "telegram")
    assert desk.newest("telegram") == polled.newest("telegram")
    assert "telegram getUpdates" not in desk.sandbox.requests()
    assert landed(desk.load("telegram")) == {}


def test_a_replay_changes_nothing(polled: Desk, desk: HookDesk) -> None:
    first = desk.deliver(again=True)
    kept = len(desk.kept)
    assert desk.deliver(again=True) == first
    assert len(desk.kept) == kept == first["delivered"]
    desk.load("telegram")
    desk.deliver()
    assert landed(desk.load("telegram")) == {}
    assert desk.newest("telegram") == polled.newest("telegram")


def test_a_wrong_secret_is_refused(desk: HookDesk) -> None:
    for secret in ("", "guess", SECRET + "x", SECRET[:-1]):
        told = desk.deliver(secret, again=True)
        assert told["delivered"] == 0
        assert told["failed"] > 0
    assert desk.kept == []


def test_a_crash_between_landing_and_forgetting(
    polled: Desk, desk: HookDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.deliver()

    def dies(run: Any, row_counts: dict[str, int]) -> None:
        raise AccountingBroken("the machine lost its power", "switch it on")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "_check_package", dies)
        with pytest.raises(AccountingBroken):
            desk.load("telegram")
    assert desk.query("select count(*) from raw.telegram_messages") == [(0,)]
    desk.load("telegram")
    # Landed, but nothing was forgotten yet: whoever reads now starts behind it.
    assert len(desk.kept) > 0
    assert landed(desk.load("telegram")) == {}
    settings = desk.settings
    later = settings.now() + KEPT_FOR + timedelta(days=1)
    forgotten = prune(journal_path(desk.root), "telegram", "mine", 10**9, later)
    assert forgotten > 0
    assert desk.kept == []
    assert landed(desk.load("telegram")) == {}
    assert desk.newest("telegram") == polled.newest("telegram")


def test_batches_agree_with_all_at_once(
    polled: Desk, desk: HookDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.telegram.webhook.UPDATES_PER_LOAD", 50)
    desk.deliver()
    desk.load("telegram")
    assert desk.newest("telegram") == polled.newest("telegram")


def test_nobody_is_in_the_journal(desk: HookDesk) -> None:
    person = 7_123_456_789
    chat = {"id": person, "type": "private", "first_name": "Иван", "username": "ivan_ivanov"}
    sender = {"id": person, "is_bot": False, "first_name": "Иван", "last_name": "Петров"}
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
    handler = TelegramHandler(SecretStr(SECRET), Pseudonyms(desk.settings.hmac_key))
    updates = [
        {"update_id": 1, "message": message},
        {"update_id": 2, "edited_business_message": {**message, "business_connection_id": "c0nnection"}},
        {"update_id": 3, "deleted_business_messages": removal},
        {"update_id": 4, "callback_query": {"id": "1", "from": sender, "data": "Иван"}},
        {"update_id": 5, "message": {**message, "date": "soon"}},
        {"update_id": None, "message": message},
    ]
    kept = [handler.receive(Request({}, b"{}", one), desk.settings.latest_believable()) for one in updates]
    said = json.dumps([(one.event_id, one.content()) for one in kept], ensure_ascii=False)
    for trace in (str(person), "Иван", "ivan", "Петров", "345-67", "79123456789", "c0nnection"):
        assert trace not in said
    assert [one.problem is None for one in kept] == [True, True, True, True, False, False]
    assert kept[0].content()["update"]["message"]["text"] == "Звоните ‹телефон›"


def test_the_secret_must_be_there(desk: HookDesk) -> None:
    desk.more = {**desk.more, VARIABLE: ""}
    with pytest.raises(ConfigError, match=r"sources\.telegram\.webhook\.secret_env"):
        handlers_of(desk.settings, {"mine": desk.region})
    assert desk.region.sources.telegram is not None
    assert desk.region.sources.telegram.webhook == Webhook(secret_env=VARIABLE)
