"""MAX's objects: chats, users and messages, moments in milliseconds of UTC.

A page is a channel; its comments are written in a discussion chat, where each post of the channel appears as
a forwarded message. The bot sits in both. (MAX's reference does not say how channels are commented; this is
our reading of what it does say.)
"""

from __future__ import annotations

from typing import Any

from sandbox.conversations import NEVER, Chat, Said, Topic
from sandbox.noise import mix
from sandbox.servers.vk_objects import pos_link
from sandbox.world import World

Json = dict[str, Any]


class MaxObjects:
    def __init__(self, world: World) -> None:
        self.world = world

    def channel_id(self, place: int) -> int:
        return -70_000_000_000_000 - self.world.scenario.pages[place].id

    def discussion_id(self, place: int) -> int:
        return -71_000_000_000_000 - self.world.scenario.pages[place].id

    def dialog_id(self, citizen: int) -> int:
        return 80_000_000_000 + citizen

    def user(self, author: int) -> Json:
        names = self.world.scenario.vocabulary.first_names
        return self._person(90_000_000 + author, names[mix(author) % len(names)], None, bot=False)

    def bot(self) -> Json:
        name = f"{self.world.scenario.region.region_id.replace('-', '_')}_cur_bot"
        return self._person(self.world.bot_id, "Обратная связь", name, bot=True)

    def _person(self, number: int, name: str, username: str | None, *, bot: bool) -> Json:
        return {
            "user_id": number,
            "first_name": name,
            "name": name,  # the published schema lacks it, live answers carry it
            "last_name": None,
            "username": username,
            "is_bot": bot,
            "last_activity_time": self.world.now * 1000,
        }

    def post(self, topic: Topic, *, stat: bool = False) -> Json:
        """A channel's post: nobody is its sender."""
        chat = self.channel_id(topic.page)
        text = self.world.topic_text(topic)
        message = self._message(chat, "channel", topic.date, self._body(chat, topic.id, text))
        page = self.world.scenario.pages[topic.page]
        message["url"] = f"https://max.ru/{page.screen_name}/{topic.id}"
        return message | ({"stat": {"views": 30 + mix(topic.number) % 800}} if stat else {})

    def forward(self, topic: Topic) -> Json:
        """The post as it appears in the discussion."""
        chat = self.discussion_id(topic.page)
        body = self._body(chat, topic.id, None)
        message = self._message(chat, "chat", topic.date, body)
        message["link"] = {
            "type": "forward",
            "chat_id": self.channel_id(topic.page),
            "message": self.post(topic)["body"],
        }
        return message

    def comment(self, topic: Topic, said: Said, at: int) -> Json:
        """A citizen's comment, or the page's, which has no sender."""
        chat = self.discussion_id(topic.page)
        body = self._body(chat, said.id, self.world.said_text(said, at))
        message = self._message(chat, "chat", said.date, body)
        if said.page < 0:
            message["sender"] = self.user(said.author)
        parent = said.parent
        answered = (
            self._body(chat, topic.id, None)
            if parent is None
            else self._body(chat, parent.id, self.world.said_text(parent, at))
        )
        message["link"] = {"type": "reply", "message": answered}
        return message

    def private(self, chat: Chat, said: Said, at: int) -> Json:
        """A message in a dialog with the bot; operators answer in the bot's name."""
        number = self.dialog_id(chat.citizen)
        body = self._body(number, said.id, self.world.said_text(said, at))
        message = self._message(number, "dialog", said.date, body)
        by_citizen = said.speaker == "citizen"
        message["sender"] = self.user(chat.citizen) if by_citizen else self.bot()
        other = self.bot() if by_citizen else self.user(chat.citizen)
        message["recipient"]["user_id"] = other["user_id"]
        return message

    def mid(self, chat: int, number: int) -> str:
        return f"mid.{chat & 0xFFFFFFFFFFFFFFFF:016x}{number:016x}"

    def moment(self, date: int, number: int) -> int:
        """No two messages of a chat share a millisecond."""
        return date * 1000 + number % 1000

    def _body(self, chat: int, number: int, text: str | None) -> Json:
        # `link` is required by the published schema, though it is no property of it.
        return {"mid": self.mid(chat, number), "seq": number, "text": text, "attachments": [], "link": None}

    def _message(self, chat: int, kind: str, date: int, body: Json) -> Json:
        recipient = {"chat_id": chat, "chat_type": kind, "user_id": None}
        return {"recipient": recipient, "timestamp": self.moment(date, body["seq"]), "body": body}

    def channel(self, place: int, topics: list[Topic]) -> Json:
        page = self.world.scenario.pages[place]
        about = f"Официальный канал. {page.name}. {pos_link(self.world, page)}".strip()
        last = max((topic.date for topic in topics), default=0)
        chat = self._chat(self.channel_id(place), "channel", page.name, last, page.members)
        icon = {"url": "https://max.ru/res/icon.png"} if page.avatar else None
        return {
            **chat,
            "icon": icon,
            "is_public": True,
            "link": f"https://max.ru/{page.screen_name}",
            "description": about if page.description else None,
            "messages_count": len(topics),
        }

    def discussion(self, place: int, topics: list[Topic]) -> Json:
        page, now = self.world.scenario.pages[place], self.world.now
        said = [one for topic in topics for one in topic.said if one.date <= now]
        last = max([topic.date for topic in topics] + [self._touched(one) for one in said], default=0)
        chat = self._chat(
            self.discussion_id(place), "chat", f"{page.name}: обсуждение", last, page.members // 10
        )
        alive = sum(one.deleted > now for one in said)
        return {**chat, "messages_count": len(topics) + alive}

    def dialog(self, chat: Chat) -> Json:
        said = [one for one in chat.said if one.date <= self.world.now]
        last = max((self._touched(one) for one in said), default=0)
        base = self._chat(self.dialog_id(chat.citizen), "dialog", None, last, 2)
        return {**base, "dialog_with_user": self.user(chat.citizen)}

    def _chat(self, number: int, kind: str, title: str | None, last: int, people: int) -> Json:
        return {
            "chat_id": number,
            "type": kind,
            "status": "active",
            "title": title,
            "icon": None,
            "last_event_time": last * 1000 + 999,
            "participants_count": people,
            "is_public": False,
            "link": None,
            "description": None,
        }

    def _touched(self, said: Said) -> int:
        moments = (said.date, said.edited, said.deleted)
        return max(moment for moment in moments if moment <= self.world.now and moment < NEVER)
