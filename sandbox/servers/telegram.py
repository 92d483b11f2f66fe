"""Telegram's Bot API over the pretend region: one bot, administrator of every channel and its discussion.

There is no history: updates wait in a queue until `getUpdates` is called with a higher offset, which deletes
them, or until they are a day old (`telegram.updates_live_hours`). Updates get their numbers when now reaches
them. When now moves back, everything is delivered anew. `DELETE /_control/telegram` does that as well.
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
from sandbox.servers.talking import Params, RefusedError, TalkServer, parameters
from sandbox.servers.telegram_objects import TelegramObjects
from sandbox.world import World

_FIRST_UPDATE = 800_000_001
_BLINK = 0.05  # seconds between two looks of a long poll

Build = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class _Event:
    """What will become an update at `date`; its object is made when it is fetched."""

    date: int
    kind: str
    build: Build


class TelegramError(RefusedError):
    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
        if parameters:
            body["parameters"] = parameters
        super().__init__(code, body)


class TelegramServer(TalkServer):
    network = "telegram"

    def __init__(
        self, world: World, faults: Faults, log: Counter[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(world, faults, log, clock)
        self.objects = TelegramObjects(world)
        self._planned: list[_Event] | None = None
        self._webhook = self._secret = ""
        self._allowed: frozenset[str] = frozenset()
        self._methods: dict[str, Callable[[Params], Any]] = {
            "getMe": lambda _: self.objects.bot(),
            "getUpdates": self._updates,
            "getChat": self._chat,
            "getChatMemberCount": self._members,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._webhook_info,
        }
        self.rewind()

    def rewind(self) -> None:
        """Everything is undelivered again, and the queue begins at the same number."""
        self._queue: list[tuple[int, _Event]] = []
        self._next, self._confirmed, self._reached = _FIRST_UPDATE, 0, 0
        self._taken = 0

    async def endpoint(self, request: Request) -> Response:
        params = await parameters(request)
        token, method = request.path_params["token"], request.path_params["method"]
        if method == "getUpdates":
            await self._wait(token, params)
        return self.respond(
            f"/telegram/{method}",
            method,
            lambda: {"ok": True, "result": self._answer(token, method, params)},
            error=_worded,
            too_many=_too_many,
        )

    def _answer(self, token: str, method: str, params: Params) -> Any:
        if token != self.world.token("telegram"):
            raise TelegramError(401, "Unauthorized")
        handler = self._methods.get(method)
        if handler is None:
            raise TelegramError(404, "Not Found")
        if not self.within_limit(token):
            raise TelegramError(429, "Too Many Requests: retry after 1", retry_after=1)
        return handler(params)

    async def _wait(self, token: str, params: Params) -> None:
        """A long poll: no longer than asked, and not at all when something is there."""
        deadline = time.monotonic() + min(_integer(params, "timeout", 0), 50)
        while token == self.world.token("telegram") and not self._waiting(params):
            if time.monotonic() >= deadline:
                return
            await asyncio.sleep(_BLINK)

    def _waiting(self, params: Params) -> list[tuple[int, _Event]]:
        """Undelivered updates of the kinds that are asked for."""
        self._advance()
        oldest = self.world.now - self.world.scenario.telegram.updates_live_hours * 3600
        return [(number, event) for number, event in self._queue if event.date >= oldest]

    def _updates(self, params: Params) -> list[dict[str, Any]]:
        if self._webhook:
            problem = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first"
            raise TelegramError(409, problem)
        if "allowed_updates" in params:
            self._allow(params["allowed_updates"])
        offset, limit = _integer(params, "offset", 0), _integer(params, "limit", 100)
        limit = min(max(limit, 1), 100)
        waiting = self._waiting(params)
        if offset < 0:
            offset = waiting[max(len(waiting) + offset, 0)][0] if waiting else 0
        if offset:
            self._queue = [(number, event) for number, event in self._queue if number >= offset]
        chosen = [(number, event) for number, event in waiting if number >= offset][:limit]
        return [{"update_id": number, event.kind: event.build()} for number, event in chosen]

    def _allow(self, kinds: Any) -> None:
        try:
            listed = orjson.loads(kinds) if isinstance(kinds, str) else kinds
            self._allowed = frozenset(map(str, listed))
        except (orjson.JSONDecodeError, TypeError):
            raise TelegramError(400, "Bad Request: can't parse allowed updates JSON object") from None

    def _advance(self) -> None:
        """Number what has happened since the last look; kinds that are not allowed never get a number."""
        now = self.world.now
        if now < self._reached:
            self.rewind()
        self._reached = now
        if self._planned is None:
            self._planned = self._plan()
        while self._taken < len(self._planned) and self._planned[self._taken].date <= now:
            self._append(self._planned[self._taken])
            self._taken += 1

    def _append(self, event: _Event) -> None:
        if not self._allowed or event.kind in self._allowed:
            self._queue.append((self._next, event))
            self._next += 1

    def _plan(self) -> list[_Event]:
        events: list[_Event] = []
        for place, page in self.pages.items():
            if page.state != "open":
                continue
            for number, topic in enumerate(self.talks.topics[place], 1):
                events += self._topic_events(topic, number)
                for said in topic.said:
                    events += self._comment_events(topic, number, said)
        for chat in self.talks.chats.values():
            for said in chat.said:
                events += self._chat_events(chat, said)
        return sorted(events, key=lambda event: event.date)

    def _topic_events(self, topic: Topic, number: int) -> list[_Event]:
        return [
            _Event(topic.date, "channel_post", lambda: self.objects.channel_post(topic, number)),
            _Event(topic.date, "message", lambda: self.objects.forward(topic, number)),
        ]

    def _comment_events(self, topic: Topic, number: int, said: Said) -> list[_Event]:
        def build(at: int) -> Build:
            return lambda: self.objects.comment(topic, number, said, at)

        events = [_Event(said.date, "message", build(said.date))]
        if said.edited < NEVER:
            events.append(_Event(said.edited, "edited_message", build(said.edited)))
        return events

    def _chat_events(self, chat: Chat, said: Said) -> list[_Event]:
        def build(at: int) -> Build:
            return lambda: self.objects.private(chat, said, at)

        prefix = "business_" if chat.two_sided else ""
        events = [_Event(said.date, f"{prefix}message", build(said.date))]
        if said.edited < NEVER:
            events.append(_Event(said.edited, f"edited_{prefix}message", build(said.edited)))
        if said.deleted < NEVER and chat.two_sided:
            removal = "deleted_business_messages"
            events.append(_Event(said.deleted, removal, lambda: self.objects.removal(chat, said)))
        return events

    def said_now(self, where: Topic | Chat, said: Said, *, changed: bool) -> None:
        """A message was written, edited or deleted through the control endpoint."""
        self._advance()
        if isinstance(where, Topic):
            number = self.talks.topics[where.page].index(where) + 1
            events = self._comment_events(where, number, said)
        else:
            events = self._chat_events(where, said)
        for event in events[-1 if changed else 0 :]:
            self._append(event)

    def _chat(self, params: Params) -> dict[str, Any]:
        place, group = self._find(params)
        page = self.world.scenario.pages[place]
        return self.objects.full_group(place) if group else self.objects.full_channel(place, page)

    def _members(self, params: Params) -> int:
        place, group = self._find(params)
        return self.world.scenario.pages[place].members // (10 if group else 1)

    def _find(self, params: Params) -> tuple[int, bool]:
        """Place of the page and whether its discussion group is meant."""
        asked = str(params.get("chat_id", ""))
        for place, page in self.pages.items():
            names = {str(self.objects.channel_id(place)), f"@{page.screen_name}".lower()}
            group = asked == str(self.objects.group_id(place))
            if (group or asked.lower() in names) and page.state != "deleted":
                if page.state == "closed":
                    raise TelegramError(403, "Forbidden: bot is not a member of the channel chat")
                return place, group
        raise TelegramError(400, "Bad Request: chat not found")

    def _set_webhook(self, params: Params) -> bool:
        url = str(params.get("url", ""))
        if url and not url.startswith("https://"):
            raise TelegramError(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        self._webhook, self._secret = url, str(params.get("secret_token", ""))
        return True

    async def deliver(self, request: Request) -> Response:
        """Push what waits, in order; {"url", "secret_token"} in the body name a webhook without TLS. What is
        not answered with 200 waits on. Says what became of it."""
        wish = orjson.loads(await request.body() or b"{}")
        url = str(wish.get("url") or self._webhook)
        headers = {"X-Telegram-Bot-Api-Secret-Token": str(wish.get("secret_token", self._secret))}
        if not url:
            return Response(b'{"error": "Register a webhook first: setWebhook."}', 400)
        sent: set[int] = set()
        waiting = self._waiting({})
        for number, event in waiting:
            body = orjson.dumps({"update_id": number, event.kind: event.build()})
            if await asyncio.to_thread(push, url, body, headers):
                sent.add(number)
        if not wish.get("again"):
            self._queue = [(number, event) for number, event in self._queue if number not in sent]
        told = {"delivered": len(sent), "failed": len(waiting) - len(sent)}
        return Response(orjson.dumps(told), media_type="application/json")

    def _delete_webhook(self, params: Params) -> bool:
        self._webhook = ""
        if str(params.get("drop_pending_updates", "")).lower() in {"true", "1"}:
            self._advance()
            self._queue.clear()
        return True

    def _webhook_info(self, params: Params) -> dict[str, Any]:
        count = len(self._waiting(params))
        return {"url": self._webhook, "has_custom_certificate": False, "pending_update_count": count}


def _integer(params: Params, name: str, default: int) -> int:
    try:
        return int(params.get(name) or default)
    except ValueError:
        raise TelegramError(400, f"Bad Request: {name} must be an integer") from None


def _worded(fault: Fault) -> TelegramError:
    return TelegramError(fault.code, "A fault posted to the sandbox")


def _too_many(hint: int | None) -> dict[str, Any]:
    body: dict[str, Any] = {"ok": False, "error_code": 429, "description": "Too Many Requests"}
    return body if hint is None else {**body, "parameters": {"retry_after": hint}}
