"""Reads Telegram: what is said now. There is no history, and asking for more deletes what was delivered.

So one load takes one batch of updates, lands it and only the next load confirms it: the offset is that of
updates which an earlier load has committed. A load that dies gets the same batch again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from ingestion.clock import to_unix
from ingestion.config import TelegramSource
from ingestion.errors import ContractBroken
from ingestion.network_rows import (
    AuthorKind,
    ImpossibleDateError,
    believable,
    message_row,
    page_row,
    post_row,
    wanted_pages,
)
from ingestion.run import Batch, Run
from ingestion.shape import page_items
from ingestion.tables import Row
from ingestion.telegram.client import Skipped, TelegramClient
from ingestion.telegram.gaps import missing
from ingestion.telegram.rows import (
    CHAT,
    MESSAGE_KINDS,
    REMOVED,
    SAFE_FIELDS,
    TELEGRAM_OPENED,
    UPDATE,
    USER,
    bot_row,
    channel_row,
    check_updates,
    is_service,
    origin_post,
    text_of,
)
from ingestion.telegram.threads import Memory
from ingestion.telegram.webhook import chat_key, journalled

BATCH = 100
_WANTED = (*MESSAGE_KINDS, REMOVED)

Channels = dict[str, dict[str, Any]]  # name in the link → {"id", "group"}


def read(run: Run) -> Iterator[Batch]:
    """Channels once a day, then one batch of updates; `unfinished` while there are more."""
    source = run.region.sources.telegram
    assert source is not None, "pipeline checks that the source is connected"  # noqa: S101
    client = TelegramClient(source, run.region, run.settings)
    yield from _pages(run, client, source)
    reader = _Reader(run, client.bot_id, Memory(run, source.lookback_days))
    if source.webhook is None:
        updates = _new_updates(run, client)
        check_updates(updates, run.tallies["messages"])
        reader.take(updates)
    else:
        reader.take(journalled(run))  # checked at the door
    yield from run.land("posts", reader.settled("posts"))
    yield from run.land("messages", reader.settled("messages"))
    reader.memory.remember(run.state)


def _pages(run: Run, client: TelegramClient, source: TelegramSource) -> Iterator[Batch]:
    """What channels and the bot say of themselves, once a local day or when other pages are wanted."""
    wanted = wanted_pages(run.region, source, "telegram")
    local_day = run.fetched_at.replace(tzinfo=UTC).astimezone(run.region.zone).date().isoformat()
    known: Channels = run.state.get("channels", {})
    if run.state.get("day") == local_day and set(wanted) == set(run.state.get("wanted", [])):
        return
    tally, rows = run.tallies["pages"], []
    me = client.call("getMe", {}, tally)
    USER.check("telegram.pages", [me])
    rows.append(bot_row(me))
    channels: Channels = {}
    for name in wanted:
        address = name if name.lstrip("-").isdigit() else f"@{name}"
        chat = client.call("getChat", {"chat_id": address}, tally)
        if isinstance(chat, Skipped):
            tally.note(f"The channel {name} cannot be read: {chat.reason}.")
            number = str(known.get(name, {}).get("id", name))
            rows.append(page_row(number, kind="page", name=None, link_name=name, deactivated=chat.reason))
            continue
        CHAT.check("telegram.pages", [chat])
        members = client.call("getChatMemberCount", {"chat_id": chat["id"]}, tally)
        if chat.get("linked_chat_id") is None:
            tally.note(f"The channel {name} has no discussion group, so it has no comments.")
        rows.append(channel_row(chat, name, members if type(members) is int else None))
        channels[name] = {"id": chat["id"], "group": chat.get("linked_chat_id")}
    tally.received += len(rows)
    yield from run.land("pages", rows)
    run.state.update(channels=channels, wanted=wanted, day=local_day)


def _new_updates(run: Run, client: TelegramClient) -> list[dict[str, Any]]:
    """Updates beyond the last one that is landed, in order. Moves the cursor in dlt's state."""
    tally = run.tallies["messages"]
    last: int | None = run.state.get("update_id")
    params: dict[str, Any] = {"limit": BATCH, "timeout": 0, "allowed_updates": json.dumps(_WANTED)}
    if last is not None:
        params["offset"] = last + 1
    found: dict[int, dict[str, Any]] = {}
    for attempt in range(2):
        answer = client.call("getUpdates", params, tally)
        updates = page_items("telegram.messages", {"result": answer}, "result")
        tally.unknown_fields |= UPDATE.check("telegram.messages", updates)
        found |= {update["update_id"]: update for update in updates}
        if len(updates) >= BATCH:
            run.unfinished = True
        # Nothing is confirmed yet: what one answer lacks, another one may hold.
        if not missing(run, found) or attempt:
            break
        tally.retries += 1
    new = [found[number] for number in sorted(found) if last is None or number > last]
    if new:
        for first, until in missing(run, found):
            tally.note(
                f"Telegram no longer holds the updates {first} to {until} ({until - first + 1}): "
                "nobody fetched them within a day."
            )
        run.state["update_id"] = new[-1]["update_id"]
        run.state["heard"] = to_unix(run.fetched_at)
    return new


