"""Asks MAX who the bot is and in which of the wanted channels it sits."""

from __future__ import annotations

from ingestion.accounting import Tally
from ingestion.check import Probe
from ingestion.config import Region, Settings
from ingestion.max.client import MaxClient
from ingestion.network_rows import wanted_pages


def probe(region: Region, settings: Settings) -> Probe:
    """The bot's name and the number of its chats."""
    source = region.sources.max
    assert source is not None, "asked for connected sources only"  # noqa: S101
    client, tally = MaxClient(source, region, settings), Tally()
    me = client.call("me", {}, tally)
    chats = list(client.chats(tally, promised=False))
    there = {str(chat.get("chat_id")) for chat in chats}
    there |= {str(chat.get("link") or "").rstrip("/").rpartition("/")[2].lower() for chat in chats}
    names = wanted_pages(region, source, "max")
    missing = tuple(f"the channel {name}: the bot does not sit in it" for name in names if name not in there)
    return Probe(f"@{me.get('username', 'bot')}, {len(chats)} chats", missing)
