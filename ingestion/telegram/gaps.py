"""Update numbers that never came."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from ingestion.clock import from_unix
from ingestion.run import Run

_NUMBERS_START_ANEW = timedelta(days=6)  # after a week of silence Telegram chooses the next number freely


def missing(run: Run, found: Iterable[int]) -> list[tuple[int, int]]:
    """Spans of update numbers between the last one that is landed and the newest found that are not there.

    Numbers are handed out one by one, without gaps.
    """
    last: int | None = run.state.get("update_id")
    heard = run.state.get("heard")
    if heard is not None and run.fetched_at - from_unix(heard) > _NUMBERS_START_ANEW:
        last = None
    gaps = []
    for number in sorted(found):
        if last is not None and number > last + 1:
            gaps.append((last + 1, number - 1))
        last = number if last is None else max(last, number)
    return gaps
