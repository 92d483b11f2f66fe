"""Asks Telegram who the bot is, what waits for it, and whether it sits in the first channel's discussion."""

from __future__ import annotations

from typing import Any

from ingestion.accounting import Tally
from ingestion.check import Probe
from ingestion.config import Region, Settings
from ingestion.network_rows import wanted_pages
from ingestion.telegram.client import Skipped, TelegramClient


def probe(region: Region, settings: Settings) -> Probe:
    """The bot's name and its waiting updates; channels are asked for one by one."""
    source = region.sources.telegram
    assert source is not None, "asked for connected sources only"  # noqa: S101
    client, tally = TelegramClient(source, region, settings), Tally()
    me: dict[str, Any] = client.call("getMe", {}, tally)
    hook: dict[str, Any] = client.call("getWebhookInfo", {}, tally)
    missing = []
    if source.webhook is not None and not hook.get("url"):
        missing.append("updates: no webhook is set, call setWebhook with the inbox's address and the secret")
    if source.webhook is None and hook.get("url"):
        missing.append("updates: a webhook is set, call deleteWebhook or read it through the inbox")
    if not me.get("can_read_all_group_messages"):
        missing.append("comments: @BotFather's privacy mode is on, or make the bot an administrator")
    names = wanted_pages(region, source, "telegram")
    for name in names[:20]:
        address = name if name.lstrip("-").isdigit() else f"@{name}"
        chat = client.call("getChat", {"chat_id": address}, tally)
        if isinstance(chat, Skipped):
            missing.append(f"the channel {name}: {chat.reason}")
    waiting = hook.get("pending_update_count", 0)
    return Probe(
        f"@{me.get('username', 'bot')}, {len(names)} channels, {waiting} updates wait", tuple(missing)
    )
