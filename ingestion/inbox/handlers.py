"""What each network sends and how it proves that it did. A new channel is one more class here.

A handler gets the body as bytes and gives rows of raw tables as plain JSON: texts masked, people hashed.
Nothing else of an event is kept.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pydantic import SecretStr

from ingestion.clock import iso_z
from ingestion.network_rows import ImpossibleDateError, believable
from ingestion.privacy import Pseudonyms, clean, mask, mask_optional, safe_payload

VIBER_OPENED = datetime(2010, 12, 2)  # noqa: DTZ001 - naive UTC
VK_OPENED = datetime(2006, 10, 10)  # noqa: DTZ001 - naive UTC


@dataclass(frozen=True)
class Request:
    """One delivery; header names are lower case."""

    headers: Mapping[str, str]
    body: bytes
    event: Any  # the parsed body


@dataclass
class Received:
    """What is kept of an event: rows by resource, or why it is set aside; or, where rows need state, the
    event itself without persons, with the names of fields that nobody knew."""

    event_id: str
    happened_at: datetime | None = None  # naive UTC; tells a stale delivery
    rows: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    problem: dict[str, str] | None = None  # resource, reason, detail, payload
    update: dict[str, Any] | None = None
    unknown: list[str] = field(default_factory=list)

    def content(self) -> dict[str, Any]:
        """Plain JSON for the journal."""
        told: dict[str, Any] = {"rows": self.rows, "problem": self.problem}
        return told if self.update is None else told | {"update": self.update, "unknown": self.unknown}


class Handler(Protocol):
    """One channel of one region."""

    channel: str

    def verify(self, request: Request) -> bool:
        """Whether the network sent it, told in constant time."""

    def reply(self, request: Request) -> str | None:
        """The answer to a delivery that is no event but a question to us; None for an event."""

    def receive(self, request: Request, latest: datetime) -> Received:
        """The event as rows; never raises for what it says."""

    @property
    def thanks(self) -> str:
        """What the network wants to hear when an event is safe."""


class ViberHandler:
    """Viber: HMAC-SHA256 of the body with the bot's token."""

    channel = "viber"
    thanks = ""
    _SAFE = frozenset({"event", "timestamp", "message_token", "message", "type", "text"})
    _SERVICE = frozenset({"subscribed", "unsubscribed", "conversation_started"})
    _SILENT = frozenset({"seen", "failed", "webhook", "client_status"})

    def __init__(self, token: SecretStr, page_id: str, pseudonyms: Pseudonyms) -> None:
        self._token, self._page_id, self._pseudonyms = token, page_id, pseudonyms

    def verify(self, request: Request) -> bool:
        wanted = hmac.digest(self._token.get_secret_value().encode(), request.body, "sha256").hex()
        given = request.headers.get("x-viber-content-signature", "")
        return hmac.compare_digest(wanted.encode(), given.lower().encode())

    def reply(self, request: Request) -> str | None:
        return None

    def receive(self, request: Request, latest: datetime) -> Received:
        event = request.event if isinstance(request.event, dict) else {}
        kind, token = event.get("event"), event.get("message_token")
        person = _person(event)
        identity = f"{kind}:{token}:{person}:{event.get('timestamp') if token is None else ''}"
        received = Received(self._pseudonyms.author_key("inbox:viber", identity))
        try:
            received.happened_at = believable(event["timestamp"] / 1000, VIBER_OPENED, latest)
        except (KeyError, TypeError, ImpossibleDateError):
            received.problem = self._problem("impossible date", "timestamp is missing or impossible.", event)
            received.event_id = broken_id(self._pseudonyms, self.channel, request)
            return received
        if kind in self._SILENT:
            return received
        if kind not in self._SERVICE | {"message", "delivered"} or token is None or person is None:
            received.problem = self._problem("unknown event", "The event or its author is not known.", event)
            received.event_id = broken_id(self._pseudonyms, self.channel, request)
            return received
        received.rows = [("messages", self._row(kind, str(token), person, event, received.happened_at))]
        return received

    def _row(
        self, kind: str, token: str, person: str, event: Mapping[str, Any], created_at: datetime
    ) -> dict[str, Any]:
        author = self._pseudonyms.author_key("viber", person)
        message = event.get("message")
        text = message.get("text") if isinstance(message, dict) else None
        speaker = {"message": "citizen", "delivered": "operator"}.get(kind, "service")
        return {
            "page_id": self._page_id,
            "chat_id": author,
            # A token and the kind of event: «delivered» reports the bot's own message by its token.
            "message_id": token if speaker != "service" else f"{kind}:{token}",
            "place": "chat",
            "reply_to": None,
            "author_kind": speaker,
            "author_page_id": self._page_id if speaker == "operator" else None,
            "author_key": author if speaker != "operator" else None,
            "created_at": iso_z(created_at),
            "edited_at": None,
            "text": mask_optional(text) if isinstance(text, str) and speaker == "citizen" else None,
            "likes_count": None,
            "is_deleted": False,
        }

    def _problem(self, reason: str, detail: str, event: Mapping[str, Any]) -> dict[str, str]:
        payload = safe_payload(event, self._SAFE)
        return {"resource": "messages", "reason": reason, "detail": detail, "payload": payload}


