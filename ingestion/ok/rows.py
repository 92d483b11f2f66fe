"""OK's objects as rows: their agreed shapes, their dates, their privacy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ingestion.network_rows import (
    AuthorKind,
    ImpossibleDateError,
    believable,
    message_row,
    page_row,
    post_row,
)
from ingestion.privacy import Pseudonyms
from ingestion.shape import FLAG, LIST, NUMBER, OBJECT, TEXT, Shape, names
from ingestion.tables import Row

# OK writes dates without a zone and means this one.
OK_ZONE = ZoneInfo("Europe/Moscow")
OK_OPENED = datetime(2006, 3, 4)  # noqa: DTZ001 - naive UTC, as everywhere in the warehouse
_ALIVE = "ACTIVE_MESSAGE"
_GONE = ("DELETED", "REMOVED", "BLOCKED")

DISCUSSION = Shape(
    required={
        "object_id": TEXT,
        "object_type": TEXT,
        "last_activity_date": TEXT,
        "total_comments_count": NUMBER,
    },
    optional={},
    ignored=names(
        """
        owner_uid title message creation_date new_comments_count like_count liked_it last_user_access_date
        ref_objects like_summary reshare_summary attributes permissions entities
        """
    ),
)
TOPIC = Shape(
    required={"id": TEXT, "created_ms": NUMBER, "media": LIST},
    optional={
        "discussion_summary": OBJECT,
        "like_summary": OBJECT,
        "reshare_summary": OBJECT,
        "views_count": NUMBER,
    },
    ignored=names("author_ref owner_ref type is_sticky is_on_moderation capabilities reply_count has_more"),
)
COMMENT = Shape(
    required={"id": TEXT, "date": TEXT, "text": TEXT, "type": TEXT},
    optional={
        "author_id": TEXT,
        "author_type": TEXT,
        "reply_to_comment_id": TEXT,
        "like_count": NUMBER,
    },
    ignored=names(
        "author_name liked_it attachments attachment_resources date_ms reply_to_id reply_to_name "
        "reply_to_type author_ref reply_to_ref like_summary text_tokens flags edited total_count"
    ),
)
GROUP = Shape(
    required={"uid": TEXT, "name": TEXT},
    optional={
        "shortname": TEXT,
        "description": TEXT,
        "members_count": NUMBER,
        "pic_avatar": TEXT,
        "status": TEXT,
        "private": FLAG,
    },
    ignored=names("premium picAvatar main_photo category subcategory_id created_ms homepage_name attrs"),
)
COUNT = Shape(required={}, optional={"count": NUMBER, "comments_count": NUMBER})

# What quarantine may show of a comment or post: nothing that names its author.
SAFE_FIELDS = frozenset({"id", "date", "text", "type", "like_count", "created_ms", "media"})


def moment(text: str, latest: datetime) -> datetime:
    """«2014-04-11 12:53:02» as naive UTC; ImpossibleDateError where it cannot be true."""
    try:
        local = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=OK_ZONE)
    except ValueError:
        raise ImpossibleDateError from None
    return believable(local.astimezone(UTC).timestamp(), OK_OPENED, latest)


def group_row(record: Mapping[str, Any]) -> Row:
    """A group as it describes itself."""
    closed = "closed" if record.get("private") else None
    status = record.get("status")
    return page_row(
        record["uid"],
        kind="page",
        name=record["name"],
        link_name=record.get("shortname") or record["uid"],
        members_count=record.get("members_count"),
        description=record.get("description"),
        has_avatar=bool(record.get("pic_avatar")),
        deactivated=closed if status in (None, "ACTIVE") else str(status).lower(),
    )


def topic_row(group: str, record: Mapping[str, Any], comments: int, latest: datetime) -> Row:
    """A post of a group; ImpossibleDateError where its date cannot be true."""
    texts = [str(part["text"]) for part in record["media"] if isinstance(part, dict) and part.get("text")]
    return post_row(
        group,
        record["id"],
        believable(record["created_ms"] / 1000, OK_OPENED, latest),
        "\n".join(texts),
        comments_count=comments,
        likes_count=_count(record, "like_summary"),
        reposts_count=_count(record, "reshare_summary"),
        views_count=record.get("views_count"),
    )


def comment_row(
    group: str, topic: str, record: Mapping[str, Any], created_at: datetime, pseudonyms: Pseudonyms
) -> Row:
    """A comment under a group's topic, or the placeholder of a deleted one."""
    author, kind = record.get("author_id"), record["type"]
    gone = kind != _ALIVE and any(word in kind for word in _GONE)
    by_group = record.get("author_type") == "GROUP"
    speaker: AuthorKind = "page" if by_group else "citizen" if gone or kind == _ALIVE else "service"
    return message_row(
        group,
        topic,
        record["id"],
        created_at,
        place="post",
        author_kind=speaker,
        text=record["text"],
        reply_to=record.get("reply_to_comment_id") or None,
        author_page_id=author if by_group else None,
        author_key=pseudonyms.author_key("ok", author) if author and not by_group else None,
        likes_count=record.get("like_count"),
        is_deleted=gone,
    )


def _count(record: Mapping[str, Any], field: str) -> int | None:
    holder = record.get(field)
    if holder is None:
        return None
    COUNT.check(f"ok.posts.{field}", [holder])
    count: int | None = holder.get("count")
    return count