class _Reader:
    """Updates → the newest version of each object, so that a load never holds two of them."""

    def __init__(self, run: Run, bot_id: str, memory: Memory) -> None:
        self._run = run
        self._bot_id = bot_id
        self.memory = memory
        channels: Channels = run.state.get("channels", {})
        self._channels = {one["id"] for one in channels.values()}
        self._groups = {one["group"]: one["id"] for one in channels.values() if one["group"] is not None}
        self._rows: dict[str, dict[tuple[str, ...], Row]] = {"posts": {}, "messages": {}}
        self._foreign = 0
        self._loose = 0

    def take(self, updates: list[dict[str, Any]]) -> None:
        """Sort every update into a row, quarantine, or what concerns no official page."""
        tally = self._run.tallies["messages"]
        for update in updates:
            kind = next((name for name in _WANTED if update.get(name) is not None), None)
            if kind is None:
                continue
            if kind == REMOVED:
                self._removed(update[kind])
                continue
            try:
                self._message(kind, update[kind])
            except ImpossibleDateError:
                resource = "posts" if "channel" in kind else "messages"
                detail = "The date is before Telegram existed or in the future."
                self._set_aside(resource, update, kind, "impossible date", detail)
        if self._foreign:
            tally.note(f"{self._foreign} updates concern chats that are no official page.")
        if self._loose:
            tally.note(f"{self._loose} messages in discussion groups belong to no post.")

    def settled(self, resource: str) -> list[Row]:
        """The rows of a resource; counts them as received."""
        rows = list(self._rows[resource].values())
        self._run.tallies[resource].received += len(rows)
        return rows

    def _message(self, kind: str, message: dict[str, Any]) -> None:
        chat = message["chat"]
        if chat["type"] == "private":
            self._in_chat(message)
        elif chat["id"] in self._channels and "channel" in kind:
            self._post(message)
        elif chat["id"] in self._groups:
            self._comment(message)
        else:
            self._foreign += 1

    def _moment(self, seconds: int) -> Any:
        moment = believable(seconds, TELEGRAM_OPENED, self._run.latest)
        self.memory.saw(seconds)
        return moment

    def _edited(self, message: Mapping[str, Any]) -> Any:
        edited = message.get("edit_date")
        return None if edited is None else self._moment(edited)

    def _post(self, message: Mapping[str, Any]) -> None:
        if is_service(message):
            return
        page, post = str(message["chat"]["id"]), str(message["message_id"])
        row = post_row(page, post, self._moment(message["date"]), text_of(message))
        self._rows["posts"][page, post] = row

    def _comment(self, message: dict[str, Any]) -> None:
        group = message["chat"]["id"]
        if origin_post(message) is not None:
            self.memory.learn_thread(group, message)
            return
        reply, thread = message.get("reply_to_message"), message.get("message_thread_id")
        if is_service(message) or (thread is None and reply is None):
            self._loose += 1
            return
        page, number = str(self._groups[group]), str(message["message_id"])
        post = self.memory.post_of(group, message)
        if post is None:
            detail = "It stands under a post that was published before the bot came, or too long ago."
            self._run.tallies["messages"].received += 1
            reference = f"{page}:{number}"
            self._run.quarantine("messages", reference, "unknown post", detail, message, SAFE_FIELDS)
            return
        answered = None
        if reply is not None and origin_post(reply) is None and reply["message_id"] != thread:
            answered = str(reply["message_id"])
        kind, author_page, author = self._author(message)
        self._rows["messages"][page, post, number] = message_row(
            page,
            post,
            number,
            self._moment(message["date"]),
            place="post",
            author_kind=kind,
            text=text_of(message),
            reply_to=answered,
            author_page_id=author_page,
            author_key=author,
            edited_at=self._edited(message),
        )

    def _author(self, message: Mapping[str, Any]) -> tuple[AuthorKind, str | None, str | None]:
        """Kind, page and key. Administrators write as the group itself, that is in the channel's name."""
        organisation = message.get("sender_chat")
        if organisation is not None:
            number = organisation["id"]
            return "page", str(self._groups.get(number, number)), None
        sender = message.get("from")
        if sender is None:
            return "citizen", None, None
        if sender.get("is_bot"):
            return "service", None, None
        return "citizen", None, self._person(sender["id"])

    def _person(self, identity: int | str) -> str:
        """A person's key, which updates from the journal hold in place of the number."""
        if isinstance(identity, str):
            return identity
        return self._run.pseudonyms.author_key("telegram", identity)

    def _in_chat(self, message: Mapping[str, Any]) -> None:
        """A private chat with the bot, or one of the account that the organisation connected to it."""
        person, connection = message["chat"]["id"], message.get("business_connection_id")
        chat, number = self._chat_key(message["chat"], connection), message["message_id"]
        sender = message.get("from") or {}
        mine = sender.get("id") == person
        kind: AuthorKind = "service" if is_service(message) else "citizen" if mine else "operator"
        created_at = self._moment(message["date"])
        if connection is not None:
            self.memory.learn_words(chat, number, message["date"], kind)
        self._rows["messages"][self._bot_id, chat, str(number)] = message_row(
            self._bot_id,
            chat,
            str(number),
            created_at,
            place="chat",
            author_kind=kind,
            text=text_of(message),
            author_page_id=None,
            author_key=self._person(person) if kind == "citizen" else None,
            edited_at=self._edited(message),
        )

    def _chat_key(self, chat: Mapping[str, Any], connection: str | None) -> str:
        known: str | None = chat.get("key")
        return known or chat_key(self._run.pseudonyms, chat["id"], connection)

    def _removed(self, removal: Mapping[str, Any]) -> None:
        chat = self._chat_key(removal["chat"], removal.get("business_connection_id"))
        for number in removal["message_ids"]:
            known = self.memory.words(chat, number)
            if known is None:
                continue  # older than what is remembered, or never seen
            date, kind = known
            self._rows["messages"][self._bot_id, chat, str(number)] = message_row(
                self._bot_id,
                chat,
                str(number),
                self._moment(date),
                place="chat",
                author_kind=_kind(kind),
                text=None,
                is_deleted=True,
            )

    def _set_aside(
        self, resource: str, update: Mapping[str, Any], kind: str, reason: str, detail: str
    ) -> None:
        self._run.tallies[resource].received += 1
        reference = f"update {update['update_id']}"
        self._run.quarantine(resource, reference, reason, detail, update[kind], SAFE_FIELDS)


def _kind(text: str) -> AuthorKind:
    kinds: tuple[AuthorKind, ...] = ("citizen", "operator", "service")
    for kind in kinds:
        if kind == text:
            return kind
    raise ContractBroken(f"telegram: the state names a kind of author {text!r}", "restore the warehouse")
