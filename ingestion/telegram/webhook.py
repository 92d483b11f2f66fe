"""Telegram's updates by webhook: made fit for the disk at the door, read from the journal as if polled.

Of an update the journal keeps only fields that the reader looks at, texts masked, every person's number
replaced by the key that the reader would have made of it. Numbers of channels, groups and messages stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ingestion.accounting import Tally
from ingestion.clock import to_unix
from ingestion.inbox.updates import UpdateHandler, kept_updates
from ingestion.network_rows import ImpossibleDateError, believable
from ingestion.privacy import Pseudonyms, mask
from ingestion.run import Run
from ingestion.telegram.gaps import missing
from ingestion.telegram.rows import (
    MESSAGE_KINDS,
    REMOVED,
    SAFE_FIELDS,
    SERVICE,
    TELEGRAM_OPENED,
    UPDATE,
    check_updates,
)

_KEPT = ("message_id", "date", "edit_date", "message_thread_id", "is_automatic_forward")


class TelegramHandler(UpdateHandler):
    """Telegram's Bot API."""

    channel = "telegram"
    header = "x-telegram-bot-api-secret-token"
    safe = SAFE_FIELDS | {"update_id", *MESSAGE_KINDS, REMOVED}

    def identity(self, update: Any) -> str | None:
        number = update.get("update_id")
        return str(number) if type(number) is int else None

    def check(self, update: Any) -> set[str]:
        tally = Tally()
        tally.unknown_fields |= UPDATE.check("telegram.messages", [update])
        check_updates([update], tally)
        return tally.unknown_fields

    def without_persons(self, update: Any) -> dict[str, Any]:
        return keyed(update, self._pseudonyms)

    def moment(self, update: Any, latest: datetime) -> datetime | None:
        for kind in MESSAGE_KINDS:
            if (message := update.get(kind)) is not None:
                try:
                    return believable(message.get("edit_date") or message["date"], TELEGRAM_OPENED, latest)
                except ImpossibleDateError:
                    return None  # the reader sets it aside
        return None


def journalled(run: Run) -> list[dict[str, Any]]:
    """Keyed updates that no committed load has carried, in Telegram's order."""
    found = kept_updates(run, "telegram")
    if found:
        for first, until in missing(run, (int(update["update_id"]) for update in found)):
            run.tallies["messages"].note(
                f"Telegram's updates {first} to {until} ({until - first + 1}) did not come through the inbox,"
                " or came unreadable."
            )
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
