"""Clients that other people wrote talk to the sandbox over real sockets and are content."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import aiohttp
import aiomax
import ok_api
import pytest
import requests
import yaml
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramConflictError, TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import Update

from sandbox.kit import Sandbox, launch
from tests.networks import document


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("clients")
    told = document()
    told["telegram"]["updates_live_hours"] = 24 * 400
    scenario = folder / "mine.yaml"
    scenario.write_text(yaml.safe_dump(told, allow_unicode=True), "utf-8")
    with launch(scenario, folder / "data") as running:
        yield running


def test_aiogram_reads_channels_comments_and_chats(sandbox: Sandbox) -> None:
    async def talk() -> list[Update]:
        server = TelegramAPIServer.from_base(f"{sandbox.url}/telegram")
        token = sandbox.env["OTKLIK_MINE_TELEGRAM_TOKEN"]
        async with Bot(token, session=AiohttpSession(api=server)) as bot:
            me = await bot.get_me()
            assert (me.id, me.can_connect_to_business) == (bot.id, True)
            channel = await bot.get_chat("@telegram_moygorod")
            assert channel.linked_chat_id is not None
            group = await bot.get_chat(channel.linked_chat_id)
            assert (group.type, group.linked_chat_id) == ("supergroup", channel.id)
            assert await bot.get_chat_member_count(channel.id) == 4000
            with pytest.raises(TelegramForbiddenError):
                await bot.get_chat("@telegram_sever")
            assert await bot.set_webhook("https://example.org/hook")
            with pytest.raises(TelegramConflictError):
                await bot.get_updates()
            assert (await bot.get_webhook_info()).url == "https://example.org/hook"
            assert await bot.delete_webhook()
            sandbox.faults([{"kind": "http_429", "path_contains": "/telegram/", "retry_after": 3}])
            with pytest.raises(TelegramRetryAfter) as limited:
                await bot.get_updates()
            assert limited.value.retry_after == 3
            updates: list[Update] = []
            while page := await bot.get_updates(
                offset=updates[-1].update_id + 1 if updates else None, timeout=0
            ):
                updates += page
            assert await bot.get_updates(timeout=1) == []
            return updates

    updates = asyncio.run(talk())
    kinds = Counter(update.event_type for update in updates)
    assert set(kinds) == {
        "message",
        "edited_message",
        "channel_post",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
    }
    messages = [update.message for update in updates if update.message]
    comments = [one for one in messages if one.message_thread_id and not one.is_automatic_forward]
    assert all(one.reply_to_message and one.chat.type == "supergroup" for one in comments)
    assert {one.sender_chat.type for one in comments if one.sender_chat} == {"channel", "supergroup"}


def test_aiomax_reads_chats_and_messages(sandbox: Sandbox) -> None:
    async def talk() -> tuple[list[Any], list[Any]]:
        token = sandbox.env["OTKLIK_MINE_MAX_TOKEN"]
        bot = aiomax.Bot(token, api_url=f"{sandbox.url}/max/")
        headers = {"Authorization": token}
        async with aiohttp.ClientSession(headers=headers, base_url=bot.api_url) as session:
            bot.session = session
            me = await bot.get_me()
            assert me.is_bot
            channel = await bot.chat_by_link("max_moygorod")
            assert (channel.type, channel.participants_count) == ("channel", 4000)
            chats = [chat async for chat in bot.get_chats(20)]
            updates: list[Any] = []
            while page := (await bot.get_updates(1000))["updates"]:
                updates += page
                if len(page) < 1000:
                    break
            assert (await bot.get_chat(channel.chat_id)).title == channel.title
            return chats, updates

    chats, updates = asyncio.run(talk())
    assert Counter(chat.type for chat in chats)["channel"] == 2
    created = [update["message"] for update in updates if update["update_type"] == "message_created"]
    said = [aiomax.Message.from_json(message) for message in created if "sender" in message]
    assert {message.recipient.chat_type for message in said} == {"chat", "dialog"}
    replies = [message for message in said if message.link and message.link.type == "reply"]
    assert replies
    assert all(message.body.text for message in said)


def test_ok_api_signs_and_reads(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client as it is published; only the address it calls is ours."""

    class Elsewhere(requests.Session):
        def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
            address = str(url).replace("https://api.ok.ru", f"{sandbox.url}/ok")
            return super().request(method, address, *args, **kwargs)

    monkeypatch.setattr(ok_api.OkApi, "http", property(lambda _: Elsewhere()))
    region = yaml.safe_load((sandbox.folder / "regions" / "mine.yaml").read_text("utf-8"))
    token, key = sandbox.env["OTKLIK_MINE_OK_TOKEN"], region["sources"]["ok"]["application_key"]
    api = ok_api.OkApi(token, key, sandbox.env["OTKLIK_MINE_OK_SECRET"])
    group = api.url.getInfo(url="https://ok.ru/ok_moygorod").json()["objectIdStr"]
    told = api.group.getInfo(uids=group, fields="name,members_count,shortname").json()
    assert [one["shortname"] for one in told] == ["ok_moygorod"]
    found = api.discussions.getList(category="GROUP", gid=group, count=50).json()["discussions"]
    talked = next(one for one in found if one["total_comments_count"])
    comments = api.discussions.getComments(
        discussionId=talked["object_id"], discussionType="GROUP_TOPIC", count=100
    ).json()["comments"]
    assert len(comments) == talked["total_comments_count"]
    refused = ok_api.OkApi(token, key, "another").url.getInfo(url="https://ok.ru/ok_moygorod").json()
    assert refused["error_code"] == 104
