"""Walls and their comments: which pages to ask for, what has changed since, what to remember."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from ingestion.clock import to_unix
from ingestion.run import Batch, Run
from ingestion.shape import page_items
from ingestion.tables import Row
from ingestion.vk.client import EXECUTE_CALLS, Call, MethodStopped, Skipped, VkClient
from ingestion.vk.rows import (
    SAFE_FIELDS,
    ImpossibleDateError,
    check_comments,
    check_posts,
    comment_row,
    moment,
    post_row,
)

PAGE = 100
_UNREAD = -1  # comments_count of a post whose comments are still to be read

# A post as the cursor remembers it: [comments read, digest of the post itself, day it landed, unix, pinned]
Memory = list[int]


@dataclass
class Wall:
    """One community's wall; posts from `since` on are asked for (None: all there are)."""

    owner_id: int
    since: datetime | None
    complete: bool = False
    seen: set[int] = field(default_factory=set)

    @property
    def page(self) -> str:
        return f"club{-self.owner_id}"


@dataclass(frozen=True)
class Target:
    """A post whose comments are to be read."""

    owner_id: int
    post_id: int
    comments: int

    @property
    def key(self) -> str:
        return f"{self.owner_id}_{self.post_id}"

    @property
    def page(self) -> str:
        return f"club{-self.owner_id}, post {self.post_id}"


