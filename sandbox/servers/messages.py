"""The control endpoints that write, edit and delete single messages in the networks, now."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.conversations import Chat, Said, Topic
from sandbox.servers.max import MaxServer
from sandbox.servers.ok import OkServer
from sandbox.servers.talking import TalkServer
from sandbox.servers.telegram import TelegramServer

_HELP = (
    "Name network (ok, telegram, max), text, and either page with an existing post, or chat; speaker is "
    "citizen, page (under posts) or operator (in chats); reply_to, edit and delete name existing messages."
)


class MessageDesk:
    def __init__(self, ok: OkServer, telegram: TelegramServer, max_server: MaxServer) -> None:
        self._telegram, self._max = telegram, max_server
        self._servers: dict[str, TalkServer] = {"ok": ok, "telegram": telegram, "max": max_server}

    async def message(self, request: Request) -> Response:
        """{"network", "text", "page", "post"?, "reply_to"?, "speaker"?} or {"network", "text", "chat", …}."""
        try:
            wish = orjson.loads(await request.body())
            server = self._servers[wish["network"]]
            where, said = self._wanted(server, wish)
            if isinstance(server, TelegramServer | MaxServer):
                server.said_now(where, said, changed="edit" in wish or "delete" in wish)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, StopIteration, IndexError):
            return Response(orjson.dumps({"error": _HELP}), 400, media_type="application/json")
        told = {"id": said.id, "date": said.date}
        return Response(orjson.dumps(told), media_type="application/json")

    def _wanted(self, server: TalkServer, wish: dict[str, Any]) -> tuple[Topic | Chat, Said]:
        talks, now = server.talks, server.world.now
        text, speaker = str(wish["text"]), wish.get("speaker", "citizen")
        if "chat" in wish:
            citizen = int(wish["chat"])
            if "edit" in wish or "delete" in wish:
                chat = talks.chats[citizen]
                return chat, _changed(chat.said, wish, text, now)
            if speaker not in {"citizen", "operator", "service"}:
                raise ValueError(speaker)
            return talks.chat_message(citizen, speaker, text, now)
        place = next(n for n, page in server.pages.items() if page.id == int(wish["page"]))
        topics = server.visible_topics(place)
        topic = next(t for t in topics if t.id == int(wish["post"])) if "post" in wish else topics[-1]
        if "edit" in wish or "delete" in wish:
            return topic, _changed(topic.said, wish, text, now)
        if speaker not in {"citizen", "page"}:
            raise ValueError(speaker)
        parent = next(s for s in topic.said if s.id == int(wish["reply_to"])) if "reply_to" in wish else None
        return topic, talks.comment(topic, speaker, text, now, parent)

    async def rewind_telegram(self, request: Request) -> Response:
        self._telegram.rewind()
        return Response(b"{}", media_type="application/json")

    async def rewind_max(self, request: Request) -> Response:
        self._max.rewind()
        return Response(b"{}", media_type="application/json")


def _changed(every: list[Said], wish: dict[str, Any], text: str, now: int) -> Said:
    """The message with another text, or deleted, from now on."""
    said = next(one for one in every if one.id == int(wish["edit" if "edit" in wish else "delete"]))
    if "edit" in wish:
        said.text, said.edited = text, now
    else:
        said.deleted = now
    return said
