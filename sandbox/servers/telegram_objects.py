"""Telegram's objects: users, chats, messages of channels, discussion groups and private chats."""

from __future__ import annotations

from typing import Any

from sandbox.conversations import Chat, Said, Topic
from sandbox.noise import mix
from sandbox.scenario import Page
from sandbox.servers.vk_objects import pos_link
from sandbox.world import World

Json = dict[str, Any]
BUSINESS = "sandbox-business-1"
_TELEGRAM = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
_CHANNEL_BOT = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
_GROUP_BOT = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
OPERATOR = 7_900_000_001  # the account that the organisation connected to the bot


class TelegramObjects:
    def __init__(self, world: World) -> None:
        self.world = world

    def channel_id(self, place: int) -> int:
        return -1_001_000_000_000 - self.world.scenario.pages[place].id

    def group_id(self, place: int) -> int:
        """The discussion group that is linked to the channel."""
        return -1_002_000_000_000 - self.world.scenario.pages[place].id

    def channel(self, place: int) -> Json:
        page = self.world.scenario.pages[place]
        return {
            "id": self.channel_id(place),
            "type": "channel",
            "title": page.name,
            "username": page.screen_name,
        }

    def group(self, place: int) -> Json:
        name = f"{self.world.scenario.pages[place].name}: обсуждение"
        return {"id": self.group_id(place), "type": "supergroup", "title": name}

    def full_channel(self, place: int, page: Page) -> Json:
        about = f"Официальный канал. {page.name}. {pos_link(self.world, page)}".strip()
        full = {**self._full(self.channel(place)), "linked_chat_id": self.group_id(place)}
        if page.description:
            full["description"] = about
        if page.avatar:
            names = ("small_file_id", "small_file_unique_id", "big_file_id", "big_file_unique_id")
            full["photo"] = {name: f"sandbox-{page.id}-{name}" for name in names}
        return full

    def full_group(self, place: int) -> Json:
        return {**self._full(self.group(place)), "linked_chat_id": self.channel_id(place)}

    def _full(self, chat: Json) -> Json:
        gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")
        accepted = {**dict.fromkeys(gifts, False), "gifts_from_channels": False}
        return {**chat, "accent_color_id": 1, "max_reaction_count": 11, "accepted_gift_types": accepted}

    def bot(self) -> Json:
        abilities = {
            "can_join_groups": True,
            "can_read_all_group_messages": True,
            "supports_guest_queries": False,
            "supports_inline_queries": False,
            "can_connect_to_business": True,
            "has_main_web_app": False,
            "has_topics_enabled": False,
            "allows_users_to_create_topics": False,
            "can_manage_bots": False,
            "supports_join_request_queries": False,
        }
        code = self.world.scenario.region.region_id.replace("-", "_")
        name = {"first_name": "Обратная связь", "username": f"{code}_cur_bot"}
        return {"id": self.world.bot_id, "is_bot": True, **name, **abilities}

    def user(self, author: int) -> Json:
        names = self.world.scenario.vocabulary.first_names
        user = {"id": 5_100_000_000 + author, "is_bot": False, "first_name": names[mix(author) % len(names)]}
        return user | ({"username": f"sosed_{author}"} if author % 3 == 0 else {}) | {"language_code": "ru"}

    def channel_post(self, topic: Topic, number: int) -> Json:
        channel = self.channel(topic.page)
        return {
            "message_id": number,
            "sender_chat": channel,
            "chat": channel,
            "date": topic.date,
            "text": self.world.topic_text(topic),
        }

    def forward(self, topic: Topic, number: int) -> Json:
        """The post as it appears in the discussion group: comments hang on it."""
        channel = self.channel(topic.page)
        origin = {"type": "channel", "chat": channel, "message_id": number, "date": topic.date}
        return {
            "message_id": topic.id,
            "from": _TELEGRAM,
            "sender_chat": channel,
            "chat": self.group(topic.page),
            "date": topic.date,
            "forward_origin": origin,
            "is_automatic_forward": True,
            "text": self.world.topic_text(topic),
        }

    def comment(self, topic: Topic, number: int, said: Said, at: int, reply: bool = True) -> Json:
        message: Json = {
            "message_id": said.id,
            "message_thread_id": topic.id,
            **self._speaker(topic, said),
            "chat": self.group(topic.page),
            "date": said.date,
        }
        if reply:
            parent = said.parent
            message["reply_to_message"] = (
                self.forward(topic, number)
                if parent is None
                else self.comment(topic, number, parent, at, reply=False)
            )
        return self._with_text(message, said, at)

    def _speaker(self, topic: Topic, said: Said) -> Json:
        """A page writes as its channel, or its administrators anonymously as the group itself."""
        if said.page < 0:
            return {"from": self.user(said.author)}
        if said.page == topic.page and mix(said.number + said.date) & 1:
            return {"from": _GROUP_BOT, "sender_chat": self.group(topic.page)}
        return {"from": _CHANNEL_BOT, "sender_chat": self.channel(said.page)}

    def private(self, chat: Chat, said: Said, at: int) -> Json:
        """A message in a private chat; where the organisation connected its account, both sides."""
        citizen = self.user(chat.citizen)
        parties = {name: citizen[name] for name in ("id", "first_name", "username") if name in citizen}
        message: Json = {
            "message_id": said.id,
            "from": citizen,
            "chat": {**parties, "type": "private"},
            "date": said.date,
        }
        if chat.two_sided:
            message["business_connection_id"] = BUSINESS
        if said.speaker == "operator":
            message["from"] = {"id": OPERATOR, "is_bot": False, "first_name": "Приёмная"}
        if said.role == "start":
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": 6}]
        return self._with_text(message, said, at)

    def removal(self, chat: Chat, said: Said) -> Json:
        parties = self.private(chat, said, said.date)["chat"]
        return {"business_connection_id": BUSINESS, "chat": parties, "message_ids": [said.id]}

    def _with_text(self, message: Json, said: Said, at: int) -> Json:
        if said.edited <= at:
            message["edit_date"] = said.edited
        return {**message, "text": self.world.said_text(said, at)}