class WallReader:
    """Reads posts, then the comments of those that changed. Live, it keeps `state['posts']` up to date."""

    def __init__(self, run: Run, client: VkClient, lookback_from: datetime) -> None:
        self._run = run
        self._client = client
        self._cutoff = to_unix(lookback_from)
        self._today = run.fetched_at.toordinal()
        old: Mapping[str, Memory] = run.state.get("posts", {}) if run.live else {}
        self._memory: dict[str, Memory] = {
            key: value for key, value in old.items() if value[3] >= self._cutoff or value[4]
        }
        self.targets: list[Target] = []

    def posts(self, walls: Sequence[Wall]) -> Iterator[Batch]:
        """Posts of the walls, 25 pages in one request; collects `targets` on the way."""
        waiting = [(wall, 0) for wall in walls]
        while waiting:
            batch, waiting = waiting[:EXECUTE_CALLS], waiting[EXECUTE_CALLS:]
            calls = [
                Call("wall.get", {"owner_id": wall.owner_id, "count": PAGE, "offset": offset}, wall.page)
                for wall, offset in batch
            ]
            tally = self._run.tallies["posts"]
            try:
                answers = self._client.execute(calls, tally)
            except MethodStopped as stopped:
                tally.note(
                    f"VK's daily limit of {stopped.method} is reached, the other walls wait until tomorrow."
                )
                return
            rows: list[Row] = []
            for (wall, offset), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Skipped):
                    tally.note(f"The wall of {wall.page} was skipped: {answer.reason}.")
                    continue
                items = page_items("vk.posts", answer)
                check_posts("vk.posts", items, tally)
                rows += self._changed(wall, items)
                if self._goes_on(wall, items, offset, answer.get("count")):
                    waiting.append((wall, offset + PAGE))
                else:
                    wall.complete = True
            yield from self._run.land("posts", rows)

    def comments(self) -> Iterator[Batch]:
        """All comments of the targets with their branches, in batches of 25 calls."""
        tally, queue = self._run.tallies["comments"], iter(self.targets)
        while targets := list(islice(queue, EXECUTE_CALLS)):
            try:
                yield from self._comments_of(targets)
            except MethodStopped as stopped:
                tally.note(
                    f"VK's daily limit of {stopped.method} is reached, other comments wait until tomorrow."
                )
                return

    def remember(self) -> None:
        """Put the memory into dlt's state; it is committed together with the rows."""
        if self._run.live:
            self._run.state["posts"] = self._memory

    def _goes_on(self, wall: Wall, items: list[Any], offset: int, total: Any) -> bool:
        if len(items) < PAGE or (isinstance(total, int) and offset + PAGE >= total):
            return False
        oldest = min((one["date"] for one in items if not one.get("is_pinned")), default=0)
        return wall.since is None or oldest >= to_unix(wall.since)

    def _changed(self, wall: Wall, items: list[Any]) -> Iterator[Row]:
        """Rows of posts that are new or changed; posts beyond what was asked for are not counted."""
        run, tally = self._run, self._run.tallies["posts"]
        since = None if wall.since is None else to_unix(wall.since)
        for record in items:
            if record["id"] in wall.seen:
                continue  # a page that moved on while we were paging shows a post twice
            wall.seen.add(record["id"])
            if since is not None and record["date"] < since and not (run.live and record.get("is_pinned")):
                continue
            try:
                created_at = moment(record, run.latest)
            except ImpossibleDateError:
                tally.received += 1
                reference = f"{record['owner_id']}_{record['id']}"
                detail = "The date is before VK existed or in the future."
                run.quarantine("posts", reference, "impossible date", detail, record, SAFE_FIELDS)
                continue
            row = post_row(record, created_at, run.pseudonyms)
            if run.window is not None:
                yield from self._in_window(row, created_at)
                continue
            tally.received += 1
            if self._is_news(row, record):
                yield row
            else:
                tally.skipped_unchanged += 1

    def _in_window(self, row: Row, created_at: datetime) -> Iterator[Row]:
        window = self._run.window
        assert window is not None, "called in window mode only"  # noqa: S101
        if created_at < window.until and row["comments_count"]:
            self.targets.append(Target(row["owner_id"], row["post_id"], row["comments_count"]))
        if created_at in window:
            self._run.tallies["posts"].received += 1
            yield row

    def _is_news(self, row: Row, record: Mapping[str, Any]) -> bool:
        """Whether the post lands; views and likes alone let it land once a day, or raw would only grow."""
        target = Target(row["owner_id"], row["post_id"], row["comments_count"])
        known = self._memory.get(target.key)
        content = f"{row['text']}|{row['is_pinned']}|{row['is_deleted']}|{row['author_kind']}"
        digest = zlib.crc32(content.encode())
        comments_changed = known is None or known[0] != target.comments
        lands = known is None or comments_changed or known[1] != digest or known[2] != self._today
        if comments_changed and (target.comments or known is not None):
            self.targets.append(target)
        if record["date"] >= self._cutoff or row["is_pinned"]:
            read = _UNREAD if comments_changed and target.comments else target.comments
            day = self._today if lands or known is None else known[2]
            self._memory[target.key] = [read, digest, day, record["date"], int(row["is_pinned"])]
        else:
            self._memory.pop(target.key, None)
        return lands

    def _comments_of(self, targets: Sequence[Target]) -> Iterator[Batch]:
        seen: dict[str, set[int]] = {target.key: set() for target in targets}
        waiting: list[tuple[Target, int, int | None]] = [(target, 0, None) for target in targets]
        while waiting:
            batch, waiting = waiting[:EXECUTE_CALLS], waiting[EXECUTE_CALLS:]
            calls = [_comments_call(target, offset, root) for target, offset, root in batch]
            answers = self._client.execute(calls, self._run.tallies["comments"])
            rows: list[Row] = []
            for (target, offset, root), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Skipped):
                    note = f"Comments of {target.page} were skipped: {answer.reason}."
                    self._run.tallies["comments"].note(note)
                    continue
                items = page_items("vk.comments", answer)
                rows += self._rows(target, items, root, seen[target.key])
                for one in [] if root else items:
                    branch = one.get("thread") or {"count": 0}
                    if branch["count"] > len(branch.get("items") or []):
                        waiting.append((target, 0, one["id"]))
                level = answer.get("current_level_count")
                if len(items) == PAGE and (not isinstance(level, int) or offset + PAGE < level):
                    waiting.append((target, offset + PAGE, root))
            yield from self._run.land("comments", rows)
        for target in targets:
            if target.key in self._memory:
                self._memory[target.key][0] = target.comments

    def _rows(self, target: Target, items: list[Any], root: int | None, seen: set[int]) -> Iterator[Row]:
        run, tally = self._run, self._run.tallies["comments"]
        check_comments(items, tally)
        for record in items:
            replies = (record.get("thread") or {}).get("items") or []
            if replies:
                yield from self._rows(target, replies, record["id"], seen)
            if record["id"] in seen:
                continue
            seen.add(record["id"])
            try:
                created_at = moment(record, run.latest)
            except ImpossibleDateError:
                tally.received += 1
                detail = "The date is before VK existed or in the future."
                reference = f"{target.owner_id}_{record['id']}"
                run.quarantine("comments", reference, "impossible date", detail, record, SAFE_FIELDS)
                continue
            if run.window is not None and created_at not in run.window:
                continue
            tally.received += 1
            yield comment_row(record, target.owner_id, target.post_id, root, created_at, run.pseudonyms)


def _comments_call(target: Target, offset: int, root: int | None) -> Call:
    params: dict[str, Any] = {
        "owner_id": target.owner_id,
        "post_id": target.post_id,
        "count": PAGE,
        "offset": offset,
        "sort": "asc",
        "need_likes": 1,
        "preview_length": 0,
    }
    params |= {"thread_items_count": 10} if root is None else {"comment_id": root}
    return Call("wall.getComments", params, target.page)
