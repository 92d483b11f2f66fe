"""Asks VK whether the token reads communities, walls and statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ingestion.accounting import Tally
from ingestion.check import Probe
from ingestion.clock import to_unix
from ingestion.config import Region, Settings
from ingestion.network_rows import listed
from ingestion.vk.client import EXECUTE_CALLS, Call, MethodStopped, Skipped, VkClient, stop_among
from ingestion.vk.source import GROUPS_PER_CALL, owners_of, pages_named

_NO_STATS = {7: "no right", 15: "no right", 27: "no right"}


def probe(region: Region, settings: Settings) -> Probe:
    """Communities known to VK; walls and statistics of the first 25 are tried."""
    source = region.sources.vk
    assert source is not None, "asked for connected sources only"  # noqa: S101
    owners = owners_of(region, source)
    client, tally = VkClient(source, region, settings), Tally()
    if not owners:
        return Probe("the token works, but no community is named")
    asked = [-owner for owner in owners[:GROUPS_PER_CALL]]
    ids = {"group_ids": ",".join(map(str, asked))}
    try:
        answer = client.call(Call("groups.getById", ids, pages_named(asked)), tally)
    except MethodStopped as stopped:
        return Probe(f"the token works; today's limit of {stopped.method} is reached")
    groups = answer.get("groups", []) if isinstance(answer, dict) else answer
    closed = 0 if isinstance(answer, Skipped) else sum(bool(group.get("deactivated")) for group in groups)
    tried = asked[:EXECUTE_CALLS]
    now = to_unix(settings.now())
    span = {"timestamp_from": now - 2 * 86_400, "timestamp_to": now, "interval": "day"}
    statistics = client.execute(
        [Call("stats.get", {"group_id": one, **span}, f"club{one}") for one in tried], tally, _NO_STATS
    )
    walls = client.execute(
        [Call("wall.get", {"owner_id": -one, "count": 1}, f"club{one}") for one in tried], tally
    )
    missing = [
        *_refused(tried, statistics, "statistics", "its administrator has to give the token"),
        *_refused(tried, walls, "the wall"),
    ]
    gone = f", {closed} of them deleted or banned" if closed else ""
    limits = "".join(
        f"; today's limit of {stopped.method} is reached"
        for stopped in (stop_among(statistics), stop_among(walls))
        if stopped
    )
    return Probe(f"{len(owners)} communities{gone}{limits}", tuple(missing))


def _refused(tried: Sequence[int], answers: Sequence[Any], what: str, step: str = "") -> Iterator[str]:
    """One phrase for each reason, with the pages that gave it."""
    by_reason: dict[str, list[str]] = {}
    for number, answer in zip(tried, answers, strict=True):
        if isinstance(answer, Skipped):
            by_reason.setdefault(step or answer.reason, []).append(f"club{number}")
    for reason, pages in by_reason.items():
        yield f"{what} of {listed(pages, len(tried))}: {reason}"
