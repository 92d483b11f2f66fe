"""MAX's updates as the connector takes them, whether it asked for them or they were pushed to the inbox.

What an update says is told without persons: their numbers are keys, a dialog's number and those of its
messages are keyed hashes, texts are masked by whoever lands them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ingestion.max.rows import Said, author_key, dialog_key, message_key, said
from ingestion.privacy import Pseudonyms

Places = tuple[tuple[str, str], ...]  # (chat, message) where something may stand


@dataclass(frozen=True)
class Update:
    """One update; `message`, `removed` or `service` (id, chat) is there, or it tells nothing."""

    stamp: int
    message: Said | None = None
    edited: bool = False
    removed: Places = ()
    service: tuple[str, str] | None = None


@dataclass
class Updates:
    """One batch: the newest version of each message with the moment of its update, removals, service."""

    messages: dict[str, tuple[Said, int, bool]] = field(default_factory=dict)  # → message, stamp, edited
    edited: dict[str, int] = field(default_factory=dict)
    removed: list[Places] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    service: list[tuple[str, str, int]] = field(default_factory=list)  # id, chat, stamp

    def take(self, update: Update) -> None:
        """In the order of their time."""
        if update.message is not None:
            key = update.message.mid
            self.messages[key] = (update.message, update.stamp, update.edited)
            if update.edited:
                self.edited[key] = update.stamp
        if update.removed:
            self.removed.append(update.removed)
            self.gone |= {key for _, key in update.removed}
        if update.service is not None:
            self.service.append((*update.service, update.stamp))


def told(update: Mapping[str, Any], pseudonyms: Pseudonyms) -> Update:
    """A checked update."""
    kind, stamp = update["update_type"], update["timestamp"]
    if kind in {"message_created", "message_edited"} and update.get("message") is not None:
        message = keyed(said(update["message"]), pseudonyms)
        return Update(stamp, message, edited=kind == "message_edited")
    if kind == "message_removed" and update.get("message_id") is not None:
        return Update(stamp, removed=_places(update.get("chat_id") or 0, update["message_id"], pseudonyms))
    if kind == "bot_started" and update.get("chat_id") is not None:
        return Update(stamp, service=(f"started:{stamp}", dialog_key(pseudonyms, update["chat_id"])))
    if kind == "message_callback" and update.get("message") is not None:
        chat = dialog_key(pseudonyms, update["message"]["recipient"]["chat_id"])
        return Update(stamp, service=(f"button:{(update.get('callback') or {}).get('callback_id')}", chat))
    return Update(stamp)


def keyed(message: Said, pseudonyms: Pseudonyms) -> Said:
    """The message without persons. A bot is none."""
    if message.sender is not None and not message.by_bot:
        message = replace(message, sender=author_key(pseudonyms, message.sender))
    if message.chat_type == "dialog" and isinstance(message.chat, int):
        chat, mid = dialog_key(pseudonyms, message.chat), message_key(pseudonyms, message.mid)
        message = replace(message, chat=chat, mid=mid)
    return replace(message, keyed=True)


def _places(chat: int, mid: str, pseudonyms: Pseudonyms) -> Places:
    """Removals do not say of which kind their chat is."""
    return (str(chat), mid), (dialog_key(pseudonyms, chat), message_key(pseudonyms, mid))
