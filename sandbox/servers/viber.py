"""Viber: a bot whose events are pushed, signed, to the webhook that it named.

/viber/pa/set_webhook, /viber/pa/get_account_info (header X-Viber-Auth-Token); /_control/viber/deliver
pushes what has happened up to now and was not answered with 200 yet.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.conversations import Said
from sandbox.faults import Fault, Faults
from sandbox.noise import mix
from sandbox.servers.hooks import push
from sandbox.world import World

BOT = "pa:4870000000000000001"


class ViberServer:
    def __init__(self, world: World, faults: Faults, log: Counter[str]) -> None:
        self.world, self.faults, self.log = world, faults, log
        self._hook = ""
        self._delivered: set[int] = set()

    async def endpoint(self, request: Request) -> Response:
        """Both methods, told apart by the path."""
        method = request.path_params["method"]
        self.log[f"viber {method}"] += 1
        if request.headers.get("x-viber-auth-token") != self.world.token("viber"):
            return _answer({"status": 2, "status_message": "invalidAuthToken"})
        if method == "set_webhook":
            wish = orjson.loads(await request.body() or b"{}")
            self._hook = str(wish.get("url") or "")
            return _answer(
                {"status": 0, "status_message": "ok", "event_types": ["delivered", "seen", "failed"]}
            )
        if method == "get_account_info":
            people = len(
                {chat for chat, chat_talk in self.world.talks("viber").chats.items() if chat_talk.said}
            )
            name = self.world.scenario.region.name
            return _answer({"status": 0, "id": BOT, "name": name, "subscribers_count": people})
        return _answer({"status": 3, "status_message": "badData"})

    async def deliver(self, request: Request) -> Response:
        """Push what is due; {"url"} in the body registers a webhook on the way, `again` pushes everything
        once more. Says what became of it."""
        wish = orjson.loads(await request.body() or b"{}")
        if wish.get("again"):
            self._delivered.clear()
        self._hook = str(wish.get("url") or self._hook)
        if not self._hook:
            return _answer({"error": "Register a webhook first: POST /viber/pa/set_webhook."}, 400)
        due = [event for event in self.events() if event["message_token"] not in self._delivered]
        sent = failed = 0
        for event in due:
            path, method = request.url.path, event["event"]
            fault = self.faults.take_http(path, {method})
            told = self.faults.told(path, method, event)
            if await asyncio.to_thread(self._push, told, fault):
                self._delivered.add(event["message_token"])
                sent += 1
            else:
                failed += 1
        return _answer({"delivered": sent, "failed": failed})

    def events(self) -> list[dict[str, Any]]:
        """Everything up to now, in order of time."""
        found = [
            (said.date, self._event(citizen, said))
            for citizen, chat in self.world.talks("viber").chats.items()
            for said in chat.said
            if said.date <= self.world.now
        ]
        return [event for _, event in sorted(found, key=lambda one: (one[0], one[1]["message_token"]))]

    def _event(self, citizen: int, said: Said) -> dict[str, Any]:
        """A citizen's words are a message; what the bot's side says is seen as delivered, without text."""
        person = {"id": f"{mix(citizen + 17):016x}A==", "name": f"Житель {citizen}"}
        common = {
            "timestamp": said.date * 1000,
            "chat_hostname": "SN-CHAT-01",
            # Beyond 53 bits, as Viber's are.
            "message_token": (1 << 62) + (mix(citizen * 1_000_003 + said.id) >> 8),
        }
        if said.speaker == "citizen":
            text = self.world.said_text(said)
            return {"event": "message", **common, "sender": person, "message": {"type": "text", "text": text}}
        if said.speaker == "service":
            return {"event": "conversation_started", **common, "user": person, "type": "open"}
        return {"event": "delivered", **common, "user_id": person["id"]}

    def _push(self, event: dict[str, Any], fault: Fault | None) -> bool:
        body = orjson.dumps(event)
        signature = hmac.new(self.world.token("viber").encode(), body, hashlib.sha256).hexdigest()
        return push(self._hook, body, {"X-Viber-Content-Signature": signature}, fault)


def _answer(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
