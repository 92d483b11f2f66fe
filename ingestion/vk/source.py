"""Reads VK: communities and statistics once a day, walls with their comments, and mentions elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ingestion.clock import Window, from_unix, to_unix
from ingestion.config import ConfigError, Region, VkSource
from ingestion.registry.source import community_ids
from ingestion.run import Batch, Run
from ingestion.shape import page_items
from ingestion.tables import Row
from ingestion.vk.client import EXECUTE_CALLS, Call, MethodStopped, Skipped, VkClient
from ingestion.vk.rows import (
    GROUP,
    PERIOD,
    SAFE_FIELDS,
    ImpossibleDateError,
    check_posts,
    community_row,
    mention_row,
    moment,
    stats_row,
)
from ingestion.vk.walls import Wall, WallReader

GROUPS_PER_CALL = 500
SEARCH_PAGE = 200
SEARCH_REACH = 1000  # newsfeed.search shows no more than this many posts of one span
_FIELDS = (
    "members_count,description,cover,verified,status,city,menu,activity,site,has_photo,"
    "is_government_organization"
)
_SEARCH_OVERLAP = timedelta(days=1)  # VK's search index lags behind the walls
_FIRST_STATS = timedelta(days=90)
_STATS_SPAN = timedelta(days=180)  # VK answers with a year at most
_NO_STATS = {7: "the token may not read its statistics"}
_VK_OPENED = datetime(2006, 10, 10)  # noqa: DTZ001 - naive UTC, as everywhere in the warehouse


def read(run: Run) -> Iterator[Batch]:
    """Everything of VK; a window reads posts, comments, mentions and statistics of that span only."""
    source = run.region.sources.vk
    assert source is not None, "pipeline checks that the source is connected"  # noqa: S101
    owners = _owners(run.region, source)
    client = VkClient(source, run.region, run.settings)
    local_day = _local_day(run)
    first_today = run.live and run.state.get("day") != local_day.isoformat()
    if first_today:
        yield from _communities(run, client, owners)
    yield from _walls(run, client, source, owners)
    for query in source.search_queries:
        yield from _mentions(run, client, query, frozenset(owners))
    if first_today or not run.live:
        yield from _statistics(run, client, owners, local_day)
    if run.live:
        run.state["day"] = local_day.isoformat()


def _owners(region: Region, source: VkSource) -> list[int]:
    if source.communities != "registry":
        return sorted({-abs(number) for number in source.communities})
    if region.sources.registry is None:
        raise ConfigError(
            f"The region {region.region_id} takes its VK communities from a registry it does not have",
            "add sources.registry to its file, or list the ids in sources.vk.communities",
        )
    return [-number for number in community_ids(region.sources.registry)]


def _local_day(run: Run) -> date:
    return run.fetched_at.replace(tzinfo=UTC).astimezone(run.region.zone).date()


def _local_midnight(run: Run, day: date) -> datetime:
    """Start of a local day as naive UTC."""
    return datetime.combine(day, time(), run.region.zone).astimezone(UTC).replace(tzinfo=None)


def _communities(run: Run, client: VkClient, owners: list[int]) -> Iterator[Batch]:
    tally = run.tallies["communities"]
    for start in range(0, len(owners), GROUPS_PER_CALL):
        asked = [-owner for owner in owners[start : start + GROUPS_PER_CALL]]
        params = {"group_ids": ",".join(map(str, asked)), "fields": _FIELDS}
        answer = client.call(Call("groups.getById", params, f"{len(asked)} communities"), tally)
        if isinstance(answer, Skipped):
            tally.note(f"{len(asked)} communities were skipped: {answer.reason}.")
            continue
        # Before 5.139 the answer was a bare list.
        groups = answer if isinstance(answer, list) else page_items("vk.communities", answer, "groups")
        tally.unknown_fields |= GROUP.check("vk.communities", groups)
        tally.received += len(groups)
        missing = sorted(set(asked) - {group["id"] for group in groups})
        if missing:
            tally.note(f"VK does not know {', '.join(f'club{number}' for number in missing[:20])}.")
        yield from run.land("communities", [community_row(group) for group in groups])


def _walls(run: Run, client: VkClient, source: VkSource, owners: list[int]) -> Iterator[Batch]:
    lookback = timedelta(days=source.lookback_days)
    if run.window is not None:
        walls = [Wall(owner, run.window.since - lookback) for owner in owners]
        reader = WallReader(run, client, run.window.since - lookback)
    else:
        opened_on = run.region.opened_on
        history = _local_midnight(run, opened_on) if opened_on else None
        known = set(run.state.get("walls", []))
        recent = run.fetched_at - lookback
        walls = [Wall(owner, recent if owner in known else history) for owner in owners]
        reader = WallReader(run, client, recent)
    yield from reader.posts(walls)
    yield from reader.comments()
    reader.remember()
    if run.live:
        # A wall that could not be read to its end is read from the start next time.
        run.state["walls"] = sorted(known | {wall.owner_id for wall in walls if wall.complete})


def _mentions(run: Run, client: VkClient, query: str, own: frozenset[int]) -> Iterator[Batch]:
    tally = run.tallies["mentions"]
    memory: dict[str, Any] = run.state.get("mentions", {}).get(query, {}) if run.live else {}
    span = run.window or Window(_search_from(run, memory), run.fetched_at + timedelta(seconds=1))
    seen: dict[str, Any] = {}
    overlap_from = to_unix(span.until - _SEARCH_OVERLAP)
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


def _search_from(run: Run, memory: dict[str, Any]) -> datetime:
    if "until" in memory:
        return from_unix(memory["until"]) - _SEARCH_OVERLAP
    return _local_midnight(run, run.region.opened_on) if run.region.opened_on else _VK_OPENED


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
        created_at = moment(record)
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


def _statistics(run: Run, client: VkClient, owners: list[int], local_day: date) -> Iterator[Batch]:
    """Whole local days since the last one read; the day that still runs is never landed."""
    tally = run.tallies["stats"]
    last_days: dict[str, str] = dict(run.state.get("stats", {}))
    until = local_day if run.window is None else min(local_day, _day_of(run, run.window.until))
    spans = [
        (owner, since, min(since + _STATS_SPAN, until))
        for owner in owners
        for since in _starts(_stats_from(run, last_days.get(str(owner)), local_day), until)
    ]
    try:
        for start in range(0, len(spans), EXECUTE_CALLS):
            batch = spans[start : start + EXECUTE_CALLS]
            calls = [_stats_call(run, *span) for span in batch]
            for (owner, since, end), answer in zip(
                batch, client.execute(calls, tally, _NO_STATS), strict=True
            ):
                if isinstance(answer, Skipped):
                    tally.note(f"club{-owner}: no statistics, {answer.reason}.")
                    continue
                periods = page_items("vk.stats", {"items": answer})
                tally.unknown_fields |= PERIOD.check("vk.stats", periods)
                dated = ((_day_of(run, from_unix(one["period_from"])), one) for one in periods)
                rows = [stats_row(owner, one, day) for day, one in dated if since <= day < end]
                tally.received += len(rows)
                yield from run.land("stats", rows)
                last_days[str(owner)] = (end - timedelta(days=1)).isoformat()
    except MethodStopped:
        tally.note("VK's daily limit of stats.get is reached, statistics are read again tomorrow.")
    if run.live:
        run.state["stats"] = last_days


def _starts(since: date, until: date) -> Iterator[date]:
    while since < until:
        yield since
        since += _STATS_SPAN


def _stats_from(run: Run, last_day: str | None, local_day: date) -> date:
    if run.window is not None:
        return _day_of(run, run.window.since)
    if last_day:
        return date.fromisoformat(last_day) + timedelta(days=1)
    return run.region.opened_on or local_day - _FIRST_STATS


def _stats_call(run: Run, owner: int, since: date, until: date) -> Call:
    params = {
        "group_id": -owner,
        "timestamp_from": to_unix(_local_midnight(run, since)),
        "timestamp_to": to_unix(_local_midnight(run, until)) - 1,
        "interval": "day",
    }
    return Call("stats.get", params, f"club{-owner}")


def _day_of(run: Run, moment_utc: datetime) -> date:
    return moment_utc.replace(tzinfo=UTC).astimezone(run.region.zone).date()
