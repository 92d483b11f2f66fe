"""Mentions of the region outside its own pages, by newsfeed.search."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from ingestion.clock import Window, from_unix, to_unix
from ingestion.run import Batch, Run
from ingestion.shape import page_items
from ingestion.tables import Row
from ingestion.vk.client import Call, MethodStopped, Skipped, VkClient
from ingestion.vk.rows import (
    SAFE_FIELDS,
    VK_OPENED,
    ImpossibleDateError,
    check_posts,
    mention_row,
    moment,
)

SEARCH_PAGE = 200
SEARCH_REACH = 1000  # newsfeed.search shows no more than this many posts of one span
SEARCH_OVERLAP = timedelta(days=1)  # VK's search index lags behind the walls


def read_mentions(
    run: Run, client: VkClient, query: str, own: frozenset[int], history: datetime | None
) -> Iterator[Batch]:
    """Posts that `query` finds outside `own` pages; the first live run looks back to `history`."""
    tally = run.tallies["mentions"]
    memory: dict[str, Any] = run.state.get("mentions", {}).get(query, {}) if run.live else {}
    span = run.window or _live_span(run, memory, history)
    seen: dict[str, Any] = {}
    overlap_from = to_unix(span.until - SEARCH_OVERLAP)
    try:
        for items in _search(run, client, query, span):
            check_posts("vk.mentions", items, tally)
            rows: list[Row] = []
            for record in items:
                if record["owner_id"] in own:
                    continue  # own pages are read as walls, with their comments
                row = _mention(run, record, query)
                if row is None:
                    continue
                key = f"{row['owner_id']}_{row['post_id']}"
                digest = hashlib.sha256(row["text"].encode()).hexdigest()[:8]
                if key in seen:
                    continue
                seen[key] = [digest, record["date"]]
                tally.received += 1
                if memory.get("seen", {}).get(key, [None])[0] == digest:
                    tally.skipped_unchanged += 1
                else:
                    rows.append(row)
            yield from run.land("mentions", rows)
    except MethodStopped:
        tally.note("VK's daily limit of newsfeed.search is reached, mentions are read again tomorrow.")
        return
    if run.live:
        recent = {key: value for key, value in seen.items() if value[1] >= overlap_from}
        run.state.setdefault("mentions", {})[query] = {"until": to_unix(span.until), "seen": recent}


def _search(run: Run, client: VkClient, query: str, span: Window) -> Iterator[list[Any]]:
    """Pages of posts in the span, halved where VK would show only the newest thousand."""
    tally = run.tallies["mentions"]
    spans = [(to_unix(span.since), to_unix(span.until) - 1)]
    while spans:
        start, end = spans.pop()
        params: dict[str, Any] = {"q": query, "count": SEARCH_PAGE, "start_time": start, "end_time": end}
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
            yield items
            if not items or not answer.get("next_from"):
                break
            params = {**params, "start_from": answer["next_from"]}


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


def _live_span(run: Run, memory: dict[str, Any], history: datetime | None) -> Window:
    """From a little before the end of the last search, because the index lags, up to now."""
    until = run.fetched_at + timedelta(seconds=1)
    since = from_unix(memory["until"]) if "until" in memory else history or VK_OPENED
    return Window(min(since, until) - SEARCH_OVERLAP, until)
