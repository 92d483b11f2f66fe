"""VK's Callback API: comments on the walls of open communities, pushed as they were written and changed.

POST /_control/vk/deliver names the address, the secret and the string that confirms it. As VK does, each
community asks for that string first, an event counts as taken when it was answered with «ok», and a change
is told as the whole comment, dated by the day on which it was written.
The pretend citizens change nothing by themselves: here some comments come in a first wording that is edited
at once, some are deleted and restored, and those that the walls show as deleted were written before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import Faults
from sandbox.noise import mix
from sandbox.servers.hooks import push
from sandbox.servers.vk_objects import comment_object
from sandbox.walls import Comment
from sandbox.world import World

VERSION = "5.199"
Json = dict[str, Any]


class VkHooks:
    """What VK's callback server of each community has sent."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world, self.faults = world, faults
        self._taken: set[str] = set()

    async def deliver(self, request: Request) -> Response:
        """{"url", "secret", "confirmation", "again"?}: push what is due, with `again` what was taken as well.
        Says what became of it."""
        wish = orjson.loads(await request.body() or b"{}")
        url, secret, confirmation = (str(wish.get(name, "")) for name in ("url", "secret", "confirmation"))
        if wish.get("again"):
            self._taken.clear()
        for group in self._groups():
            asked = orjson.dumps({"type": "confirmation", "group_id": group, "secret": secret})
            if not await asyncio.to_thread(push, url, asked, {}, None, confirmation):
                problem = "The address did not answer with the string of confirmation."
                return Response(orjson.dumps({"error": problem}), 400, media_type="application/json")
        due = [event for event in self.events() if event["event_id"] not in self._taken]
        sent = 0
        for event in due:
            body = orjson.dumps({**event, "secret": secret})
            fault = self.faults.take_http(request.url.path, {event["type"]})
            if await asyncio.to_thread(push, url, body, {}, fault, "ok"):
                self._taken.add(event["event_id"])
                sent += 1
        told = {"delivered": sent, "failed": len(due) - sent}
        return Response(orjson.dumps(told), media_type="application/json")

    def events(self) -> list[Json]:
        """Everything up to now in order of time, without the secret."""
        comments = [
            comment
            for group in self._groups()
            for post in self.world.walls.posts[-group]
            for root in post.roots
            for comment in (root, *root.thread)
            if comment.date <= self.world.now
        ]
        comments.sort(key=lambda comment: (comment.date, comment.owner, comment.id))
        return [event for comment in comments for event in self._of(comment)]

    def _groups(self) -> list[int]:
        pages = [self.world.scenario.pages[place] for place in self.world.scenario.page_places("vk")]
        return [page.id for page in pages if page.state == "open"]

    def _of(self, comment: Comment) -> Iterator[Json]:
        """A comment's whole story; it is over in the second in which it was written."""
        told = comment_object(self.world, comment, 0, False, None)
        draft = {**told, "text": self.world.texts.reply(comment.number + 1, from_page=False)}
        gone = {"owner_id": comment.owner, "id": comment.id, "post_id": comment.post_id}
        # The published schema calls user_id what the manual calls deleter_id.
        gone |= {"deleter_id": max(comment.author, 0), "user_id": max(comment.author, 0)}
        fate = mix(comment.owner * 31 + comment.id) % 12
        if comment.role == "deleted":
            draft = {name: value for name, value in draft.items() if name != "deleted"}
            story = [("new", {**draft, "from_id": comment.author}), ("delete", gone)]
        elif fate == 0:
            story = [("new", draft), ("edit", told)]
        elif fate == 1:
            story = [("new", told), ("delete", gone), ("restore", told)]
        else:
            story = [("new", told)]
        for step, (kind, what) in enumerate(story):
            number = mix(comment.owner * 1_000_003 + comment.id * 4 + step)
            yield {
                "type": f"wall_reply_{kind}",
                "event_id": f"{number:016x}{-comment.owner:012x}{comment.id:010x}{step:02x}",
                "v": VERSION,
                "group_id": -comment.owner,
                "object": what,
            }
