"""Telegram's updates by webhook: made fit for the disk at the door, read from the journal as if polled.

What makes rows needs state (which thread belongs to which post), so the journal keeps the update itself: only
fields that the reader looks at, texts masked, every person's number replaced by the key that the reader would
have made of it. Numbers of channels, groups and messages stay.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from ingestion.accounting import Tally
from ingestion.clock import to_unix
from ingestion.errors import ContractBroken
from ingestion.inbox.drain import taken
from ingestion.inbox.handlers import Received, Request, broken_id
from ingestion.network_rows import ImpossibleDateError, believable
from ingestion.privacy import Pseudonyms, clean, mask, safe_payload
from ingestion.run import Run
from ingestion.telegram.rows import (
    MESSAGE_KINDS,
    REMOVED,
    SAFE_FIELDS,
    SERVICE,
    TELEGRAM_OPENED,
    UPDATE,
    check_updates,
)

UPDATES_PER_LOAD = 5_000
_KEPT = ("message_id", "date", "edit_date", "message_thread_id", "is_automatic_forward")
_SAFE = SAFE_FIELDS | {"update_id", *MESSAGE_KINDS, REMOVED}


class TelegramHandler:
    """Telegram: a secret in a header of every delivery."""

    channel = "telegram"
    thanks = ""

    def __init__(self, secret: SecretStr, pseudonyms: Pseudonyms) -> None:
        self._secret, self._pseudonyms = secret, pseudonyms

    def verify(self, request: Request) -> bool:
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        return hmac.compare_digest(self._secret.get_secret_value().encode(), clean(given).encode())

    def reply(self, request: Request) -> str | None:
        return None

    def receive(self, request: Request, latest: datetime) -> Received:
        update = request.event
        identity = update.get("update_id")
        if type(identity) is not int:
            identity = request.body.decode("utf-8", "replace")
        received = Received(self._pseudonyms.author_key("inbox:telegram", str(identity)))
        try:
            received.unknown = sorted(_check(update))
        except ContractBroken as error:
            received.event_id = broken_id(self._pseudonyms, self.channel, request)
            received.problem = {
                "resource": "messages",
                "reason": "unreadable update",
                "detail": mask(error.problem),
                "payload": safe_payload(update, _SAFE),
            }
            return received
        received.update = keyed(update, self._pseudonyms)
        received.happened_at = _moment(update, latest)
        return received


def journalled(run: Run) -> list[dict[str, Any]]:
    """Keyed updates that no committed load has carried, in Telegram's order."""
    tally, found = run.tallies["messages"], []
    for content in taken(run, "telegram", UPDATES_PER_LOAD):
        tally.unknown_fields.update(content.get("unknown", ()))
        if content.get("update") is not None:
            found.append(content["update"])
    if found:
        # Whoever goes back to polling goes on behind these.
        last = max(update["update_id"] for update in found)
        run.state["update_id"] = max(last, run.state.get("update_id", last))
        run.state["heard"] = to_unix(run.fetched_at)
    return sorted(found, key=lambda update: int(update["update_id"]))


def keyed(update: Mapping[str, Any], pseudonyms: Pseudonyms) -> dict[str, Any]:
    """A checked update without anything that says who a person is."""
    kept: dict[str, Any] = {"update_id": update["update_id"]}
    for kind in MESSAGE_KINDS:
        if update.get(kind) is not None:
            kept[kind] = _message(update[kind], pseudonyms)
    if (removal := update.get(REMOVED)) is not None:
        connection = removal["business_connection_id"]
        kept[REMOVED] = {
            "chat": _chat(removal["chat"], connection, pseudonyms),
            "message_ids": removal["message_ids"],
        }
    return kept


def _message(message: Mapping[str, Any], pseudonyms: Pseudonyms, *, words: bool = True) -> dict[str, Any]:
    connection = message.get("business_connection_id")
    kept: dict[str, Any] = {name: message[name] for name in _KEPT if name in message}
    kept["chat"] = _chat(message["chat"], connection, pseudonyms)
    if connection is not None:
        kept["business_connection_id"] = "connected"
    kept |= dict.fromkeys(SERVICE & message.keys(), True)
    if words:
        kept |= {name: mask(message[name]) for name in ("text", "caption") if name in message}
    if (sender := message.get("from")) is not None:
        kept["from"] = {
            "id": pseudonyms.author_key("telegram", sender["id"]),
            "is_bot": bool(sender.get("is_bot")),
        }
    if (organisation := message.get("sender_chat")) is not None:
        kept["sender_chat"] = {"id": organisation["id"]}
    if (origin := message.get("forward_origin")) is not None:
        kept["forward_origin"] = {name: origin[name] for name in ("type", "message_id") if name in origin}
    if (reply := message.get("reply_to_message")) is not None:
        kept["reply_to_message"] = _message(reply, pseudonyms, words=False)
    return kept


def _chat(chat: Mapping[str, Any], connection: str | None, pseudonyms: Pseudonyms) -> dict[str, Any]:
    """A private chat's number is the person's: it is told by the person's key and by the chat's own."""
    if chat["type"] != "private":
        return {"id": chat["id"], "type": chat["type"]}
    return {
        "id": pseudonyms.author_key("telegram", chat["id"]),
        "key": chat_key(pseudonyms, chat["id"], connection),
        "type": "private",
    }


def chat_key(pseudonyms: Pseudonyms, person: int, connection: str | None) -> str:
    """A keyed hash: the number of a private chat is the number of the person."""
    identity = str(person) if connection is None else f"{connection}:{person}"
    return pseudonyms.author_key("telegram chat", identity)


def _check(update: Any) -> set[str]:
    """Names of unknown fields; ContractBroken where the update is not of the agreed shape."""
    tally = Tally()
    tally.unknown_fields |= UPDATE.check("telegram.messages", [update])
    check_updates([update], tally)
    return tally.unknown_fields


def _moment(update: Mapping[str, Any], latest: datetime) -> datetime | None:
    """When the update came about; None where it does not say."""
    for kind in MESSAGE_KINDS:
        if (message := update.get(kind)) is not None:
            try:
                return believable(message.get("edit_date") or message["date"], TELEGRAM_OPENED, latest)
            except ImpossibleDateError:
                return None  # the reader sets it aside
    return None
