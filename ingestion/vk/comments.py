"""Comments of posts with all their branches, in batches of 25 calls: under own posts and under mentions."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from ingestion.run import Batch, Run
from ingestion.shape import page_items
from ingestion.tables import Row
from ingestion.vk.client import EXECUTE_CALLS, PAGE, Call, Skipped, Stopped, VkClient, stop_among
from ingestion.vk.rows import (
    SAFE_FIELDS,
    ImpossibleDateError,
    check_comments,
    comment_row,
    moment,
    whole_number,
)


@dataclass(frozen=True)
class Target:
    """A post whose comments are to be read.

    `owner_id` is the wall as rows name it. On a person's wall that is a keyed number, and `asked_owner` is
    what VK is asked for: it is sent and forgotten, no key, row or message ever holds it.
    """

    owner_id: int
    post_id: int
    comments: int
    known_digest: int | None = None
    asked_owner: int | None = field(default=None, repr=False)

    @property
    def key(self) -> str:
        return f"{self.owner_id}_{self.post_id}"

    @property
    def page(self) -> str:
        wall = f"club{-self.owner_id}" if self.owner_id < 0 else "a person's wall"
        return f"{wall}, post {self.post_id}"

    def call(self, offset: int, root: int | None) -> Call:
        """One page of the post's root comments, or of the branch under `root`."""
        params: dict[str, Any] = {
            "owner_id": self.owner_id if self.asked_owner is None else self.asked_owner,
            "post_id": self.post_id,
            "count": PAGE,
            "offset": offset,
            "sort": "asc",
            "need_likes": 1,
            "preview_length": 0,
        }
        params |= {"thread_items_count": 10} if root is None else {"comment_id": root}
        return Call("wall.getComments", params, self.page)


def read_comments(
    run: Run, client: VkClient, targets: Iterable[Target], settle: Callable[[Target, int, bool], None]
) -> Iterator[Batch]:
    """All comments of the targets; `settle` is told each target that has been read, its digest, and whether
    that was all: fewer comments than VK counts are believed when two loads in a row read the same ones.

    Live, a target's comments land together, and only when their digest is another than `known_digest`; a
    window lands those written in it. The daily limit ends the reading with a note: what came with the same
    request lands, and targets that were not read to the end are not settled.
    """
    queue = iter(targets)
    while batch := list(islice(queue, EXECUTE_CALLS)):
        readings = [_Reading(target) for target in batch]
        stopped = yield from _read_batch(run, client, readings)
        for reading in readings:
            if reading.ended:
                settle(reading.target, reading.digest, reading.sure)
        if stopped:
            rest = "other comments wait until tomorrow" if run.live else "the window lacks comments"
            run.tallies["comments"].note(f"VK's daily limit of {stopped.method} is reached, {rest}.")
            return


@dataclass
class _Reading:
    """The comments of one target while they are being read."""

    target: Target
    rows: list[Row] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    levels: dict[int | None, set[int]] = field(default_factory=dict)  # ids by the root they stand under
    whole: bool = True
    ended: bool = True  # False: the daily limit came before its last page
    missing: int = 0

    @property
    def sure(self) -> bool:
        """Whether what was read is all there is."""
        return not self.missing or self.digest == self.target.known_digest

    @property
    def digest(self) -> int:
        said = sorted((row["comment_id"], row["is_deleted"], row["text"]) for row in self.rows)
        return zlib.crc32(repr(said).encode())


@dataclass(frozen=True)
class _Page:
    """One page of a level: of the post's root comments, or of the branch under `root`."""

    reading: _Reading
    offset: int = 0
    root: int | None = None
    asked: int = 1

    def call(self) -> Call:
        return self.reading.target.call(self.offset, self.root)


def _read_batch(
    run: Run, client: VkClient, readings: Sequence[_Reading]
) -> Generator[Batch, None, Stopped | None]:
    """Lands the comments of the readings; returns the daily limit that ended it, if one did."""
    tally, stopped = run.tallies["comments"], None
    waiting = [_Page(reading) for reading in readings]
    while waiting and not stopped:
        batch, waiting = waiting[:EXECUTE_CALLS], waiting[EXECUTE_CALLS:]
        answers = client.execute([one.call() for one in batch], tally)
        stopped = stop_among(answers)
        for page, answer in zip(batch, answers, strict=True):
            waiting += [page] if isinstance(answer, Stopped) else _take(run, page, answer)
    for page in waiting:
        page.reading.ended = False
    yield from _land(run, readings)
    return stopped


def _take(run: Run, page: _Page, answer: Any) -> Iterator[_Page]:
    """Rows of one page; yields what is to be asked for next."""
    tally, reading = run.tallies["comments"], page.reading
    if isinstance(answer, Skipped):
        tally.note(f"Comments of {reading.target.page} were skipped: {answer.reason}.")
        reading.whole = False
        return
    items = page_items("vk.comments", answer)
    level = whole_number(answer.get("current_level_count"))
    promised = page.offset < (level or 0)
    if not items and promised and page.asked < run.settings.patience.attempts:
        tally.retries += 1  # that is how a page gets lost
        yield replace(page, asked=page.asked + 1)
        return
    reading.rows += _rows(run, reading.target, items, page.root, reading.seen)
    there = reading.levels.setdefault(page.root, set())
    there |= {one["id"] for one in items}
    for one in [] if page.root else items:
        branch = one.get("thread") or {"count": 0}
        if branch["count"] > len(branch.get("items") or []):
            yield _Page(reading, root=one["id"])
    if (len(items) == PAGE) if level is None else (page.offset + PAGE < level):
        yield _Page(reading, page.offset + PAGE, page.root)
    elif level is not None:
        reading.missing += max(0, level - len(there))


def _land(run: Run, readings: Sequence[_Reading]) -> Iterator[Batch]:
    rows: list[Row] = []
    books: list[Row] = []
    for reading in readings:
        target = reading.target
        if reading.missing:
            run.tallies["comments"].note(
                f"VK counts {reading.missing} comments more of {target.page} than it shows"
                + ("." if reading.sure else ", they are asked for again.")
            )
        complete = reading.whole and reading.ended
        if run.live and complete and not reading.missing and reading.digest == target.known_digest:
            run.tallies["comments"].skipped_unchanged += len(reading.rows)
            continue
        rows += reading.rows
        # A reading says what has been taken away: one that lacks a page must not.
        if run.live and complete and reading.sure:
            book = {"owner_id": target.owner_id, "post_id": target.post_id, "comments": len(reading.rows)}
            books.append(book)
    run.tallies["comment_readings"].received += len(books)
    yield from run.land("comments", rows)
    yield from run.land("comment_readings", books)


def _rows(run: Run, target: Target, items: list[Any], root: int | None, seen: set[int]) -> Iterator[Row]:
    tally = run.tallies["comments"]
    check_comments(items, tally)
    for record in items:
        replies = (record.get("thread") or {}).get("items") or []
        if replies:
            yield from _rows(run, target, replies, record["id"], seen)
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
