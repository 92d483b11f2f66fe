"""VK's objects: post, comment, group and day of statistics, as live answers carry them."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from typing import Any

from sandbox.noise import mix
from sandbox.scenario import Page, VkPoll
from sandbox.walls import Comment, Post
from sandbox.world import World

_LIKES = {"can_like": 1, "user_likes": 0, "can_publish": 1, "repost_disabled": False}


def post_object(world: World, post: Post) -> dict[str, Any]:
    """Counts are those of `world.now`; comments.count holds every comment, replies included."""
    noise = mix(post.number ^ post.id)
    page = world.pages_by_owner.get(post.owner)
    views = 20 + noise % (max(page.members, 40) // 3 + 1) if page else 5 + noise % 400
    likes, reposts = views * (1 + noise % 4) // 100, views * (noise % 3) // 200
    result: dict[str, Any] = {
        "inner_type": "wall_wallpost",
        "id": post.id,
        "owner_id": post.owner,
        "from_id": post.author,
        "date": post.date,
        "text": world.post_text(post),
        "post_type": "post",
        "type": "post",
        "hash": f"{noise:016x}",
        "marked_as_ads": 0,
        "attachments": [],
        "post_source": {"type": "vk"},
        "comments": {
            "can_post": 1,
            "can_view": 1,
            "groups_can_post": True,
            "count": bisect_right(post.dates, world.now),
        },
        "likes": {**_LIKES, "count": likes},
        "reposts": {"count": reposts, "wall_count": reposts, "mail_count": 0, "user_reposted": 0},
        "views": {"count": views},
        "donut": {"is_donut": False},
        "carousel_offset": 0,
    }
    if post.pinned:
        result["is_pinned"] = 1
    if post.poll:
        result["attachments"] = [{"type": "poll", "poll": poll_object(world, post.poll)}]
    return result


def poll_object(world: World, poll: VkPoll) -> dict[str, Any]:
    """A poll as its community's token sees it; votes come in evenly until its end (or a week)."""
    zone = world.scenario.zone
    opened = int(dt.datetime.combine(poll.date, dt.time(0), zone).timestamp())
    last = poll.ends or poll.date + dt.timedelta(days=7)
    closed = int(dt.datetime.combine(last, dt.time(0), zone).timestamp())
    passed, span = min(max(world.now - opened, 0), closed - opened), max(closed - opened, 1)
    votes = {words: count * passed // span for words, count in poll.options.items()}
    total = sum(votes.values())
    return {
        "id": poll.id,
        "owner_id": -poll.page,
        "created": opened,
        "question": poll.question,
        "votes": total,
        "answers": [
            {
                "id": poll.id * 10 + n,
                "text": words,
                "votes": votes[words],
                "rate": round(100 * votes[words] / total, 2) if total else 0,
            }
            for n, words in enumerate(poll.options)
        ],
        "anonymous": True,
        "multiple": False,
        "end_date": closed if poll.ends else 0,
        "closed": bool(poll.ends) and world.now >= closed,
        "is_board": False,
        "can_edit": False,
        "can_vote": True,
        "can_report": True,
        "can_share": True,
        "author_id": -poll.page,
        "disable_unvote": False,
    }


def comment_object(
    world: World, comment: Comment, preview: int, likes: bool, thread_items: int | None
) -> dict[str, Any]:
    """`thread_items` is None for a reply: a branch has no branches of its own."""
    text = world.comment_text(comment)
    if preview and len(text) > preview:
        text = text[:preview].rstrip() + "..."
    result: dict[str, Any] = {
        "id": comment.id,
        "from_id": 0 if comment.role == "deleted" else comment.author,
        "date": comment.date,
        "text": text,
        "post_id": comment.post_id,
        "owner_id": comment.owner,
        "parents_stack": [comment.root.id] if comment.root else [],
    }
    if comment.role == "deleted":
        result["deleted"] = True
    if comment.root:
        if comment.root.role != "deleted":
            result["reply_to_user"] = comment.root.author
        result["reply_to_comment"] = comment.root.id
    if likes:
        result["likes"] = {**_LIKES, "count": mix(comment.number + comment.id) % 9}
    if thread_items is not None:
        replies = [reply for reply in comment.thread if reply.date <= world.now]
        result["thread"] = {
            "count": len(replies),
            "items": [comment_object(world, reply, preview, likes, None) for reply in replies[:thread_items]],
            "can_post": True,
            "show_reply_button": True,
            "groups_can_post": True,
            "author_replied": any(reply.author == comment.owner for reply in replies),
        }
    return result


def pos_link(world: World, page: Page) -> str:
    """The page's link to ПОС: right, with another organisation's numbers, or none."""
    if page.pos_link == "absent" or page.authority is None:
        return ""
    ogrn, opa = world.ogrns[page.authority], world.opa_ids()[page.authority]
    if page.pos_link == "wrong":
        ogrn, opa = f"{ogrn[:-3]}000", opa + 5000
    code = world.scenario.region.code
    return f"https://pos.gosuslugi.ru/form/?opaId={opa}&utm_source=vk&utm_medium={code}&utm_campaign={ogrn}"


def group_object(world: World, page: Page, fields: set[str]) -> dict[str, Any]:
    """The usual fields always, the others when asked for; the госметка (undocumented) comes unasked."""
    result: dict[str, Any] = {
        "id": page.id,
        "name": page.name if page.state != "deleted" else "DELETED",
        "screen_name": page.screen_name,
        "is_closed": 1 if page.state == "closed" else 0,
        "type": "page",
        "photo_50": "https://vk.com/images/community_50.png",
        "photo_100": "https://vk.com/images/community_100.png",
        "photo_200": "https://vk.com/images/community_200.png",
    }
    if page.state == "deleted":
        return {**result, "deactivated": "deleted"}
    result["is_government_organization"] = page.mark
    link = pos_link(world, page)
    widgets = [
        {"id": 1, "title": "Сообщить о проблеме", "url": link or "https://vk.com/app7000001", "type": "url"},
        {
            "id": 2,
            "title": "Опросы",
            "url": link.replace("utm_source=vk", "utm_source=vk1") or "https://vk.com/app7000002",
            "type": "url",
        },
    ]
    optional: dict[str, Any] = {
        "members_count": page.members,
        "verified": int(page.mark),
        "description": f"Официальное сообщество. {page.name}." if page.description else "",
        "status": "Отвечаем на вопросы жителей",
        "activity": "Государственная организация" if page.authority else "СМИ",
        "site": link,
        "has_photo": int(page.avatar),
        "wall": 2 if page.state == "closed" else 1,
        "cover": {"enabled": int(page.cover)},
        "city": {"id": 1000 + page.id % 997, "title": world.scenario.territories[0].name},
        "menu": {"items": widgets[: page.widgets]},
        "can_post": 1,
        "can_see_all_posts": 1,
        "trending": 0,
    }
    return result | {name: value for name, value in optional.items() if name in fields}


def statistics(world: World, page: Page, since: int, until: int) -> list[dict[str, Any]]:
    """One entry per local day that touches [since, until], newest first, at most 365."""
    zone = world.scenario.zone
    last = dt.datetime.fromtimestamp(max(until - 1, 0), zone).date()
    first = max(dt.datetime.fromtimestamp(since, zone).date(), last - dt.timedelta(days=364))
    days = []
    for back in range((last - first).days + 1):
        date = last - dt.timedelta(days=back)
        begin = int(dt.datetime.combine(date, dt.time(0), zone).timestamp())
        noise = mix(page.id * 4001 + date.toordinal())
        reach = page.members * (5 + noise % 30) // 100
        days.append(
            {
                "period_from": begin,
                "period_to": int(
                    dt.datetime.combine(date + dt.timedelta(days=1), dt.time(0), zone).timestamp()
                )
                - 1,
                "reach": {
                    "reach": reach,
                    "reach_subscribers": reach * 6 // 10,
                    "mobile_reach": reach * 8 // 10,
                },
                "visitors": {"views": reach // 3, "visitors": reach // 5, "mobile_views": reach // 4},
                "activity": {
                    "likes": reach // 40 + (noise >> 8) % 5,
                    "comments": reach // 90 + (noise >> 12) % 4,
                    "copies": reach // 200 + (noise >> 16) % 3,
                    "subscribed": (noise >> 20) % 12,
                    "unsubscribed": (noise >> 24) % 7,
                },
            }
        )
    return days