class VkHandler:
    """VK's Callback API: a secret in the body, and a question for a string of confirmation."""

    channel = "vk"
    thanks = "ok"
    _COMMENTS = frozenset({"wall_reply_new", "wall_reply_edit", "wall_reply_restore"})
    _SAFE = frozenset({"type", "object", "id", "date", "text", "post_id", "owner_id", "post_owner_id"})

    def __init__(
        self, secret: SecretStr, confirmation: str | Mapping[int, str], pseudonyms: Pseudonyms
    ) -> None:
        """`confirmation`: the string of the only community, or of each by its number."""
        self._secret, self._confirmation, self._pseudonyms = secret, confirmation, pseudonyms

    def verify(self, request: Request) -> bool:
        given = request.event.get("secret") if isinstance(request.event, dict) else None
        told = given if isinstance(given, str) else ""
        return hmac.compare_digest(self._secret.get_secret_value().encode(), clean(told).encode())

    def reply(self, request: Request) -> str | None:
        if request.event.get("type") != "confirmation":
            return None
        if isinstance(self._confirmation, str):
            return self._confirmation
        group = request.event.get("group_id")
        return self._confirmation.get(group, "") if type(group) is int else ""

    def receive(self, request: Request, latest: datetime) -> Received:
        event = request.event
        kind, told = event.get("type"), event.get("object")
        identity = event.get("event_id") or request.body.decode("utf-8", "replace")
        received = Received(self._pseudonyms.author_key("inbox:vk", str(identity)))
        try:
            if kind == "wall_reply_delete":
                received.rows = [("comment_removals", _removal(told))]
            elif kind in self._COMMENTS:
                written_at = believable(told["date"], VK_OPENED, latest)
                received.rows = [("comments", self._comment(told, written_at))]
                # Of an edit VK tells only when the comment was written, which may be years ago: what tells
                # its replay is its event_id.
                received.happened_at = written_at if kind == "wall_reply_new" else None
        except (KeyError, TypeError, ValueError):
            received.event_id = broken_id(self._pseudonyms, self.channel, request)
            received.problem = {
                "resource": "comments",
                "reason": "unreadable comment",
                "detail": "A field of the comment is missing, of another type or impossible.",
                "payload": safe_payload(event, self._SAFE),
            }
        return received

    def _comment(self, comment: Mapping[str, Any], created_at: datetime) -> dict[str, Any]:
        author = int(comment["from_id"])
        owner = int(comment.get("post_owner_id") or comment["owner_id"])
        parents = comment.get("parents_stack") or []
        person = str(author) if author > 0 else None
        return {
            "owner_id": owner,
            "post_id": int(comment["post_id"]),
            "comment_id": int(comment["id"]),
            "thread_id": int(parents[0]) if parents else None,
            "reply_to_comment": comment.get("reply_to_comment"),
            "author_kind": "community" if author < 0 else "citizen",
            "author_page_id": author if author < 0 else None,
            "author_key": self._pseudonyms.author_key("vk", person) if person else None,
            "created_at": iso_z(created_at),
            "text": mask(str(comment.get("text") or "")),
            "likes_count": None,
            "is_deleted": False,
        }


def _removal(removal: Mapping[str, Any]) -> dict[str, Any]:
    """Which comment was taken away; who did it is nobody's business."""
    return {
        "owner_id": int(removal["owner_id"]),
        "post_id": int(removal["post_id"]),
        "comment_id": int(removal["id"]),
    }


def broken_id(pseudonyms: Pseudonyms, channel: str, request: Request) -> str:
    """The id of an event that is set aside: when it comes again whole, it is no replay of this one."""
    return pseudonyms.author_key(f"inbox:{channel}:broken", request.body.decode("utf-8", "replace"))


def _person(event: Mapping[str, Any]) -> str | None:
    """Whom a Viber event is about, by the id that stays with the bot."""
    for holder in (event.get("sender"), event.get("user"), event):
        if isinstance(holder, dict):
            found = holder.get("user_id") if holder is event else holder.get("id")
            if isinstance(found, str) and found:
                return found
    return None


def moment_of(text: str) -> datetime:
    """A moment as rows in the journal spell it."""
    return datetime.fromisoformat(text.rstrip("Z"))
