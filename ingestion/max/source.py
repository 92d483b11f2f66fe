"""Reads MAX: updates by marker, and the history of chats in which something happened.

The bot does not hear itself, so what operators answer in its name is found in the history alone; the history
in turn does not tell what was removed. Live, one load takes one batch of updates and the next one commits
it: the marker is the one that an earlier load has landed. A window reads histories only.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from ingestion.clock import to_unix
from ingestion.config import MaxSource
from ingestion.errors import ContractBroken
from ingestion.max.client import MaxClient, Skipped
from ingestion.max.memory import Memory
from ingestion.max.messages import MessageSorter
from ingestion.max.rows import CHAT, SENDER, UPDATE, bot_row, channel_row, check_messages, said
from ingestion.max.updates import Updates, told
from ingestion.max.webhook import journalled
from ingestion.network_rows import page_row, wanted_pages
from ingestion.run import Batch, Run
from ingestion.shape import page_items

BATCH = 1000
_TYPES = "message_created,message_edited,message_removed,message_callback,bot_started"


def read(run: Run) -> Iterator[Batch]:
    """Channels once a day, updates, and the history of chats that have news."""
    source = run.region.sources.max
    assert source is not None, "pipeline checks that the source is connected"  # noqa: S101
    reader = _Reader(run, source)
    yield from reader.pages()
    updates = Updates()
    if run.live:
        updates = reader.updates() if source.webhook is None else reader.pushed()
    reader.hint(updates)
    if not run.unfinished:
        # What the updates still to come would tell is told best by them, in its order.
        yield from reader.histories(updates)
    yield from reader.rest(updates)
    reader.remember()


class _Reader:
    def __init__(self, run: Run, source: MaxSource) -> None:
        self._run = run
        self._source = source
        self._client = MaxClient(source, run.region, run.settings)
        self._memory = Memory(run, source.lookback_days)
        self._first_run = run.live and "day" not in run.state
        day = run.fetched_at.replace(tzinfo=UTC).astimezone(run.region.zone).date().isoformat()
        self._day = day
        self._first_today = run.live and run.state.get("day") != day
        self._sorter: MessageSorter | None = None
        self._complete = True

    @property
    def _sort(self) -> MessageSorter:
        if self._sorter is None:
            channels = {int(number) for number in self._run.state.get("channels", {}).values()}
            bot = int(self._run.state["bot"])
            self._sorter = MessageSorter(self._run, self._client, self._memory, channels, bot)
        return self._sorter

    def pages(self) -> Iterator[Batch]:
        """What channels and the bot say of themselves, once a local day or when other pages are wanted."""
        run, tally, rows = self._run, self._run.tallies["pages"], []
        wanted = wanted_pages(run.region, self._source, "max")
        if run.state.get("asked") == self._day and wanted == run.state.get("wanted"):
            return
        me = self._client.call("me", {}, tally)
        SENDER.check("max.pages", [me])
        rows.append(bot_row(me))
        known: dict[str, int] = run.state.get("channels", {})
        channels: dict[str, int] = {}
        for name in wanted:
            chat = self._client.call(f"chats/{name}", {}, tally)
            if isinstance(chat, Skipped):
                tally.note(f"The channel {name} cannot be read: {chat.reason}.")
                number = str(known.get(name, name))
                rows.append(page_row(number, kind="page", name=None, link_name=name, deactivated=chat.reason))
                continue
            tally.unknown_fields |= CHAT.check("max.pages", [chat])
            rows.append(channel_row(chat, name))
            channels[name] = chat["chat_id"]
        if run.live:
            tally.received += len(rows)
            yield from run.land("pages", rows)
        run.state.update(channels=channels, bot=str(me["user_id"]), wanted=wanted, asked=self._day)

    def updates(self) -> Updates:
        """One batch from the marker that is landed; the marker moves in dlt's state."""
        run, found = self._run, Updates()
        tally = run.tallies["messages"]
        params: dict[str, Any] = {"limit": BATCH, "timeout": 0, "types": _TYPES}
        if "marker" in run.state:
            params["marker"] = run.state["marker"]
        answer = self._client.call("updates", params, tally)
        updates = page_items("max.messages", answer, "updates")
        tally.unknown_fields |= UPDATE.check("max.messages", updates)
        messages = [update["message"] for update in updates if update.get("message") is not None]
        check_messages(messages, tally)
        for update in sorted(updates, key=lambda one: int(one["timestamp"])):
            found.take(told(update, run.pseudonyms))
        marker = answer.get("marker")
        if type(marker) is not int:
            raise ContractBroken(
                "max.messages: the marker of the updates came as no number",
                "ask MAX's support what changed; the cursor has not moved and nothing was kept",
            )
        run.state["marker"] = max(marker, run.state.get("marker", marker))
        run.unfinished = len(updates) >= BATCH
        return found

    def pushed(self) -> Updates:
        """What the inbox has received since the last load; the position moves in dlt's state."""
        found = Updates()
        for update in journalled(self._run):
            found.take(update)
        return found

    def hint(self, updates: Updates) -> None:
        """Histories may no longer show what others answer."""
        self._sort.hint({mid: entry[0] for mid, entry in updates.messages.items()})

    def histories(self, updates: Updates) -> Iterator[Batch]:
        """Messages of chats in which something happened since they were read."""
        tally = self._run.tallies["messages"]
        sort = self._sort
        official = bool(self._run.state.get("channels"))
        chats = list(self._client.chats(tally, promised=official))
        CHAT.check("max.chats", chats)
        if official and not chats:
            tally.note("MAX lists no chats though the bot sits in channels; histories are read next time.")
            self._complete = False
        # Discussions need their channels' posts to be known first.
        order = {"channel": 0, "chat": 1, "dialog": 2}
        for chat in sorted(chats, key=lambda one: (order.get(one["type"], 3), one["chat_id"])):
            if not sort.concerns(chat["chat_id"], chat["type"]):
                continue
            reference = sort.reference(chat["chat_id"], chat["type"])
            since = self._since(reference, chat)
            if since is None:
                continue
            history = self._client.history(chat["chat_id"], since, tally)
            if isinstance(history, Skipped):
                tally.note(f"A chat of the kind {chat['type']} cannot be read: {history.reason}.")
                continue
            check_messages(history, tally)
            messages = [said(message) for message in history]
            sort.begin(messages)
            for message in messages:
                if (key := sort.key(message)) not in updates.gone:
                    sort.take(message, updates.edited.get(key), whole_day=self._first_today)
            if self._first_today and not self._first_run and chat["type"] != "dialog":
                sort.missing(reference, since, {message.mid for message in messages})
            yield from sort.land()
            self._memory.has_read(reference, chat["last_event_time"])

    def _since(self, reference: str, chat: dict[str, Any]) -> int | None:
        """Milliseconds from which a chat's history is read; None where nothing happened in it."""
        run = self._run
        if run.window is not None:
            start = run.window.since - timedelta(days=self._source.lookback_days)
            return (
                to_unix(start) * 1000 if chat["last_event_time"] >= to_unix(run.window.since) * 1000 else None
            )
        read = self._memory.read_until(reference)
        if self._first_run:
            return self._history()
        if self._first_today and chat["type"] != "dialog":
            return min(self._memory.oldest, read or self._memory.oldest)
        if read is None:
            return self._memory.oldest if chat["last_event_time"] >= self._memory.oldest else None
        return read if chat["last_event_time"] > read else None

    def _history(self) -> int:
        opened = self._run.region.opened_on
        if opened is None:
            return 0
        local = datetime.combine(opened, time(), self._run.region.zone)
        return to_unix(local.astimezone(UTC).replace(tzinfo=None)) * 1000

    def rest(self, updates: Updates) -> Iterator[Batch]:
        """What updates tell beyond the histories: removals, buttons, and chats that are in no list."""
        sort = self._sort
        for key, (message, stamp, edited) in updates.messages.items():
            if key not in updates.gone:
                sort.take_update(message, stamp, edited=edited)
        for places in updates.removed:
            known = (updates.messages.get(key) for _, key in places)
            sort.remove(places, next((one for one in known if one is not None), None))
        for number, chat, stamp in updates.service:
            sort.service(number, chat, stamp)
        yield from sort.land()
        sort.say_what_was_left_out()

    def remember(self) -> None:
        """Put the memory into dlt's state; it is committed together with the rows."""
        if self._run.live:
            self._memory.remember(self._run.state)
            if not self._run.unfinished and self._complete:
                self._run.state["day"] = self._day
