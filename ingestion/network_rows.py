"""Rows of the tables that networks share, and which of their pages a region keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from ingestion.clock import from_unix
from ingestion.config import NetworkSource, Region
from ingestion.errors import ConfigError
from ingestion.privacy import mask, mask_optional
from ingestion.registry.source import page_names
from ingestion.tables import Row

AuthorKind = Literal["citizen", "page", "operator", "service"]

_POS_LINK = re.compile(r"https?://pos\.gosuslugi\.ru/[^\s\"'<>\])]+", re.IGNORECASE)


class ImpossibleDateError(ValueError):
    """The date of one object cannot be true."""


def believable(seconds: float, opened: datetime, latest: datetime) -> datetime:
    """Unix seconds as naive UTC; ImpossibleDateError before the network's life or after `latest`."""
    try:
        moment = from_unix(int(seconds))
    except (ValueError, OverflowError, OSError):
        raise ImpossibleDateError from None
    if not opened <= moment <= latest:
        raise ImpossibleDateError
    return moment


def wanted_pages(region: Region, source: NetworkSource, network: str) -> list[str]:
    """Names or ids of the network's pages, lower case: from the registry export's links, or listed."""
    if source.pages != "registry":
        return sorted({page.lower() for page in source.pages})
    if region.sources.registry is None:
        raise ConfigError(
            f"The region {region.region_id} takes its pages of {network} from a registry it does not have",
            f"add sources.registry to its file, or list the pages in sources.{network}.pages",
        )
    return page_names(region.sources.registry, network)


def page_row(
    page_id: str,
    *,
    kind: Literal["page", "bot"],
    name: str | None,
    link_name: str | None,
    members_count: int | None = None,
    description: str | None = None,
    has_avatar: bool | None = None,
    deactivated: str | None = None,
) -> Row:
    """An official page or a bot."""
    found = _POS_LINK.search(description or "")
    return {
        "page_id": page_id,
        "link_name": link_name.lower() if link_name else None,
        "name": mask_optional(name),
        "kind": kind,
        "members_count": members_count,
        "has_description": bool((description or "").strip()),
        "has_avatar": has_avatar,
        "pos_link": found[0] if found else None,
        "deactivated": deactivated,
    }


def post_row(
    page_id: str,
    post_id: str,
    created_at: datetime,
    text: str | None,
    *,
    comments_count: int | None = None,
    likes_count: int | None = None,
    reposts_count: int | None = None,
    views_count: int | None = None,
    is_deleted: bool = False,
) -> Row:
    """A post of an official page."""
    return {
        "page_id": page_id,
        "post_id": post_id,
        "author_kind": "page",
        "author_key": None,
        "created_at": created_at,
        "text": None if text is None else mask(text),
        "comments_count": comments_count,
        "likes_count": likes_count,
        "reposts_count": reposts_count,
        "views_count": views_count,
        "is_deleted": is_deleted,
    }


def message_row(
    page_id: str,
    chat_id: str,
    message_id: str,
    created_at: datetime,
    *,
    place: Literal["post", "chat"],
    author_kind: AuthorKind,
    text: str | None,
    reply_to: str | None = None,
    author_page_id: str | None = None,
    author_key: str | None = None,
    edited_at: datetime | None = None,
    likes_count: int | None = None,
    is_deleted: bool = False,
) -> Row:
    """A comment under a post or a message in a bot's chat."""
    return {
        "page_id": page_id,
        "chat_id": chat_id,
        "message_id": message_id,
        "place": place,
        "reply_to": reply_to,
        "author_kind": author_kind,
        "author_page_id": author_page_id,
        "author_key": author_key,
        "created_at": created_at,
        "edited_at": edited_at,
        "text": None if text is None else mask(text),
        "likes_count": likes_count,
        "is_deleted": is_deleted,
    }


def listed(names: Iterable[str], limit: int = 20) -> str:
    """Names for a sentence; the rest is counted."""
    every = sorted(names)
    more = f" and {len(every) - limit} more" if len(every) > limit else ""
    return ", ".join(every[:limit]) + more
