"""Walls: which pages to ask for, what has changed since, whose comments to read, what to remember."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ingestion.clock import to_unix
from ingestion.run import Batch, Run
from ingestion.shape import page_items
from ingestion.tables import Row
from ingestion.vk.client import EXECUTE_CALLS, PAGE, Call, Skipped, Stopped, VkClient, stop_among
from ingestion.vk.comments import Target, read_comments
from ingestion.vk.polls import Seen, polls_of
from ingestion.vk.rows import (
    SAFE_FIELDS,
    ImpossibleDateError,
    check_posts,
    moment,
    post_row,
    whole_number,
)

# A post as the cursor remembers it: [comments, digest of the post itself, day it landed, unix, pinned,
# digest of the comments]
Memory = list[int]
# A post whose comments are to be read, whatever its age: [comments, digest of those read, if any were]
Owed = list[int]


@dataclass
class Wall:
    """One community's wall; posts from `since` on are asked for (None: all there are)."""

    owner_id: int
    since: datetime | None
    complete: bool = False
    missing: int = 0
    seen: set[int] = field(default_factory=set)

    @property
    def page(self) -> str:
        return f"club{-self.owner_id}"


class WallReader:
    """Reads posts, then the comments of those that changed. Live, it keeps `state['posts']` up to date.

    `state['owed']` holds by wall the posts whose comments were not read to their end. They are asked for
    first at the next load: a wall that has been read back to its beginning shows old posts no more.
    """

    def __init__(self, run: Run, client: VkClient, lookback_from: datetime, reread_from: datetime) -> None:
        self._run = run
        self._client = client
        self._reread_from = to_unix(reread_from)
        self._cutoff = to_unix(lookback_from)
        self._today = run.fetched_at.toordinal()
        old: Mapping[str, Memory] = run.state.get("posts", {}) if run.live else {}
        self._memory: dict[str, Memory] = {
            key: value for key, value in old.items() if value[3] >= self._cutoff or value[4]
        }
        # Walls that lacked posts when they were last read, and how many
        self._short_before: Mapping[str, int] = run.state.get("walls_short", {}) if run.live else {}
        self._short: dict[str, int] = {}
        owed: Mapping[str, Mapping[str, Owed]] = run.state.get("owed", {}) if run.live else {}
        # What is to be read, and after the reading what is still owed
        self._targets: dict[str, Target] = {
            target.key: target
            for owner, of_wall in owed.items()
            for post, known in of_wall.items()
            for target in [Target(int(owner), int(post), known[0], known[1] if len(known) > 1 else None)]
        }
        self.polls: list[Seen] = []

    def posts(self, walls: Sequence[Wall]) -> Iterator[Batch]:
        """Posts of the walls, 25 pages in one request; collects on the way whose comments to read."""
        ours = {wall.owner_id for wall in walls}
        self._targets = {key: one for key, one in self._targets.items() if one.owner_id in ours}
        waiting = [(wall, 0, 1) for wall in walls]
        while waiting:
            batch, waiting = waiting[:EXECUTE_CALLS], waiting[EXECUTE_CALLS:]
            calls = [
                Call("wall.get", {"owner_id": wall.owner_id, "count": PAGE, "offset": offset}, wall.page)
                for wall, offset, _ in batch
            ]
            tally = self._run.tallies["posts"]
            answers = self._client.execute(calls, tally)
            rows: list[Row] = []
            for (wall, offset, asked), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Stopped):
                    continue
                if isinstance(answer, Skipped):
                    tally.note(f"The wall of {wall.page} was skipped: {answer.reason}.")
                    continue
                items = page_items("vk.posts", answer)
                total = whole_number(answer.get("count"))
                if not items and offset < (total or 0) and asked < self._run.settings.patience.attempts:
                    tally.retries += 1  # that is how a page gets lost
                    waiting.append((wall, offset, asked + 1))
                    continue
                check_posts("vk.posts", items, tally)
                rows += self._changed(wall, items)
                if self._goes_on(wall, items, offset, total):
                    waiting.append((wall, offset + PAGE, 1))
                else:
                    self._finish(wall, offset + PAGE, total)
            yield from self._run.land("posts", rows)
            if stopped := stop_among(answers):
                tally.note(
                    f"VK's daily limit of {stopped.method} is reached, the other walls wait until tomorrow."
                )
                return

    def comments(self) -> Iterator[Batch]:
        """All comments of the targets with their branches, first of those that the last load left."""

        def settle(target: Target, digest: int, sure: bool) -> None:
            if target.key in self._memory:
                self._memory[target.key][5] = digest
            if sure:
                del self._targets[target.key]
            else:
                self._targets[target.key] = replace(target, known_digest=digest)

        yield from read_comments(self._run, self._client, list(self._targets.values()), settle)

    def remember(self) -> None:
        """Put the memory into dlt's state; it is committed together with the rows."""
        if self._run.live:
            self._run.state["posts"] = self._memory
            self._run.state["walls_short"] = self._short
            owed: dict[str, dict[str, Owed]] = {}
            for one in self._targets.values():
                known = [one.comments] if one.known_digest is None else [one.comments, one.known_digest]
                owed.setdefault(str(one.owner_id), {})[str(one.post_id)] = known
            self._run.state.pop("owed", None)
            if owed:
                self._run.state["owed"] = owed

    def _goes_on(self, wall: Wall, items: list[Any], offset: int, total: int | None) -> bool:
        if (len(items) < PAGE) if total is None else (offset + PAGE >= total):
            return False
        oldest = min((one["date"] for one in items if not one.get("is_pinned")), default=None)
        return wall.since is None or oldest is None or oldest >= to_unix(wall.since)

    def _finish(self, wall: Wall, end: int, total: int | None) -> None:
        """Whether the wall was read without a gap. What lacks twice in a row is not there: VK counts posts
        that it does not show."""
        wall.missing = max(0, min(end, total) - len(wall.seen)) if total is not None else 0
        key = str(wall.owner_id)
        if wall.missing:
            self._short[key] = wall.missing
        wall.complete = wall.missing == self._short_before.get(key, 0) or not wall.missing
        if not wall.complete:
            self._run.tallies["posts"].note(
                f"VK counts {wall.missing} posts more of {wall.page} than it shows, they are asked for again."
            )

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
            self.polls += polls_of(record, wall.owner_id)
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
            self._aim(Target(row["owner_id"], row["post_id"], row["comments_count"]))
        if created_at in window:
            self._run.tallies["posts"].received += 1
            yield row

    def _aim(self, target: Target) -> None:
        """Ask for the comments; what is owed keeps its place and the digest of what was read of it."""
        owed = self._targets.get(target.key)
        if owed is not None and owed.known_digest is not None:
            target = replace(target, known_digest=owed.known_digest)
        self._targets[target.key] = target

    def _is_news(self, row: Row, record: Mapping[str, Any]) -> bool:
        """Whether the post lands; views and likes alone let it land once a day, or raw would only grow."""
        known = self._memory.get(f"{row['owner_id']}_{row['post_id']}")
        digest_before = known[5] if known is not None and len(known) > 5 else None
        target = Target(row["owner_id"], row["post_id"], row["comments_count"], digest_before)
        content = f"{row['text']}|{row['is_pinned']}|{row['is_deleted']}|{row['author_kind']}"
        digest = zlib.crc32(content.encode())
        comments_changed = known is None or known[0] != target.comments
        lands = known is None or comments_changed or known[1] != digest or known[2] != self._today
        # An edit changes no number: comments of young posts are compared once a day.
        reread = known is not None and known[2] != self._today and record["date"] >= self._reread_from
        if (comments_changed and (target.comments or known is not None)) or (reread and target.comments):
            self._aim(target)
        if record["date"] >= self._cutoff or row["is_pinned"]:
            day = self._today if lands or known is None else known[2]
            self._memory[target.key] = [
                target.comments,
                digest,
                day,
                record["date"],
                int(row["is_pinned"]),
                digest_before or 0,
            ]
        else:
            self._memory.pop(target.key, None)
        return lands
