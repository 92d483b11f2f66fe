"""VK's objects as rows: their agreed shapes, their checks, their privacy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ingestion.accounting import Tally
from ingestion.clock import from_unix
from ingestion.privacy import Pseudonyms, mask
from ingestion.shape import FLAG, LIST, NUMBER, OBJECT, TEXT, Shape, names
from ingestion.tables import Row

_BIT = (int, bool)
VK_OPENED = datetime(2006, 10, 10)  # noqa: DTZ001 - naive UTC, as everywhere in the warehouse

POST = Shape(
    required={"id": NUMBER, "owner_id": NUMBER, "from_id": NUMBER, "date": NUMBER, "text": TEXT},
    optional={
        "comments": OBJECT,
        "likes": OBJECT,
        "reposts": OBJECT,
        "views": OBJECT,
        "is_pinned": _BIT,
        "is_deleted": _BIT,
    },
    ignored=names(
        """
        inner_type access_key deleted_reason deleted_details donut_miniapp_url attachments copyright
        edited geo is_archived is_favorite post_id parents_stack post_source post_type signer_id
        copy_history can_edit created_by can_delete can_pin donut marked_as_ads topic_id short_text_rate
        hash type feedback to_id carousel_offset reply_owner_id reply_post_id friends_only can_archive
        can_view_stats zoom_text push_subscription track_code compact_attachments_before_cut
        is_promoted_post_stealth
        """
    ),
)
COMMENT = Shape(
    required={"id": NUMBER, "from_id": NUMBER, "date": NUMBER, "text": TEXT},
    optional={
        "likes": OBJECT,
        "thread": OBJECT,
        "reply_to_comment": NUMBER,
        "deleted": FLAG,
        "owner_id": NUMBER,
        "post_id": NUMBER,
    },
    ignored=names(
        """
        can_edit parents_stack photo_id video_id attachments donut real_offset reply_to_user
        is_from_post_author pid can_delete show_reply_button
        """
    ),
)
# A deleted comment is a placeholder: its author and text may be gone.
DELETED_COMMENT = Shape(
    required={"id": NUMBER, "date": NUMBER},
    optional={"from_id": NUMBER, "text": TEXT, "deleted": FLAG, "thread": OBJECT, "reply_to_comment": NUMBER},
    ignored=COMMENT.known,
)
GROUP = Shape(
    required={"id": NUMBER, "name": TEXT, "screen_name": TEXT},
    optional={
        "members_count": NUMBER,
        "verified": _BIT,
        "is_government_organization": _BIT,
        "description": TEXT,
        "has_photo": _BIT,
        "cover": OBJECT,
        "menu": OBJECT,
        "site": TEXT,
        "activity": TEXT,
        "deactivated": TEXT,
    },
    ignored=names(
        """
        is_closed type photo_50 photo_100 photo_200 photo_200_orig photo_400 photo_max photo_max_orig
        photo_base status city country wall can_post can_see_all_posts trending is_admin admin_level
        is_member is_advertiser member_status contacts links counters age_limits main_section addresses
        est_date public_date_label start_date finish_date video_live can_message can_create_topic
        fixed_post crop_photo place wiki_page has_market_app
        """
    ),
)
COUNT = Shape(required={"count": NUMBER}, optional={})
THREAD = Shape(required={"count": NUMBER}, optional={"items": LIST})
PERIOD = Shape(
    required={"period_from": NUMBER},
    optional={"period_to": NUMBER, "reach": OBJECT, "visitors": OBJECT, "activity": OBJECT},
)

# What quarantine may show of a post or comment: nothing that names its author.
SAFE_FIELDS = frozenset({"id", "date", "text", "comments", "likes", "reposts", "views", "count", "is_pinned"})

_POS_LINK = re.compile(r"https?://pos\.gosuslugi\.ru/[^\s\"'<>\])]+", re.IGNORECASE)


class ImpossibleDateError(ValueError):
    """The date of one object cannot be true."""


def moment(record: Mapping[str, Any], latest: datetime) -> datetime:
    """`date` as naive UTC; ImpossibleDateError before VK's life or after `latest`."""
    try:
        created_at = from_unix(record["date"])
    except (ValueError, OverflowError, OSError):
        raise ImpossibleDateError from None
    if not VK_OPENED <= created_at <= latest:
        raise ImpossibleDateError
    return created_at


def count_of(where: str, record: Mapping[str, Any], field: str) -> int | None:
    """`record[field].count`, or None where VK gives no such object."""
    holder = record.get(field)
    if holder is None:
        return None
    COUNT.check(f"{where}.{field}", [holder])
    return int(holder["count"])


def whole_number(value: Any) -> int | None:
    """What VK counts beside a list; None where that is no number."""
    return value if type(value) is int else None


