"""Sorts MAX's messages: posts of channels, comments under them, dialogs with the bot; what is news lands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ingestion.max.client import MaxClient
from ingestion.max.memory import Known, Memory
from ingestion.max.rows import (
    SAFE_FIELDS,
    Said,
    author_key,
    check_messages,
    dialog_key,
    message_key,
    moment,
    said,
)
from ingestion.network_rows import AuthorKind, ImpossibleDateError, message_row, post_row
from ingestion.run import Batch, Run
from ingestion.tables import Row

_DEPTH = 30  # levels of replies that are followed up to their post
_NO_ROW = frozenset({"forward", "gone"})  # kinds that stand for a place only
_KINDS: dict[str, AuthorKind] = {
    "citizen": "citizen",
    "page": "page",
    "operator": "operator",
    "service": "service",
}


class MessageSorter:
    """Holds at most one version of each object per load. `channels` are the official ones."""

    def __init__(self, run: Run, client: MaxClient, memory: Memory, channels: set[int], bot: int) -> None:
        self._run = run
        self._client = client
        self._memory = memory
        self._channels = channels
        self._bot = bot
        self._rows: dict[str, list[Row]] = {"posts": [], "messages": []}
        self._handled: set[str] = set()
        self._nearby: dict[str, Said] = {}
        self._hints: dict[str, Said] = {}
        self._loose = self._unknown_removals = 0

    def concerns(self, chat: int | str, chat_type: str) -> bool:
        """Official channels, dialogs with the bot, and group chats, any of which may be a discussion."""
        return chat in self._channels if chat_type == "channel" else True

    def reference(self, chat: int | str, chat_type: str) -> str:
        """A channel's or group's number; for a dialog, which is a person's, a keyed hash."""
        if chat_type == "dialog" and isinstance(chat, int):
            return dialog_key(self._run.pseudonyms, chat)
        return str(chat)

    def key(self, message: Said) -> str:
        """The message's number. In a dialog it is hashed, because it holds the dialog's number."""
        if message.chat_type == "dialog" and not message.keyed:
            return message_key(self._run.pseudonyms, message.mid)
        return message.mid

    def hint(self, messages: Mapping[str, Said]) -> None:
        """Messages that histories may no longer show, though others answer them."""
        self._hints = dict(messages)

    def begin(self, messages: list[Said]) -> None:
        """The messages of one chat's history, in order of time: forwarded posts are learnt first."""
        self._nearby = {message.mid: message for message in messages}
        for message in messages:
            self._learn_forward(message)

    def take(self, message: Said, edited: int | None = None, *, whole_day: bool = False) -> None:
        """A message of a history, which says how it reads now; `edited` is when that happened, in ms."""
        self._handled.add(self.key(message))
        self._settle(message, edited, views_too=whole_day, again=edited is not None)

    def take_update(self, message: Said, stamp: int, *, edited: bool) -> None:
        """A message of an update. What a history has told in this load is newer and stands."""
        self._learn_forward(message)
        if self.key(message) in self._handled or not self.concerns(message.chat, message.chat_type):
            return
        self._handled.add(self.key(message))
        reference = self.reference(message.chat, message.chat_type)
        known = self._memory.known(reference, self.key(message))
        # The history may have told the words already, but not when they were changed.
        late_edit = edited and known is not None and known.digest == message.digest
        if known is None and message.chat_type == "channel" and message.stamp < self._memory.oldest:
            # Older than what is remembered: a history may have told it with its views, which no update has.
            message = self._ask(message.mid) or message
        self._settle(message, stamp if edited else None, views_too=False, again=late_edit)

    def remove(self, places: Sequence[tuple[str, str]], told: tuple[Said, int, bool] | None) -> None:
        """A message is gone from one of the `places` (chat, number): its row says so, without author and
        text."""
        if told is not None:
            self._settle(told[0], None, views_too=False, land=False)
        for reference, key in places:
            known = self._memory.known(reference, key)
            if known is not None:
                self._land_removed(reference, key, known)
                return
        self._unknown_removals += 1

    def missing(self, reference: str, since: int, there: set[str]) -> None:
        """Messages that were read once and stand no longer in the history: removed, though no update said
        so."""
        for mid, known in self._memory.since(reference, since):
            if mid not in there and mid not in self._handled and known.kind not in _NO_ROW:
                self._land_removed(reference, mid, known)

    def service(self, number: str, chat: int | str, stamp: int) -> None:
        """The bot was started, or a button pressed: nobody's words."""
        try:
            created_at = moment(stamp, self._run.latest)
        except ImpossibleDateError:
            return
        page, person = str(self._bot), self.reference(chat, "dialog")
        row = message_row(page, person, number, created_at, place="chat", author_kind="service", text=None)
        self._rows["messages"].append(row)

    def land(self) -> Iterator[Batch]:
        """What has been sorted so far."""
        for resource, rows in self._rows.items():
            self._run.tallies[resource].received += len(rows)
            yield from self._run.land(resource, rows)
        self._rows = {"posts": [], "messages": []}

    def say_what_was_left_out(self) -> None:
        """Into the load's note."""
        tally = self._run.tallies["messages"]
        if self._loose:
            tally.note(f"{self._loose} messages in group chats belong to no post of an official channel.")
        if self._unknown_removals:
            tally.note(f"{self._unknown_removals} removed messages were never read, or too long ago.")

    def _learn_forward(self, message: Said) -> None:
        if message.forward_of is None or message.chat_type != "chat" or message.sender is not None:
            return
        channel, post = message.forward_of
        if channel in self._channels and channel is not None:
            self._memory.learn_discussion(message.chat, channel)
            known = Known(post, "", message.stamp, "forward", 0)
            self._memory.learn(str(message.chat), message.mid, known)

    def _settle(
        self, message: Said, edited: int | None, *, views_too: bool, again: bool = False, land: bool = True
    ) -> None:
        """Find the message's place; land it unless it is known as it is."""
        reference = self.reference(message.chat, message.chat_type)
        known = self._memory.known(reference, self.key(message))
        if known is not None and known.kind in _NO_ROW:
            return
        resource, post = "messages", ""
        if message.chat_type == "channel" and message.reply_to is None:
            resource = "posts"
        elif message.chat_type != "dialog":
            channel = self._channel(message)
            if channel is None or message.reply_to is None:
                self._loose += land and self._in_time(message)
                return
            found = self._post_of(message)
            if found is None:
                # Known from now on as nothing that lands, or it would be set aside again each day.
                self._memory.learn(reference, message.mid, Known("", "", message.stamp, "forward", 0))
                self._set_aside(message, "unknown post", "It answers a message that MAX no longer shows.")
                return
            post = found
        fresh = known is None or known.digest != message.digest or again
        if self._run.window is None and not fresh and not (views_too and resource == "posts"):
            self._unchanged(resource)
            return
        kind = "post" if resource == "posts" else self._kind(message)
        self._learn(reference, message, post, kind)
        if land and self._in_time(message):
            self._land(resource, message, post, edited, reference)

    def _learn(self, reference: str, message: Said, post: str, kind: str) -> None:
        reply = self._shown_reply(message, post) or ""
        known = Known(post, reply, message.stamp, kind, message.digest)
        self._memory.learn(reference, self.key(message), known)

    def _in_time(self, message: Said) -> bool:
        if self._run.window is None:
            return True
        try:
            return moment(message.stamp, self._run.latest) in self._run.window
        except ImpossibleDateError:
            return True  # so that it is set aside, not lost

    def _channel(self, message: Said) -> int | None:
        if message.chat_type == "channel":
            return int(message.chat) if message.chat in self._channels else None
        return self._memory.channel_of(message.chat)

    def _post_of(self, message: Said) -> str | None:
        """Mid of the channel's post at the end of a chain of replies."""
        reference, mid = str(message.chat), message.reply_to
        for _ in range(_DEPTH):
            if mid is None:
                return None
            known = self._memory.known(reference, mid)
            if known is not None:
                return mid if known.kind == "post" else known.post or None
            parent = self._nearby.get(mid) or self._hints.get(mid) or self._ask(mid)
            if parent is None:
                return None
            if parent.forward_of is not None and parent.sender is None:
                return parent.forward_of[1]
            if parent.chat_type == "channel" and parent.reply_to is None:
                return mid
            mid = parent.reply_to
        return None

    def _ask(self, mid: str) -> Said | None:
        """A message that was written before what we know of its chat."""
        tally = self._run.tallies["messages"]
        page = self._client.message(mid, tally)
        check_messages(page, tally)
        found = [one for one in map(said, page) if one.mid == mid]
        self._nearby |= {one.mid: one for one in found}
        return found[0] if found else None

    def _shown_reply(self, message: Said, post: str) -> str | None:
        """The comment that is answered; None at the top, that is where the post itself is."""
        mid = message.reply_to
        if mid is None or mid == post:
            return None
        known = self._memory.known(str(message.chat), mid)
        parent = self._nearby.get(mid)
        at_top = (known is not None and known.kind in {"forward", "post"}) or (
            parent is not None and parent.forward_of is not None
        )
        return None if at_top else mid

    def _kind(self, message: Said) -> AuthorKind:
        if message.chat_type == "dialog":
            if message.by_bot:
                return "operator"
            return "service" if (message.text or "").startswith("/") else "citizen"
        if message.sender is None or message.sender == self._bot:
            return "page"
        return "service" if message.by_bot else "citizen"

    def _land(self, resource: str, message: Said, post: str, edited: int | None, reference: str) -> None:
        if message.empty:
            self._set_aside(message, "no content", "It has neither text nor attachments.", resource)
            return
        if resource == "posts":
            try:
                created_at = moment(message.stamp, self._run.latest)
            except ImpossibleDateError:
                self._impossible(message, resource)
                return
            page = str(message.chat)
            row = post_row(page, message.mid, created_at, message.text, views_count=message.views)
            self._rows["posts"].append(row)
            return
        dialog = message.chat_type == "dialog"
        channel = self._channel(message)
        kind = self._kind(message)
        author = None
        if kind == "citizen" and message.sender is not None:
            author = author_key(self._run.pseudonyms, message.sender)
        try:
            created_at = moment(message.stamp, self._run.latest)
            edited_at = None if edited is None else moment(edited, self._run.latest)
        except ImpossibleDateError:
            self._impossible(message, resource)
            return
        self._rows["messages"].append(
            message_row(
                str(self._bot) if dialog else str(channel),
                reference if dialog else post,
                self.key(message),
                created_at,
                place="chat" if dialog else "post",
                author_kind=kind,
                text=message.text,
                reply_to=None if dialog else self._shown_reply(message, post),
                author_page_id=str(channel) if kind == "page" else None,
                author_key=author,
                edited_at=edited_at,
            )
        )

    def _land_removed(self, reference: str, mid: str, known: Known) -> None:
        self._handled.add(mid)
        if known.kind in _NO_ROW:
            return
        # What answers it must still find its post.
        gone = Known(known.post, known.reply_to, known.stamp, "gone", 0)
        self._memory.learn(reference, mid, gone)
        try:
            created_at = moment(known.stamp, self._run.latest)
        except ImpossibleDateError:
            return
        if known.kind == "post":
            self._rows["posts"].append(post_row(reference, mid, created_at, None, is_deleted=True))
            return
        in_dialog = not known.post
        official = not in_dialog and int(reference) in self._channels
        channel = reference if official else self._memory.channel_of(reference)
        self._rows["messages"].append(
            message_row(
                str(self._bot) if in_dialog else str(channel),
                reference if in_dialog else known.post,
                mid,
                created_at,
                place="chat" if in_dialog else "post",
                author_kind=_KINDS[known.kind],
                text=None,
                reply_to=known.reply_to or None,
                author_page_id=str(channel) if known.kind == "page" else None,
                is_deleted=True,
            )
        )

    def _unchanged(self, resource: str) -> None:
        self._run.tallies[resource].received += 1
        self._run.tallies[resource].skipped_unchanged += 1

    def _impossible(self, message: Said, resource: str) -> None:
        self._set_aside(
            message, "impossible date", "The date is before MAX existed or in the future.", resource
        )

    def _set_aside(self, message: Said, reason: str, detail: str, resource: str = "messages") -> None:
        self._run.tallies[resource].received += 1
        record = {"timestamp": message.stamp, "text": message.text}
        self._run.quarantine(resource, self.key(message), reason, detail, record, SAFE_FIELDS)
