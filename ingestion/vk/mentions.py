"""Mentions of the region outside its own pages, by newsfeed.search, and who answered under them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ingestion.clock import Window, from_unix, to_unix
from ingestion.errors import ContractBroken
from ingestion.run import Batch, Run
from ingestion.shape import page_items
from ingestion.tables import Row
from ingestion.vk.client import Call, MethodStopped, Skipped, VkClient
from ingestion.vk.comments import Target, read_comments
from ingestion.vk.rows import (
    SAFE_FIELDS,
    VK_OPENED,
    ImpossibleDateError,
    check_posts,
    count_of,
    mention_row,
    moment,
)

SEARCH_PAGE = 200
SEARCH_REACH = 1000  # newsfeed.search shows no more than this many posts of one span
SEARCH_OVERLAP = timedelta(days=1)  # VK's search index lags behind the walls

# A mention whose comments are to be read: [comments, digest of those read or null, unix of the post, day it
# was last found, the query that finds it]
Owed = list[Any]


class MentionReader:
    """Searches, then reads the comments of found posts whose number of comments changed.

    The memory holds no person: a post on a person's wall can be found again by searching only. So one live
    poll in each hour searches the whole look-back for late answers, the others only the newest day.

    `state['mentions_owed']` holds the posts whose comments were not read to their end. Those on a community's
    wall are asked for at once, for those on a person's wall the hourly search goes back as far as they are
    old; one that it no longer finds is given up after a look-back's days.
    """

    def __init__(
        self,
        run: Run,
        client: VkClient,
        own: frozenset[int],
        history: datetime | None,
        lookback_from: datetime,
    ) -> None:
        self._run = run
        self._today = run.fetched_at.toordinal()
        self._client = client
        self._own = own
        self._history = history
        self._lookback_from = lookback_from
        self._cutoff = to_unix(lookback_from - SEARCH_OVERLAP)  # as far back as a poll searches
        self._queries: dict[str, Any] = dict(run.state.get("mentions", {})) if run.live else {}
        # "owner_post" → [comments, unix of the post, digest of what was read]
        old: Mapping[str, list[int]] = run.state.get("mention_comments", {}) if run.live else {}
        self._answers = {key: value for key, value in old.items() if value[1] >= self._cutoff}
        owed: Mapping[str, Owed] = run.state.get("mentions_owed", {}) if run.live else {}
        # Not found again so far
        oldest = lookback_from.toordinal()
        self._owed = {key: one for key, one in owed.items() if one[3] >= oldest}
        # What is to be read, and after the reading what is still owed
        self._targets: dict[str, Target] = {}
        self._found: dict[str, tuple[int, int, str]] = {}  # of each target: date, day found, query
        self._aim_at_communities()

    def posts(self, query: str) -> Iterator[Batch]:
        """Posts that `query` finds outside own pages; the first live run looks back through the history."""
        run, tally = self._run, self._run.tallies["mentions"]
        memory: Mapping[str, Any] = self._queries.get(query, {})
        known: Mapping[str, Any] = memory.get("seen", {})
        span = self._span(memory)
        reach = self._reach(memory, span, query)
        seen: dict[str, Any] = {}
        try:
            for items in _search(run, self._client, query, reach):
                check_posts("vk.mentions", items, tally)
                rows: list[Row] = []
                for record in items:
                    if record["owner_id"] in self._own:
                        continue  # own pages are read as walls, with their comments
                    row = _mention(run, record, query)
                    if row is None:
                        continue
                    key = f"{row['owner_id']}_{row['post_id']}"
                    if key in seen:
                        continue
                    if run.live and record["date"] < to_unix(span.since):
                        if key in self._owed:  # what is older has landed, only comments are lacking
                            self._aim(key, row, record, query)
                        continue
                    digest = hashlib.sha256(row["text"].encode()).hexdigest()[:8]
                    seen[key] = [digest, record["date"]]
                    self._aim(key, row, record, query)
                    if run.window is not None and row["created_at"] not in run.window:
                        continue
                    tally.received += 1
                    if known.get(key, [None])[0] == digest:
                        tally.skipped_unchanged += 1
                    else:
                        rows.append(row)
                yield from run.land("mentions", rows)
        except MethodStopped:
            tally.note("VK's daily limit of newsfeed.search is reached, mentions are read again tomorrow.")
            return
        recent = {key: value for key, value in {**known, **seen}.items() if value[1] >= self._cutoff}
        self._queries[query] = {"until": to_unix(span.until), "hour": self._hour, "seen": recent}

    def comments(self) -> Iterator[Batch]:
        """Comments under the posts found; a post that two queries found is asked for once."""

        def settle(target: Target, digest: int, sure: bool) -> None:
            date = self._found[target.key][0]
            if date >= self._cutoff:
                self._answers[target.key] = [target.comments, date, digest]
            if sure:
                del self._targets[target.key]
            else:
                self._targets[target.key] = replace(target, known_digest=digest)

        yield from read_comments(self._run, self._client, list(self._targets.values()), settle)

    def remember(self) -> None:
        """Put the memory into dlt's state; it is committed together with the rows."""
        if self._run.live:
            self._run.state["mentions"] = self._queries
            self._run.state["mention_comments"] = self._answers
            owed = self._owed | {
                key: [one.comments, one.known_digest, *self._found[key]] for key, one in self._targets.items()
            }
            self._run.state.pop("mentions_owed", None)
            if owed:
                self._run.state["mentions_owed"] = owed

    @property
    def _hour(self) -> int:
        return to_unix(self._run.fetched_at) // 3600

    def _span(self, memory: Mapping[str, Any]) -> Window:
        """Where news are: a window looks back, since what is answered in it may have been asked before it."""
        run = self._run
        if run.window is not None:
            return Window(self._lookback_from, run.window.until)
        until = run.fetched_at + timedelta(seconds=1)
        if "until" not in memory:
            since = self._history or VK_OPENED
        elif memory.get("hour") == self._hour:
            since = from_unix(memory["until"])
        else:
            since = min(from_unix(memory["until"]), self._lookback_from)
        return Window(min(since, until) - SEARCH_OVERLAP, until)

    def _reach(self, memory: Mapping[str, Any], span: Window, query: str) -> Window:
        """What to search: in one poll of each hour, back to the oldest post that only a search can find."""
        dates = [one[2] for one in self._owed.values() if one[4] == query]
        if not dates or memory.get("hour") == self._hour:
            return span
        return Window(min(span.since, from_unix(min(dates))), span.until)

    def _aim_at_communities(self) -> None:
        """Ask first for what the last load left, where its address is known."""
        for key, (comments, digest, *found) in list(self._owed.items()):
            owner, post = (int(part) for part in key.split("_"))
            if owner < 0:
                del self._owed[key]
                self._targets[key] = Target(owner, post, comments, digest, owner)
                self._found[key] = (found[0], self._today, found[2])

    def _aim(self, key: str, row: Row, record: Mapping[str, Any], query: str) -> None:
        """Ask for the comments if their number is not the one that was read, or if they are owed."""
        comments = count_of("vk.mentions", record, "comments") or 0
        known = self._answers.get(key, [0])
        owed = self._owed.pop(key, None)
        aimed = self._targets.get(key)
        if comments == known[0] and owed is None and aimed is None:
            return
        digest = known[2] if len(known) > 2 else owed[1] if owed else aimed.known_digest if aimed else None
        self._targets[key] = Target(row["owner_id"], row["post_id"], comments, digest, record["owner_id"])
        self._found[key] = (record["date"], self._today, query)