def check_posts(where: str, page: Sequence[Any], tally: Tally) -> None:
    """The agreed shape of posts, or ContractBroken."""
    tally.unknown_fields |= POST.check(where, page)


def check_comments(page: Sequence[Any], tally: Tally) -> None:
    """The agreed shape of comments, roots and replies alike, or ContractBroken."""
    deleted = [one for one in page if isinstance(one, dict) and one.get("deleted") is True]
    there = [one for one in page if not (isinstance(one, dict) and one.get("deleted") is True)]
    tally.unknown_fields |= COMMENT.check("vk.comments", there)
    tally.unknown_fields |= DELETED_COMMENT.check("vk.comments", deleted)
    for one in page:
        if one.get("thread") is not None:
            THREAD.check("vk.comments.thread", [one["thread"]])


def post_row(record: Mapping[str, Any], created_at: datetime, pseudonyms: Pseudonyms) -> Row:
    """A post of an official page's wall."""
    author = record["from_id"]
    return {
        "owner_id": record["owner_id"],
        "post_id": record["id"],
        "author_kind": "community" if author < 0 else "citizen",
        "author_key": _author_key(author, pseudonyms),
        "created_at": created_at,
        "text": mask(record["text"]),
        "comments_count": count_of("vk.posts", record, "comments") or 0,
        "likes_count": count_of("vk.posts", record, "likes"),
        "reposts_count": count_of("vk.posts", record, "reposts"),
        "views_count": count_of("vk.posts", record, "views"),
        "is_pinned": bool(record.get("is_pinned")),
        "is_deleted": bool(record.get("is_deleted")),
    }


def comment_row(
    record: Mapping[str, Any],
    owner_id: int,
    post_id: int,
    thread_id: int | None,
    created_at: datetime,
    pseudonyms: Pseudonyms,
) -> Row:
    """A comment; `thread_id` is the root of its branch, None for a root."""
    author = record.get("from_id") or 0
    return {
        "owner_id": owner_id,
        "post_id": post_id,
        "comment_id": record["id"],
        "thread_id": thread_id,
        "reply_to_comment": record.get("reply_to_comment"),
        "author_kind": "community" if author < 0 else "citizen",
        "author_page_id": author if author < 0 else None,
        "author_key": _author_key(author, pseudonyms),
        "created_at": created_at,
        "text": mask(record.get("text") or ""),
        "likes_count": count_of("vk.comments", record, "likes"),
        "is_deleted": bool(record.get("deleted")),
    }


def mention_row(record: Mapping[str, Any], created_at: datetime, query: str, pseudonyms: Pseudonyms) -> Row:
    """A post outside own pages; a person's wall becomes a keyed number."""
    owner = record["owner_id"]
    return {
        "owner_id": owner if owner < 0 else pseudonyms.number("vk", owner),
        "post_id": record["id"],
        "author_key": _author_key(record["from_id"], pseudonyms),
        "created_at": created_at,
        "text": mask(record["text"]),
        "query": query,
    }


def community_row(record: Mapping[str, Any]) -> Row:
    """A community as it describes itself."""
    menu = (record.get("menu") or {}).get("items") or []
    places = [record.get("site") or "", record.get("description") or ""]
    places += [str(item.get("url", "")) for item in menu if isinstance(item, dict)]
    link = next((found[0] for place in places if (found := _POS_LINK.search(place))), None)
    cover = record.get("cover")
    return {
        "owner_id": -record["id"],
        "name": mask(record["name"]),
        "screen_name": record["screen_name"],
        "members_count": record.get("members_count"),
        "verified": _flag(record, "verified"),
        "is_government": _flag(record, "is_government_organization"),
        "has_description": bool((record.get("description") or "").strip()),
        "has_avatar": _flag(record, "has_photo"),
        "has_cover": bool(cover.get("enabled")) if cover else False,
        "widgets_count": len(menu),
        "pos_link": link,
        "activity": record.get("activity"),
        "deactivated": record.get("deactivated"),
    }


def stats_row(owner_id: int, record: Mapping[str, Any], local_date: Any) -> Row:
    """One day of a community's statistics."""
    reach, visitors, activity = (record.get(part) or {} for part in ("reach", "visitors", "activity"))
    return {
        "owner_id": owner_id,
        "local_date": local_date,
        "reach": reach.get("reach"),
        "reach_subscribers": reach.get("reach_subscribers"),
        "visitors": visitors.get("visitors"),
        "likes": activity.get("likes"),
        "comments": activity.get("comments"),
        "reposts": activity.get("copies"),
        "subscribed": activity.get("subscribed"),
        "unsubscribed": activity.get("unsubscribed"),
    }


def _author_key(author: int, pseudonyms: Pseudonyms) -> str | None:
    return pseudonyms.author_key("vk", author) if author > 0 else None


def _flag(record: Mapping[str, Any], field: str) -> bool | None:
    value = record.get(field)
    return None if value is None else bool(value)
