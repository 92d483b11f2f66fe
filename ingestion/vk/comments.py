"""Comments of posts with all their branches, in batches of 25 calls: under own posts and under mentions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ingestion.run import Batch, Run
from ingestion.shape import page_items
from ingestion.tables import Row
from ingestion.vk.client import EXECUTE_CALLS, PAGE, Call, MethodStopped, Skipped, VkClient
from ingestion.vk.rows import SAFE_FIELDS, ImpossibleDateError, check_comments, comment_row, moment


@dataclass(frozen=True)
class Target:
    """A post whose comments are to be read.

    `owner_id` is the wall as rows name it. On a person's wall that is a keyed number, and `asked_owner` is
    what VK is asked for: it is sent and forgotten, no key, row or message ever holds it.
    """

    owner_id: int
    post_id: int
    comments: int
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
    run: Run, client: VkClient, targets: Iterable[Target], settle: Callable[[Target], None]
) -> Iterator[Batch]:
    """All comments of the targets; `settle` is told each target that has been read to its end.

    A window lands only those written in it. The daily limit ends the reading with a note.
    """
    queue = iter(targets)
    while batch := list(islice(queue, EXECUTE_CALLS)):
        try:
            yield from _read_batch(run, client, batch)
        except MethodStopped as stopped:
            run.tallies["comments"].note(
                f"VK's daily limit of {stopped.method} is reached, other comments wait until tomorrow."
            )
            return
        for target in batch:
            settle(target)


def _read_batch(run: Run, client: VkClient, targets: Sequence[Target]) -> Iterator[Batch]:
    tally = run.tallies["comments"]
    seen: dict[str, set[int]] = {target.key: set() for target in targets}
    waiting: list[tuple[Target, int, int | None]] = [(target, 0, None) for target in targets]
    while waiting:
        batch, waiting = waiting[:EXECUTE_CALLS], waiting[EXECUTE_CALLS:]
        answers = client.execute([target.call(offset, root) for target, offset, root in batch], tally)
        rows: list[Row] = []
        for (target, offset, root), answer in zip(batch, answers, strict=True):
            if isinstance(answer, Skipped):
                tally.note(f"Comments of {target.page} were skipped: {answer.reason}.")
                continue
            items = page_items("vk.comments", answer)
            rows += _rows(run, target, items, root, seen[target.key])
            for one in [] if root else items:
                branch = one.get("thread") or {"count": 0}
                if branch["count"] > len(branch.get("items") or []):
                    waiting.append((target, 0, one["id"]))
            level = answer.get("current_level_count")
            if len(items) == PAGE and (not isinstance(level, int) or offset + PAGE < level):
                waiting.append((target, offset + PAGE, root))
        yield from run.land("comments", rows)


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