def _search(run: Run, client: VkClient, query: str, span: Window) -> Iterator[list[Any]]:
    """Pages of posts in the span, halved where VK would show only the newest thousand."""
    tally = run.tallies["mentions"]
    spans = [(to_unix(span.since), to_unix(span.until) - 1)]
    while spans:
        start, end = spans.pop()
        params: dict[str, Any] = {"q": query, "count": SEARCH_PAGE, "start_time": start, "end_time": end}
        followed: set[str] = set()
        again = 0
        while True:
            answer = client.call(Call("newsfeed.search", params, f"the query «{query}»"), tally)
            if isinstance(answer, Skipped):
                tally.note(f"The query «{query}» was skipped: {answer.reason}.")
                break
            items = page_items("vk.mentions", answer)
            total = answer.get("total_count")
            if isinstance(total, int) and total > SEARCH_REACH and end > start:
                middle = (start + end) // 2
                spans += [(start, middle), (middle + 1, end)]
                break
            following = answer.get("next_from")
            # An empty page where one was promised, or the same page once more, is how a page gets lost.
            lost = (not items and ("start_from" in params or bool(total))) or following in followed
            if lost and again < run.settings.patience.attempts - 1:
                again += 1
                tally.retries += 1
                continue
            if following in followed:
                raise ContractBroken(
                    f"vk.mentions: newsfeed.search repeats a page of the query «{query}»",
                    "report it to VK's support; nothing of this load was kept",
                )
            yield items
            if not items or not following:
                break
            again = 0
            followed.add(following)
            params = {**params, "start_from": following}


def _mention(run: Run, record: dict[str, Any], query: str) -> Row | None:
    try:
        created_at = moment(record, run.latest)
    except ImpossibleDateError:
        run.tallies["mentions"].received += 1
        detail = "The date is before VK existed or in the future."
        owner = (
            run.pseudonyms.number("vk", record["owner_id"]) if record["owner_id"] > 0 else record["owner_id"]
        )
        reference = f"{owner}_{record['id']}"
        run.quarantine("mentions", reference, "impossible date", detail, record, SAFE_FIELDS)
        return None
    return mention_row(record, created_at, query, run.pseudonyms)
