"""Asks VK whether the token reads communities, walls and statistics."""

from __future__ import annotations

from ingestion.accounting import Tally
from ingestion.check import Probe
from ingestion.clock import to_unix
from ingestion.config import Region, Settings
from ingestion.vk.client import Call, Skipped, VkClient
from ingestion.vk.source import owners_of

_NO_STATS = {7: "no right", 15: "no right", 27: "no right"}


def probe(region: Region, settings: Settings) -> Probe:
    """Communities known to VK; the first wall and its statistics are tried."""
    source = region.sources.vk
    assert source is not None, "asked for connected sources only"  # noqa: S101
    owners = owners_of(region, source)
    client, tally = VkClient(source, region, settings), Tally()
    if not owners:
        return Probe("the token works, but no community is named")
    asked = ",".join(str(-owner) for owner in owners[:500])
    answer = client.call(Call("groups.getById", {"group_ids": asked}, f"{len(owners)} communities"), tally)
    groups = answer.get("groups", []) if isinstance(answer, dict) else answer
    closed = 0 if isinstance(answer, Skipped) else sum(bool(group.get("deactivated")) for group in groups)
    first = owners[0]
    now = to_unix(settings.now())
    span = {"timestamp_from": now - 2 * 86_400, "timestamp_to": now, "interval": "day"}
    wall, statistics = client.execute(
        [
            Call("wall.get", {"owner_id": first, "count": 1}, f"club{-first}"),
            Call("stats.get", {"group_id": -first, **span}, f"club{-first}"),
        ],
        tally,
        _NO_STATS,
    )
    missing = []
    if isinstance(statistics, Skipped):
        missing.append(f"statistics of club{-first}: its administrator has to give the token")
    if isinstance(wall, Skipped):
        missing.append(f"the wall of club{-first}: {wall.reason}")
    gone = f", {closed} of them deleted or banned" if closed else ""
    return Probe(f"{len(owners)} communities{gone}", tuple(missing))
