"""What must be remembered of MAX: which comment stands under which post, and what was read already.

It lies in dlt's state and lands with the rows. Dialogs are kept under keyed hashes; no person is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ingestion.clock import to_unix
from ingestion.run import Run


@dataclass(frozen=True)
class Known:
    """A message that was read. `post` is the mid of the channel's post it stands under, empty in dialogs and
    for posts themselves; `kind` is post, forward, gone, or the kind of the author."""

    post: str
    reply_to: str
    stamp: int
    kind: str
    digest: int


class Memory:
    """Messages by chat, and up to which event each chat has been read; `chat` is a reference, never a
    person's number."""

    def __init__(self, run: Run, lookback_days: int) -> None:
        self.oldest = to_unix(run.fetched_at - timedelta(days=lookback_days)) * 1000
        kept = run.state.get("messages", {})
        self._messages: dict[str, dict[str, list[Any]]] = {
            chat: entries
            for chat, every in kept.items()
            if (entries := {mid: one for mid, one in every.items() if one[2] >= self.oldest})
        }
        self._read: dict[str, int] = {
            chat: stamp for chat, stamp in run.state.get("read", {}).items() if stamp >= self.oldest
        }
        self._discussions: dict[str, int] = dict(run.state.get("discussions", {}))

    def known(self, chat: str, mid: str) -> Known | None:
        entry = self._messages.get(chat, {}).get(mid)
        return None if entry is None else Known(*entry)

    def learn(self, chat: str, mid: str, known: Known) -> None:
        entry = [known.post, known.reply_to, known.stamp, known.kind, known.digest]
        self._messages.setdefault(chat, {})[mid] = entry

    def since(self, chat: str, stamp: int) -> Iterator[tuple[str, Known]]:
        """Messages of a chat that are not older than `stamp`."""
        for mid, entry in list(self._messages.get(chat, {}).items()):
            if entry[2] >= stamp:
                yield mid, Known(*entry)

    def read_until(self, chat: str) -> int | None:
        """Milliseconds up to which everything of the chat has been read."""
        return self._read.get(chat)

    def has_read(self, chat: str, stamp: int) -> None:
        self._read[chat] = max(stamp, self._read.get(chat, 0))

    def channel_of(self, discussion: int | str) -> int | None:
        """The channel whose posts are forwarded into a chat."""
        return self._discussions.get(str(discussion))

    def learn_discussion(self, discussion: int | str, channel: int) -> None:
        self._discussions[str(discussion)] = channel

    def remember(self, state: MutableMapping[str, Any]) -> None:
        """Put everything into dlt's state; it is committed together with the rows."""
        state["messages"], state["read"], state["discussions"] = self._messages, self._read, self._discussions
