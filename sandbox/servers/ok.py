"""Odnoklassniki's `fb.do` over the pretend region: signed calls, errors inside HTTP 200.

Dates are written without a zone and mean Moscow time. Discussions come by their last activity, the newest
first; comments come from the first to the last. A deleted comment stays as a placeholder of another type
while it has replies. Where the published reference is silent (codes of closed groups, placeholders), this is
our reading of it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from sandbox.conversations import Said, Topic
from sandbox.faults import Faults
from sandbox.noise import mix
from sandbox.scenario import Page
from sandbox.servers.talking import Params, RefusedError, TalkServer, parameters
from sandbox.servers.vk_objects import pos_link
from sandbox.world import World

_MOSCOW = ZoneInfo("Europe/Moscow")
_MESSAGES = {
    1: "Unknown error",
    2: "Service is temporarily unavailable",
    3: "Method does not exist",
    7: "The action is blocked",
    8: "Flood detected",
    10: "Permission denied",
    11: "Limit reached",
    100: "Missing or invalid parameter",
    101: "Invalid application key",
    102: "Session expired",
    103: "Session key is invalid",
    104: "Incorrect signature",
    200: "Application has no permission",
    300: "Object not found",
}


class OkError(RefusedError):
    def __init__(self, code: int, detail: str = "") -> None:
        message = _MESSAGES.get(code, "Unknown error")
        said = f"{message}: {detail}" if detail else message
        super().__init__(200, {"error_code": code, "error_msg": said, "error_data": None})


class OkServer(TalkServer):
    network = "ok"

    def __init__(
        self, world: World, faults: Faults, log: Counter[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(world, faults, log, clock)
        self._methods: dict[str, Callable[[Params], Any]] = {
            "discussions.getList": self._discussions,
            "discussions.getComments": self._comments,
            "mediatopic.getByIds": self._topics,
            "group.getInfo": self._groups,
            "url.getInfo": self._address,
        }

    async def endpoint(self, request: Request) -> Response:
        params = await parameters(request)
        method = str(params.get("method", ""))
        return self.respond(
            request.url.path,
            method,
            lambda: self._answer(method, params),
            error=lambda fault: OkError(fault.code),
            listing=str(params.get("discussionId", params.get("gid", ""))),
            begins=not params.get("anchor"),
        )

    def _answer(self, method: str, params: Params) -> Any:
        if params.get("application_key") != self.world.token("ok-key"):
            raise OkError(101)
        token = params.get("access_token", "")
        if token != self.world.token("ok"):
            raise OkError(103)
        if params.get("sig") != signature(params, token, self.world.token("ok-secret")):
            raise OkError(104)
        if method not in self._methods:
            raise OkError(3)
        if not self.within_limit(token):
            raise OkError(8)
        return self._methods[method](params)

    def _discussions(self, params: Params) -> Params:
        place = self._place(str(params.get("gid", "")))
        count = _count(params)
        active = sorted(
            (
                (max([topic.date, *self._dates(topic)]), self.topic_id(topic), topic)
                for topic in self._open(place)
            ),
            key=lambda entry: (-entry[0], entry[1]),
        )
        if params.get("anchor"):
            moment, _, number = str(params["anchor"]).partition("_")
            if not moment.isdigit():
                raise OkError(100, "anchor")
            active = [entry for entry in active if (-entry[0], entry[1]) > (-int(moment), number)]
        chunk = active[:count]
        return {
            "discussions": [
                {
                    "object_type": "GROUP_TOPIC",
                    "object_id": number,
                    "owner_uid": self.group_id(place),
                    "title": self.world.topic_text(topic)[:60],
                    "creation_date": moscow(topic.date),
                    "last_activity_date": moscow(latest),
                    "total_comments_count": len(self._dates(topic)),
                    "new_comments_count": 0,
                    "like_count": mix(topic.number) % 40,
                    "liked_it": False,
                }
                for latest, number, topic in chunk
            ],
            "has_more": len(active) > count,
            "anchor": f"{chunk[-1][0]}_{chunk[-1][1]}" if chunk else "",
        }

    def _comments(self, params: Params) -> Params:
        if params.get("discussionType") != "GROUP_TOPIC":
            raise OkError(100, "discussionType")
        if params.get("direction", "FORWARD") not in {"FORWARD", "BACKWARD"}:
            raise OkError(100, "direction")
        topic = self._topic(str(params.get("discussionId", "")))
        said = [one for one in topic.said if one.date <= self.world.now]
        if params.get("direction") == "BACKWARD":
            said.reverse()
        begin = 0
        if anchor := params.get("anchor"):
            places = [n for n, one in enumerate(said, 1) if self.comment_id(topic, one) == anchor]
            if not places:
                raise OkError(100, "anchor")
            begin = places[0]
        chunk = said[begin : begin + _count(params)]
        return {
            "comments": [self._comment(topic, one) for one in chunk],
            "has_more": begin + len(chunk) < len(said),
            "anchor": self.comment_id(topic, chunk[-1]) if chunk else str(params.get("anchor") or ""),
        }

    def _comment(self, topic: Topic, said: Said) -> Params:
        gone = said.deleted <= self.world.now
        answer: Params = {
            "id": self.comment_id(topic, said),
            "date": moscow(said.date),
            "text": "" if gone else self.world.said_text(said),
            "like_count": mix(said.number) % 7,
            "liked_it": False,
            "type": "DELETED_MESSAGE" if gone else "ACTIVE_MESSAGE",
            "attachments": [],
        }
        if said.parent is not None:
            answer["reply_to_comment_id"] = self.comment_id(topic, said.parent)
        if said.page >= 0:
            name = self.world.scenario.pages[said.page].name
            answer |= {"author_id": self.group_id(said.page), "author_type": "GROUP", "author_name": name}
        elif not gone:
            answer["author_id"] = str(560_000_000_000 + said.author)
        return answer

    def _topics(self, params: Params) -> Params:
        ids = [one for one in str(params.get("topic_ids", "")).split(",") if one]
        if not ids or len(ids) > 100:
            raise OkError(100, "topic_ids")
        found = [topic for one in ids if (topic := self._find_topic(one))]
        return {"media_topics": [self._media_topic(topic) for topic in found], "entities": {}}

    def _media_topic(self, topic: Topic) -> Params:
        group, noise = f"group:{self.group_id(topic.page)}", mix(topic.number)
        number = self.topic_id(topic)
        summary = {"discussion_type": "GROUP_TOPIC", "discussion_id": number}
        return {
            "id": number,
            "created_ms": topic.date * 1000,
            "author_ref": group,
            "owner_ref": group,
            "media": [{"type": "text", "text": self.world.topic_text(topic)}],
            "discussion_summary": {**summary, "comments_count": len(self._dates(topic))},
            "like_summary": {"count": noise % 40, "like_possible": True, "self": False},
            "reshare_summary": {"count": noise % 5, "reshare_possible": True, "self": False},
            "views_count": 50 + noise % 900,
        }

    def _groups(self, params: Params) -> list[Params]:
        ids = [one for one in str(params.get("uids", "")).split(",") if one]
        if not ids or len(ids) > 100:
            raise OkError(100, "uids")
        return [self._group(place, page) for place, page in self.pages.items() if self.group_id(place) in ids]

    def _group(self, place: int, page: Page) -> Params:
        if page.state == "deleted":
            return {"uid": self.group_id(place), "name": page.name, "status": "DISABLED"}
        about = f"Официальная группа. {page.name}. {pos_link(self.world, page)}".strip()
        return {
            "uid": self.group_id(place),
            "name": page.name,
            "shortname": page.screen_name,
            "description": about if page.description else "",
            "members_count": page.members,
            "pic_avatar": "https://ok.ru/res/avatar.png" if page.avatar else None,
            "private": page.state == "closed",
            "premium": False,
        }

    def _address(self, params: Params) -> Params:
        name = str(params.get("url", "")).rstrip("/").rpartition("/")[2].lower()
        for place, page in self.pages.items():
            if name in {page.screen_name.lower(), self.group_id(place)}:
                return {
                    "type": "GROUP",
                    "objectId": int(self.group_id(place)),
                    "objectIdStr": self.group_id(place),
                }
        return {"type": "UNKNOWN"}

    def group_id(self, place: int) -> str:
        return str(70_000_000_000_000 + self.world.scenario.pages[place].id)

    def topic_id(self, topic: Topic) -> str:
        return str(157_000_000_000_000 + topic.page * 10_000_000 + topic.id)

    def comment_id(self, topic: Topic, said: Said) -> str:
        """Opaque to clients."""
        return f"MTU3:{topic.page:x}:{said.id:x}:{mix(said.id) & 0xFFFF:04x}"

    def _place(self, group: str) -> int:
        for place, page in self.pages.items():
            if self.group_id(place) == group:
                if page.state == "deleted":
                    raise OkError(300)
                if page.state == "closed":
                    raise OkError(7, "the group is closed")
                return place
        raise OkError(300)

    def _open(self, place: int) -> list[Topic]:
        return self.visible_topics(place)

    def _topic(self, number: str) -> Topic:
        topic = self._find_topic(number)
        if topic is None:
            raise OkError(300)
        return topic

    def _find_topic(self, number: str) -> Topic | None:
        every = (topic for place in self.pages for topic in self.visible_topics(place))
        return next((topic for topic in every if self.topic_id(topic) == number), None)

    def _dates(self, topic: Topic) -> list[int]:
        return [said.date for said in topic.said if said.date <= self.world.now]


def signature(params: Params, token: str, secret: str) -> str:
    """OK's `sig` over every parameter but the token and itself."""
    pairs = "".join(
        f"{name}={params[name]}" for name in sorted(params) if name not in {"access_token", "sig"}
    )
    # md5 is what the service demands; it guards nothing of ours.
    inner = hashlib.md5(f"{token}{secret}".encode()).hexdigest()  # noqa: S324
    return hashlib.md5(f"{pairs}{inner}".encode()).hexdigest()  # noqa: S324


def moscow(seconds: int) -> str:
    """As OK writes dates: Moscow time, and no word of it."""
    return dt.datetime.fromtimestamp(seconds, _MOSCOW).strftime("%Y-%m-%d %H:%M:%S")


def _count(params: Params) -> int:
    count = str(params.get("count", "20"))
    if not count.isdigit() or not 1 <= int(count) <= 100:
        raise OkError(100, "count")
    return int(count)
