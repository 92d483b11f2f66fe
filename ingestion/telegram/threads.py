"""What must be remembered of Telegram: which thread belongs to which post, and when what was written.

There is no history to ask, so the memory lies in dlt's state and lands with the rows. No person is in it.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

from ingestion.clock import from_unix, to_unix
from ingestion.run import Run
from ingestion.telegram.rows import origin_post

_REMOVALS_FOLLOW_WITHIN = timedelta(days=14)


class Memory:
    """Threads as {group: {thread: [post, unix]}}, messages of chats as {chat: {message: [unix, kind]}}."""

    def __init__(self, run: Run, lookback_days: int) -> None:
        # Age is counted from the newest words that have landed, not from now: after a pause, or when a long
        # time is read in one go, what comes next may stand under posts that are old by the clock.
        self._newest: int = run.state.get("newest", 0)
        reached = min(from_unix(self._newest), run.fetched_at)
        oldest = to_unix(reached - timedelta(days=lookback_days)) if self._newest else 0
        settled = to_unix(reached - _REMOVALS_FOLLOW_WITHIN) if self._newest else 0
        self._threads = _younger(run.state.get("threads", {}), 1, oldest)
        self._words = _younger(run.state.get("words", {}), 0, settled)

    def saw(self, date: int) -> None:
        """A message of that moment has been read."""
        self._newest = max(self._newest, date)

    def learn_thread(self, group: int, forward: dict[str, Any]) -> None:
        """A post of the channel has appeared in its discussion group."""
        post = origin_post(forward)
        if post is not None:
            thread = str(forward["message_id"])
            self._threads.setdefault(str(group), {})[thread] = [post, forward["date"]]

    def post_of(self, group: int, message: dict[str, Any]) -> str | None:
        """The post that a comment belongs to; None where it was published before the bot came."""
        reply = message.get("reply_to_message")
        if reply is not None and origin_post(reply) is not None:
            self.learn_thread(group, reply)
            return str(origin_post(reply))
        known = self._threads.get(str(group), {}).get(str(message.get("message_thread_id")))
        return None if known is None else str(known[0])

    def learn_words(self, chat: str, message: int, date: int, kind: str) -> None:
        """A message of a chat whose removals we hear of."""
        self._words.setdefault(chat, {})[str(message)] = [date, kind]

    def words(self, chat: str, message: int) -> tuple[int, str] | None:
        """When a message was written and by whom: citizen, operator or service."""
        known = self._words.get(chat, {}).get(str(message))
        return None if known is None else (known[0], known[1])

    def remember(self, state: MutableMapping[str, Any]) -> None:
        """Put everything into dlt's state; it is committed together with the rows."""
        state["threads"], state["words"], state["newest"] = self._threads, self._words, self._newest


def _younger(
    known: dict[str, dict[str, list[Any]]], place: int, oldest: int
) -> dict[str, dict[str, list[Any]]]:
    kept = {
        outer: {inner: one for inner, one in entries.items() if one[place] >= oldest}
        for outer, entries in known.items()
    }
    return {outer: entries for outer, entries in kept.items() if entries}
