"""Raw rows of a small region, complete enough for every model: each function gives one load's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

PAGE, FOREIGN_PAGE = -101, -900
OGRN = "1027200000001"
Row = dict[str, Any]


def utc(text: str) -> datetime:
    """`06-01 09:30` of 2026 or a whole ISO moment, naive UTC."""
    return datetime.fromisoformat(f"2026-{text}" if text[2] == "-" else text)


def registry(
    zone: str = "Asia/Yekaterinburg",
    *,
    aliases: Mapping[str, str | None] | None = None,
    territories: Sequence[str] = ("t1", "t2"),
    organisation: str = "Администрация Озёрска",
    periods: Sequence[tuple[str, str]] = (("2026-01-01", "2027-01-01"),),
    authorities: Sequence[Row] = (),
    pages: bool = True,
) -> dict[str, list[Row]]:
    """The whole set of a region: two municipalities, an authority, its page. `aliases` by territory."""
    names = {"t1": "г. Озёрск", "t2": "Лесной район", "t3": "Степной округ"}
    spelled: Mapping[str, str | None] = aliases or {}
    region = {"name": "Край", "time_zone": zone}
    heat = {
        "valid_from": date(1900, 1, 1),
        "heat_method": "quantile",
        "heat_measure": "count",
        "heat_minimum": 1,
        "heat_red_share": 0.2,
        "heat_yellow_share": 0.4,
    }
    own = {
        "authority_id": "a1",
        "name": "Администрация Озёрска",
        "authority_kind": "municipality",
        "level": "municipal",
        "territory_id": "t1",
        "ogrn": OGRN,
        "opa_id": "7",
    }
    page = {
        "page_ref": "vk:101",
        "vk_owner_id": PAGE,
        "organisation": organisation,
        "ogrn": OGRN,
        "link_host": "vk.com",
        "status": "действующая",
        "is_connected": True,
        "has_mark": True,
        "design_percent": 100.0,
        "widgets": 2,
        "members_count": 1000,
    }
    return {
        "registry_regions": [region],
        "registry_heat_rules": [heat],
        "registry_review_periods": [
            {"period_from": date.fromisoformat(start), "period_to": date.fromisoformat(end)}
            for start, end in periods
        ],
        "registry_territories": [
            {"territory_id": one, "name": names[one], "population": 10_000, "aliases": spelled.get(one)}
            for one in territories
        ],
        "registry_authorities": [own, *authorities],
        "registry_pages": [page] if pages else [],
    }


def pos(
    pos_id: str,
    registered: str,
    *,
    municipality: str | None = "г. Озёрск",
    answers: Sequence[tuple[str, str, str]] = (),
    status: str = "registered",
    updated: str | None = None,
) -> dict[str, list[Row]]:
    """One appeal of ПОС with its history; `answers` are (id, moment, interim|final)."""
    at = utc(registered)
    closed = utc(answers[-1][1]) if status == "closed" else None
    appeal = {
        "pos_id": pos_id,
        "kind": "message",
        "created_at": at,
        "registered_at": at,
        "status": status,
        "updated_at": utc(updated or registered),
        "category": "Дороги",
        "subcategory": "Ямы",
        "fast_track": False,
        "municipality": municipality,
        "ogrn": OGRN,
        "age_group": "25-35",
        "outcome": "solved" if closed else None,
    }
    history = [("registered", at), *([("closed", closed)] if closed else [])]
    return {
        "pos_appeals": [appeal],
        "pos_statuses": [
            {"pos_id": pos_id, "position": place, "status": name, "changed_at": moment}
            for place, (name, moment) in enumerate(history)
        ],
        "pos_answers": [
            {"pos_id": pos_id, "answer_id": one, "answered_at": utc(moment), "kind": kind, "ogrn": OGRN}
            for one, moment, kind in answers
        ],
    }


def incident(
    incident_id: str,
    created: str,
    *,
    answered: str | None = None,
    municipality: str | None = "Лесной район",
    executor: str = "Администрация Озёрска",
    step: str | None = None,
    closed: str | None = None,
) -> dict[str, list[Row]]:
    """One row of an «Инцидент» export."""
    row = {
        "incident_id": incident_id,
        "layout": 1,
        "file_name": "july.xlsx",
        "row_number": 2,
        "created_at": utc(created),
        "first_answered_at": utc(answered) if answered else None,
        "closed_at": utc(closed) if closed else None,
        "step": step,
        "topic_group": "ЖКХ",
        "municipality": municipality,
        "executor": executor,
    }
    return {"incident_appeals": [row]}


def label(ref: str, group: str | None, version: str = "v1", **more: Any) -> dict[str, list[Row]]:
    """One load of raw.labels with one label."""
    told = {
        "object_ref": ref,
        "source": ref.partition("_")[0].partition("|")[0],
        "kind": "complaint",
        "needs_answer": True,
        "topic_group": group,
        "tone": "neutral",
        "confidence": 0.9,
        "told_by": "dictionary",
        "label_version": version,
    }
    return {"labels": [{**told, **more}]}


def copy(ref: str, cluster: str | None) -> dict[str, list[Row]]:
    """One load of raw.copies with one message's cluster."""
    source = ref.partition("_")[0].partition("|")[0]
    return {"copies": [{"object_ref": ref, "source": source, "cluster_id": cluster, "copies_version": "v1"}]}


def post(post_id: int, created: str, author: str = "community", *, deleted: bool = False) -> Row:
    """A post on the page's wall."""
    return {
        "owner_id": PAGE,
        "post_id": post_id,
        "author_kind": author,
        "created_at": utc(created),
        "author_key": "k1" if author == "citizen" else None,
        "text": "текст",
        "is_deleted": deleted,
        "comments_count": 2,
        "likes_count": 5,
        "reposts_count": 1,
        "views_count": 100,
    }


def comment(
    comment_id: int,
    post_id: int,
    created: str,
    *,
    page: int | None = None,
    thread: int | None = None,
    owner: int = PAGE,
    deleted: bool = False,
) -> Row:
    """A comment; `page` is the community that wrote it, None a citizen."""
    return {
        "owner_id": owner,
        "post_id": post_id,
        "comment_id": comment_id,
        "thread_id": thread,
        "author_kind": "community" if page else "citizen",
        "author_page_id": page,
        "author_key": None if page else "k2",
        "created_at": utc(created),
        "text": "ответ",
        "is_deleted": deleted,
    }


def message(
    message_id: str,
    created: str,
    *,
    chat: str = "topic1",
    reply_to: str | None = None,
    author: str = "citizen",
    page: int | None = None,
    deleted: bool = False,
    text: str = "слова",
) -> Row:
    """A message of the common shape, as VK's discussion boards land it; chats named bot… are with a bot."""
    return {
        "page_id": str(PAGE),
        "chat_id": chat,
        "message_id": message_id,
        "place": "chat" if chat.startswith("bot") else "post",
        "reply_to": reply_to,
        "author_kind": "page" if page else author,
        "author_page_id": str(page) if page else None,
        "author_key": "k3" if author == "citizen" and not page else None,
        "created_at": utc(created),
        "text": text,
        "is_deleted": deleted,
    }


def merged(*loads: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """Several sources' tables as one load's."""
    tables: dict[str, list[Row]] = {}
    for load in loads:
        for name, rows in load.items():
            tables.setdefault(name, []).extend(rows)
    return tables
