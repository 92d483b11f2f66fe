"""Asks OK whether keys and session are good, and whether the first group can be read."""

from __future__ import annotations

from ingestion.accounting import Tally
from ingestion.check import Probe
from ingestion.config import Region, Settings
from ingestion.network_rows import wanted_pages
from ingestion.ok.client import MethodStopped, OkClient, Skipped


def probe(region: Region, settings: Settings) -> Probe:
    """Groups named; the first one's address is looked up."""
    source = region.sources.ok
    assert source is not None, "asked for connected sources only"  # noqa: S101
    names = wanted_pages(region, source, "ok")
    if not names:
        return Probe("no group is named, so the keys were not tried")
    client = OkClient(source, region, settings)
    try:
        if names[0].isdigit():
            params = {"uids": names[0], "fields": "uid,name"}
            answer = client.call("group.getInfo", params, f"the group {names[0]}", Tally())
        else:
            url = {"url": f"https://ok.ru/{names[0]}"}
            answer = client.call("url.getInfo", url, f"the page {names[0]}", Tally())
    except MethodStopped as stopped:
        return Probe(f"the keys work; today's limit of {stopped.method} is reached")
    missing = (f"the group {names[0]}: {answer.reason}",) if isinstance(answer, Skipped) else ()
    return Probe(f"{len(names)} groups", missing)
