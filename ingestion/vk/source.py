"""Reads VK: pages and statistics once a day; walls with comments and polls, boards, mentions elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ingestion.accounting import Tally
from ingestion.clock import from_unix, to_unix
from ingestion.config import Region, VkSource
from ingestion.errors import ConfigError, RequestRefused
from ingestion.registry.source import community_ids
from ingestion.run import Batch, Run
from ingestion.shape import page_items
from ingestion.vk.boards import BoardReader
from ingestion.vk.callbacks import Pushed
from ingestion.vk.client import EXECUTE_CALLS, Call, MethodStopped, Skipped, Stopped, VkClient, stop_among
from ingestion.vk.mentions import MentionReader
from ingestion.vk.polls import PollReader
from ingestion.vk.rows import GROUP, PERIOD, community_row, stats_row
from ingestion.vk.walls import Wall, WallReader

GROUPS_PER_CALL = 500
_FIELDS = (
    "members_count,description,cover,verified,status,city,menu,activity,site,has_photo,"
    "is_government_organization"
)
_FIRST_STATS = timedelta(days=90)
_STATS_SPAN = timedelta(days=180)  # VK answers with a year at most
_NO_STATS = {7: "the token may not read its statistics"}


def read(run: Run) -> Iterator[Batch]:
    """Everything of VK; a window reads posts, comments, mentions and statistics of that span only."""
    source = run.region.sources.vk
    assert source is not None, "pipeline checks that the source is connected"  # noqa: S101
    owners = owners_of(run.region, source)
    client = VkClient(source, run.region, run.settings)
    local_day = _local_day(run)
    was_ahead = to_unix(run.fetched_at) < int(run.state.get("polled", 0))  # the clock, when it named its day
    first_today = run.live and (was_ahead or run.state.get("day") != local_day.isoformat())
    if first_today:
        yield from _communities(run, client, owners)
    opened_on = run.region.opened_on
    history = _local_midnight(run, opened_on) if opened_on else None
    lookback_from = _lookback_from(run, source)
    # Taken before the walls are read, so that what these say of the same comment is never older.
    pushed = Pushed(run)
    if run.live and source.callback is not None:
        pushed.take()
    yield from pushed.outdated_by(_walls(run, client, source, owners, history, lookback_from))
    if source.boards:
        yield from BoardReader(run, client).read(owners, first_today)
    yield from _mentions(run, client, source, owners, history, lookback_from)
    if first_today or not run.live:
        yield from _statistics(run, client, owners, local_day)
    yield from pushed.land()
    if run.live:
        run.state["day"] = local_day.isoformat()
        run.state["polled"] = to_unix(run.fetched_at)


def _lookback_from(run: Run, source: VkSource) -> datetime:
    """Since when posts are polled for late comments.

    Counted from the poll before this one: after days without a poll, what was written meanwhile under posts
    that have grown too old since is still read.
    """
    if run.window is not None:
        start = run.window.since
    elif "polled" in run.state:
        start = min(run.fetched_at, from_unix(run.state["polled"]))
    else:
        start = run.fetched_at
    return start - timedelta(days=source.lookback_days)


def owners_of(region: Region, source: VkSource) -> list[int]:
    """Ids of the communities to read, negative: from the registry export, or listed."""
    if source.communities != "registry":
        return sorted({-abs(number) for number in source.communities})
    if region.sources.registry is None:
        raise ConfigError(
            f"The region {region.region_id} takes its VK communities from a registry it does not have",
            "add sources.registry to its file, or list the ids in sources.vk.communities",
        )
    return [-number for number in community_ids(region.sources.registry)]


def pages_named(numbers: Sequence[int]) -> str:
    """What a sentence calls these communities: the first by name, the others by their number."""
    others = len(numbers) - 1
    return f"club{numbers[0]}" + (f" and {others:,} other{'s' * (others > 1)}" if others else "")


def _local_day(run: Run) -> date:
    return run.fetched_at.replace(tzinfo=UTC).astimezone(run.region.zone).date()


def _local_midnight(run: Run, day: date) -> datetime:
    """Start of a local day as naive UTC."""
    return datetime.combine(day, time(), run.region.zone).astimezone(UTC).replace(tzinfo=None)


def _communities(run: Run, client: VkClient, owners: list[int]) -> Iterator[Batch]:
    tally = run.tallies["communities"]
    for start in range(0, len(owners), GROUPS_PER_CALL):
        asked = [-owner for owner in owners[start : start + GROUPS_PER_CALL]]
        found: dict[int, Any] = {}
        stopped = None
        # A page that VK does not know is rare, an answer that lacks some is not: these are asked for again.
        for attempt in range(2):
            missing = [number for number in asked if number not in found]
            if not missing:
                break
            tally.retries += attempt
            try:
                found |= {group["id"]: group for group in _groups(client, missing, tally, again=attempt > 0)}
            except MethodStopped as limit:
                stopped = limit.method
                break
        missing = [number for number in asked if number not in found]
        if missing and not stopped:
            tally.note(f"VK does not know {', '.join(f'club{number}' for number in missing[:20])}.")
        tally.received += len(found)
        yield from run.land("communities", [community_row(group) for group in found.values()])
        if stopped:
            tally.note(f"VK's daily limit of {stopped} is reached, communities are read again tomorrow.")
            return


def _groups(client: VkClient, asked: list[int], tally: Tally, *, again: bool) -> list[Any]:
    params = {"group_ids": ",".join(map(str, asked)), "fields": _FIELDS}
    try:
        answer = client.call(Call("groups.getById", params, pages_named(asked)), tally)
    except RequestRefused:
        if again:
            return []  # none of those that were missing exists
        raise
    if isinstance(answer, Skipped):
        tally.note(f"{pages_named(asked)} were skipped: {answer.reason}.")
        return []
    # Before 5.139 the answer was a bare list.
    groups = answer if isinstance(answer, list) else page_items("vk.communities", answer, "groups")
    tally.unknown_fields |= GROUP.check("vk.communities", groups)
    return [group for group in groups if group["id"] in asked]


def _walls(
    run: Run,
    client: VkClient,
    source: VkSource,
    owners: list[int],
    history: datetime | None,
    lookback_from: datetime,
) -> Iterator[Batch]:
    known = set(run.state.get("walls", [])) if run.live else set(owners)
    walls = [Wall(owner, lookback_from if owner in known else history) for owner in owners]
    reread_from = run.fetched_at - timedelta(days=source.reread_days)
    reader = WallReader(run, client, lookback_from, reread_from)
    yield from reader.posts(walls)
    yield from reader.comments()
    reader.remember()
    yield from PollReader(run, client, to_unix(lookback_from)).read(reader.polls)
    if run.live:
        # A wall that could not be read to its end is read from the start next time.
        run.state["walls"] = sorted(known | {wall.owner_id for wall in walls if wall.complete})


def _mentions(
    run: Run,
    client: VkClient,
    source: VkSource,
    owners: list[int],
    history: datetime | None,
    lookback_from: datetime,
) -> Iterator[Batch]:
    reader = MentionReader(run, client, frozenset(owners), history, lookback_from)
    for query in source.search_queries:
        yield from reader.posts(query)
    yield from reader.comments()
    reader.remember()


def _statistics(run: Run, client: VkClient, owners: list[int], local_day: date) -> Iterator[Batch]:
    """Whole local days from the last one read on, not the one that still runs. That last one comes again:
    a clock that was ahead took it for whole too early."""
    tally = run.tallies["stats"]
    last_days: dict[str, str] = dict(run.state.get("stats", {}))
    until = local_day if run.window is None else min(local_day, _day_of(run, run.window.until))
    spans = [
        (owner, since, min(since + _STATS_SPAN, until))
        for owner in owners
        for since in _starts(_stats_from(run, last_days.get(str(owner)), local_day), until)
    ]
    behind: set[int] = set()  # owners that lack a span: their days are asked for from there on
    for start in range(0, len(spans), EXECUTE_CALLS):
        batch = spans[start : start + EXECUTE_CALLS]
        calls = [_stats_call(run, *span) for span in batch]
        answers = client.execute(calls, tally, _NO_STATS)
        empty = [place for place, answer in enumerate(answers) if answer == []]
        if empty and not stop_among(answers):
            tally.retries += 1  # that is how statistics get lost
            again = client.execute([calls[place] for place in empty], tally, _NO_STATS)
            for place, answer in zip(empty, again, strict=True):
                answers[place] = answer
        for (owner, since, end), answer in zip(batch, answers, strict=True):
            if isinstance(answer, Stopped):
                behind.add(owner)
                continue
            if isinstance(answer, Skipped):
                tally.note(f"club{-owner}: no statistics, {answer.reason}.")
                continue
            periods = page_items("vk.stats", {"items": answer})
            tally.unknown_fields |= PERIOD.check("vk.stats", periods)
            dated = ((_day_of(run, from_unix(one["period_from"])), one) for one in periods)
            days = {day: one for day, one in dated if since <= day < end}
            tally.received += len(days)
            yield from run.land("stats", [stats_row(owner, one, day) for day, one in days.items()])
            if days and owner not in behind:  # else the span is asked for again with the next day
                last_days[str(owner)] = max(days).isoformat()
        if stop_among(answers):
            tally.note("VK's daily limit of stats.get is reached, statistics are read again tomorrow.")
            break
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
        return date.fromisoformat(last_day)
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
