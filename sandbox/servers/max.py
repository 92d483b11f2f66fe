"""MAX's Bot API over the pretend region: updates by marker, history by chat, chats with their audience.

A marker that is passed commits everything before it; without one the updates since the last commitment
come. The bot hears everybody but itself: what operators answer in its name stands in the history alone.
When now moves back, nothing is committed any more; `DELETE /_control/max` does that as well.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.conversations import NEVER, Chat, Said, Topic
from sandbox.faults import Fault, Faults
from sandbox.servers.hooks import push
from sandbox.servers.max_objects import MaxObjects
from sandbox.servers.talking import Params, RefusedError, TalkServer, parameters
from sandbox.world import World

_FIRST_MARKER = 5_000_000_000_001
_BLINK = 0.05  # seconds between two looks of a long poll
Json = dict[str, Any]


@dataclass(frozen=True)
class _Event:
    date: int
    kind: str
    build: Callable[[], Json]


class MaxError(RefusedError):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, {"code": code, "message": message})


class MaxServer(TalkServer):
    network = "max"

    def __init__(
        self, world: World, faults: Faults, log: Counter[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(world, faults, log, clock)
        self.objects = MaxObjects(world)
        self._planned: list[_Event] | None = None
        self._subscriptions: dict[str, Json] = {}
        self._secret = ""
        self.rewind()

    def rewind(self) -> None:
        """Nothing is committed."""
        self._queue: list[_Event] = []
        self._pushed: set[int] = set()
        self._committed = self._taken = self._reached = 0

    async def endpoint(self, request: Request) -> Response:
        params = await parameters(request)
        path = "/" + request.path_params["rest"].strip("/")
        method = "/chats/{chat}" if path.startswith("/chats/") else path
        if path == "/updates" and request.method == "GET":
            await self._wait(params)
        token = request.headers.get("authorization", "")
        return self.respond(
            request.url.path.rstrip("/"),
            method,
            lambda: self._answer(request.method, path, params, token),
            error=_worded,
            listing=str(params.get("chat_id", "")),
            # Updates are one long list: it never begins anew.
            begins=path != "/updates" and not {"from", "marker"} & set(params),
        )

    def _answer(self, verb: str, path: str, params: Params, token: str) -> Any:
        if token != self.world.token("max"):
            raise MaxError(401, "verify.token", "Invalid access_token")
        if not self.within_limit(token):
            raise MaxError(429, "too.many.requests", "Too many requests")
        if path == "/subscriptions":
            return self._subscribe(verb, params)
        if verb != "GET":
            raise MaxError(405, "method.not.allowed", "The sandbox only reads")
        if path.startswith("/chats/"):
            return self._one_chat(path.removeprefix("/chats/"))
        handlers: dict[str, Callable[[Params], Json]] = {
            "/me": lambda _: {**self.objects.bot(), "commands": []},
            "/chats": self._chats,
            "/messages": self._messages,
            "/updates": self._updates,
        }
        if path not in handlers:
            raise MaxError(404, "not.found", "No such method")
        return handlers[path](params)

    def _subscribe(self, verb: str, params: Params) -> Json:
        url = str(params.get("url", ""))
        if verb == "POST":
            kinds = params.get("update_types")
            moment = self.world.now * 1000
            self._subscriptions[url] = {"url": url, "time": moment, "update_types": kinds, "version": None}
            self._secret = str(params.get("secret", ""))
            return {"success": True}
        if verb == "DELETE":
            return {"success": self._subscriptions.pop(url, None) is not None}
        return {"subscriptions": list(self._subscriptions.values())}

    async def deliver(self, request: Request) -> Response:
        """Push what is not committed, in order; {"url", "secret"} in the body name a webhook without TLS.
        What is not answered with 200 is pushed again, with `again` everything. Says what became of it."""
        wish = orjson.loads(await request.body() or b"{}")
        url = str(wish.get("url") or next(iter(self._subscriptions), ""))
        if not url:
            return Response(b'{"error": "Register a webhook first: POST /max/subscriptions."}', 400)
        headers = {"X-Max-Bot-Api-Secret": str(wish.get("secret", self._secret))}
        self._advance()
        waiting = [event for event in self._queue[self._committed :] if id(event) not in self._pushed]
        failed = 0
        for event in waiting:
            body = orjson.dumps(_told(event))
            fault = self.faults.take_http(request.url.path, {event.kind})
            if await asyncio.to_thread(push, url, body, headers, fault):
                self._pushed.add(id(event))
            else:
                failed += 1
        if wish.get("again"):
            self._pushed.clear()
        return Response(orjson.dumps({"delivered": len(waiting) - failed, "failed": failed}))

    async def _wait(self, params: Params) -> None:
        """A long poll: no longer than asked, and not at all when something is there."""
        timeout = params.get("timeout") or "30"
        deadline = time.monotonic() + (min(int(timeout), 90) if str(timeout).isdigit() else 0)
        while not self._subscriptions:
            self._advance()
            if len(self._queue) > self._begin(params) or time.monotonic() >= deadline:
                return
            await asyncio.sleep(_BLINK)

    def _begin(self, params: Params) -> int:
        marker = str(params.get("marker") or "")
        asked = int(marker) - _FIRST_MARKER if marker.isdigit() else 0
        return max(self._committed, asked)

    def _updates(self, params: Params) -> Json:
        if self._subscriptions:
            raise MaxError(405, "method.not.allowed", "Updates go to the webhook")
        limit = _integer(params, "limit", 100, 1, 1000)
        self._advance()
        self._committed = begin = min(self._begin(params), len(self._queue))
        kinds = set(filter(None, str(params.get("types") or "").split(",")))
        updates: list[Json] = []
        place = begin
        while place < len(self._queue) and len(updates) < limit:
            event = self._queue[place]
            place += 1
            if not kinds or event.kind in kinds:
                updates.append(_told(event))
        return {"updates": updates, "marker": _FIRST_MARKER + place}

    def _advance(self) -> None:
        if self.world.now < self._reached:
            self.rewind()
        self._reached = self.world.now
        if self._planned is None:
            self._planned = self._plan()
        while self._taken < len(self._planned) and self._planned[self._taken].date <= self.world.now:
            self._queue.append(self._planned[self._taken])
            self._taken += 1

    def _plan(self) -> list[_Event]:
        events: list[_Event] = []
        for place, page in self.pages.items():
            for topic in self.talks.topics[place] if page.state == "open" else []:
                events += self._topic_events(topic)
                for said in topic.said:
                    events += self._said_events(topic, said)
        for chat in self.talks.chats.values():
            for said in chat.said:
                events += self._said_events(chat, said)
        return sorted(events, key=lambda event: event.date)

    def _topic_events(self, topic: Topic) -> list[_Event]:
        return [
            _Event(topic.date, "message_created", lambda: {"message": self.objects.post(topic)}),
            _Event(topic.date, "message_created", lambda: {"message": self.objects.forward(topic)}),
        ]

    def _said_events(self, where: Topic | Chat, said: Said) -> list[_Event]:
        if said.speaker == "operator":
            return []
        if said.role == "start" and isinstance(where, Chat):
            started = {
                "chat_id": self.objects.dialog_id(where.citizen),
                "user": self.objects.user(where.citizen),
            }
            return [_Event(said.date, "bot_started", lambda: {**started, "user_locale": "ru"})]

        def build(at: int) -> Callable[[], Json]:
            return lambda: {"message": self._message(where, said, at)}

        events = [_Event(said.date, "message_created", build(said.date))]
        if said.edited < NEVER:
            events.append(_Event(said.edited, "message_edited", build(said.edited)))
        if said.deleted < NEVER:
            message = self._message(where, said, said.date)
            gone = {
                "message_id": message["body"]["mid"],
                "chat_id": message["recipient"]["chat_id"],
                "user_id": message["sender"]["user_id"],
            }
            events.append(_Event(said.deleted, "message_removed", lambda: gone))
        return events

    def _message(self, where: Topic | Chat, said: Said, at: int) -> Json:
        if isinstance(where, Topic):
            return self.objects.comment(where, said, at)
        return self.objects.private(where, said, at)

    def said_now(self, where: Topic | Chat, said: Said, *, changed: bool) -> None:
        """A message was written, edited or deleted through the control endpoint."""
        self._advance()
        self._queue += self._said_events(where, said)[-1 if changed else 0 :]

    def _chats(self, params: Params) -> Json:
        count, marker = _integer(params, "count", 50, 1, 100), _integer(params, "marker", 0, 0, 1 << 62)
        every = self._all_chats()
        chosen = every[marker : marker + count]
        more = marker + count if marker + count < len(every) else None
        return {"chats": chosen, "marker": more}

    def _all_chats(self) -> list[Json]:
        chats: list[Json] = []
        for place, page in self.pages.items():
            if page.state == "open":
                topics = self.visible_topics(place)
                chats += [self.objects.channel(place, topics), self.objects.discussion(place, topics)]
        now = self.world.now
        talking = [chat for chat in self.talks.chats.values() if any(said.date <= now for said in chat.said)]
        return chats + [self.objects.dialog(chat) for chat in talking]

    def _one_chat(self, name: str) -> Json:
        for place, page in self.pages.items():
            topics = self.visible_topics(place)
            if name.removeprefix("@").lower() in {
                page.screen_name.lower(),
                str(self.objects.channel_id(place)),
            }:
                if page.state == "closed":
                    raise MaxError(403, "chat.denied", "The bot has no access to the channel")
                if page.state == "open":
                    return self.objects.channel(place, topics)
            elif name == str(self.objects.discussion_id(place)) and page.state == "open":
                return self.objects.discussion(place, topics)
        for chat in self.talks.chats.values():
            if name == str(self.objects.dialog_id(chat.citizen)):
                return self.objects.dialog(chat)
        raise MaxError(404, "chat.not.found", "No such chat")

    def _messages(self, params: Params) -> Json:
        """The newest first; `to` is earlier than `from`, both inclusive."""
        if asked := params.get("message_ids"):
            wanted = set(str(asked).split(","))
            every = (message for chat in self._all_chats() for message in self._history(chat["chat_id"]))
            return {"messages": [message for message in every if message["body"]["mid"] in wanted][:100]}
        if not params.get("chat_id"):
            raise MaxError(400, "proto.payload", "chat_id or message_ids is needed")
        count = _integer(params, "count", 50, 1, 100)
        newest, oldest = _integer(params, "from", 1 << 62), _integer(params, "to", 0)
        history = self._history(_integer(params, "chat_id", 0))
        chosen = [message for message in history if oldest <= message["timestamp"] <= newest]
        return {"messages": sorted(chosen, key=lambda message: -message["timestamp"])[:count]}

    def _history(self, number: int) -> list[Json]:
        now, objects = self.world.now, self.objects
        for place, page in self.pages.items():
            topics = self.visible_topics(place)
            if number in {objects.channel_id(place), objects.discussion_id(place)} and page.state != "open":
                break
            if number == objects.channel_id(place):
                return [objects.post(topic, stat=True) for topic in topics]
            if number == objects.discussion_id(place):
                said = [(topic, one) for topic in topics for one in topic.said if _there(one, now)]
                comments = [objects.comment(topic, one, now) for topic, one in said]
                return [objects.forward(topic) for topic in topics] + comments
        for chat in self.talks.chats.values():
            if number == objects.dialog_id(chat.citizen):
                words = [one for one in chat.said if _there(one, now) and one.role != "start"]
                return [objects.private(chat, one, now) for one in words]
        raise MaxError(403, "chat.denied", "The bot has no access to the chat")


def _told(event: _Event) -> Json:
    return {"update_type": event.kind, "timestamp": event.date * 1000, **event.build()}


def _there(said: Said, now: int) -> bool:
    return said.date <= now < said.deleted


def _integer(
    params: Params, name: str, default: int, minimum: int = -(1 << 63), maximum: int = (1 << 63) - 1
) -> int:
    value = params.get(name)
    try:
        number = default if value in {None, "", "null"} else int(str(value))
    except ValueError:
        raise MaxError(400, "proto.payload", f"{name} must be a number") from None
    if not minimum <= number <= maximum:
        raise MaxError(400, "proto.payload", f"{name} must lie within {minimum} and {maximum}")
    return number


def _worded(fault: Fault) -> MaxError:
    return MaxError(fault.code, "sandbox.fault", "A fault posted to the sandbox")
