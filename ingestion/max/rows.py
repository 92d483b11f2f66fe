"""MAX's objects: their agreed shapes, and what a message says of itself. Moments are milliseconds of UTC."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingestion.accounting import Tally
from ingestion.network_rows import believable, page_row
from ingestion.privacy import Pseudonyms, mask
from ingestion.shape import FLAG, LIST, NUMBER, OBJECT, TEXT, Shape, names
from ingestion.tables import Row

MAX_OPENED = datetime(2024, 1, 1)  # noqa: DTZ001 - naive UTC, as everywhere in the warehouse

CHAT = Shape(
    required={"chat_id": NUMBER, "type": TEXT, "last_event_time": NUMBER},
    optional={
        "status": TEXT,
        "title": TEXT,
        "icon": OBJECT,
        "participants_count": NUMBER,
        "link": TEXT,
        "description": TEXT,
        "is_public": FLAG,
    },
    ignored=names("owner_id participants dialog_with_user messages_count chat_message_id pinned_message"),
)
MESSAGE = Shape(
    required={"recipient": OBJECT, "timestamp": NUMBER, "body": OBJECT},
    optional={"sender": OBJECT, "link": OBJECT, "stat": OBJECT},
    ignored=names("url constructor"),
)
RECIPIENT = Shape(required={"chat_id": NUMBER, "chat_type": TEXT}, optional={"user_id": NUMBER})
BODY = Shape(
    required={"mid": TEXT},
    optional={"seq": NUMBER, "text": TEXT, "attachments": LIST},
    ignored=names("markup link reply_to"),
)
SENDER = Shape(
    required={"user_id": NUMBER},
    optional={"is_bot": FLAG},
    ignored=names(
        "first_name last_name username name last_activity_time description avatar_url full_avatar_url"
    ),
)
LINK = Shape(
    required={"type": TEXT, "message": OBJECT},
    optional={"chat_id": NUMBER},
    ignored=names("sender"),
)
STAT = Shape(required={}, optional={"views": NUMBER})
UPDATE = Shape(
    required={"update_type": TEXT, "timestamp": NUMBER},
    optional={"message": OBJECT, "message_id": TEXT, "chat_id": NUMBER, "user": OBJECT, "callback": OBJECT},
    ignored=names(
        "user_id user_locale payload is_channel inviter_id admin_id title muted_until chat start_payload"
    ),
)

# What quarantine may show of a message: nothing that names a person or a chat.
SAFE_FIELDS = frozenset({"timestamp", "text"})


@dataclass(frozen=True)
class Said:
    """A message as the connector thinks of it. `sender` is a user's number; None: a channel speaks.

    From the inbox comes what is `keyed`: a person's number is the person's key, and in a dialog, whose number
    is a person's, `chat` and `mid` are keyed hashes. A dialog's links are never kept.
    """

    mid: str
    chat: int | str
    chat_type: str
    stamp: int
    sender: int | str | None
    by_bot: bool
    text: str | None
    reply_to: str | None
    forward_of: tuple[int | None, str] | None  # chat and mid of what was forwarded
    views: int | None
    empty: bool
    keyed: bool = False

    @property
    def digest(self) -> int:
        """What tells an edited message from the one that was read before. Of the masked text: whoever has
        that and a sum of the whole could try numbers until they fit."""
        return zlib.crc32(mask(self.text or "").encode())


def check_messages(messages: list[Any], tally: Tally) -> None:
    """The agreed shape of messages and of what they hold, or ContractBroken."""
    where = "max.messages"
    tally.unknown_fields |= MESSAGE.check(where, messages)
    RECIPIENT.check(f"{where}.recipient", [one["recipient"] for one in messages])
    tally.unknown_fields |= BODY.check(f"{where}.body", [one["body"] for one in messages])
    links = [one["link"] for one in messages if one.get("link") is not None]
    tally.unknown_fields |= LINK.check(f"{where}.link", links)
    BODY.check(f"{where}.link.message", [link["message"] for link in links])
    senders = [one["sender"] for one in messages if one.get("sender") is not None]
    tally.unknown_fields |= SENDER.check(f"{where}.sender", senders)
    STAT.check(f"{where}.stat", [one["stat"] for one in messages if one.get("stat") is not None])


def said(message: Mapping[str, Any]) -> Said:
    """A checked message."""
    body, recipient = message["body"], message["recipient"]
    link, sender = message.get("link"), message.get("sender")
    linked: str | None = link["message"]["mid"] if link else None
    forward = (link.get("chat_id"), linked) if link and linked and link["type"] == "forward" else None
    dialog = recipient["chat_type"] == "dialog"
    return Said(
        mid=body["mid"],
        chat=recipient["chat_id"],
        chat_type=recipient["chat_type"],
        stamp=message["timestamp"],
        sender=None if sender is None else sender["user_id"],
        by_bot=bool(sender and sender.get("is_bot")),
        text=body.get("text"),
        reply_to=linked if link and link["type"] == "reply" and not dialog else None,
        forward_of=None if dialog else forward,
        views=(message.get("stat") or {}).get("views"),
        empty=body.get("text") is None and not body.get("attachments") and forward is None,
    )


def dialog_key(pseudonyms: Pseudonyms, chat: int) -> str:
    """A dialog as rows name it: its number is a person's."""
    return pseudonyms.author_key("max chat", chat)


def message_key(pseudonyms: Pseudonyms, mid: str) -> str:
    """A dialog's message as rows name it: its number holds the dialog's."""
    return pseudonyms.author_key("max message", mid)


def author_key(pseudonyms: Pseudonyms, sender: int | str) -> str:
    """A person's key; what came from the inbox holds it in place of the number."""
    return sender if isinstance(sender, str) else pseudonyms.author_key("max", sender)


def moment(stamp: int, latest: datetime) -> datetime:
    """Milliseconds as naive UTC, whole seconds; ImpossibleDateError where it cannot be true."""
    return believable(stamp // 1000, MAX_OPENED, latest)


def channel_row(chat: Mapping[str, Any], name: str) -> Row:
    """A channel as it describes itself."""
    status = chat.get("status")
    return page_row(
        str(chat["chat_id"]),
        kind="page",
        name=chat.get("title"),
        link_name=name,
        members_count=chat.get("participants_count"),
        description=chat.get("description"),
        has_avatar=chat.get("icon") is not None,
        deactivated=None if status in (None, "active") else status,
    )


def bot_row(me: Mapping[str, Any]) -> Row:
    """The bot itself."""
    number, name = str(me["user_id"]), me.get("first_name") or me.get("name")
    return page_row(number, kind="bot", name=name, link_name=me.get("username"))
