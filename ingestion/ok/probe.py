"""Asks OK whether keys and session are good, and whether the first groups can be read."""

from __future__ import annotations

from ingestion.accounting import Tally
from ingestion.check import Probe
from ingestion.config import Region, Settings
from ingestion.network_rows import wanted_pages
from ingestion.ok.client import MethodStopped, OkClient, Skipped

TRIED = 20  # groups: a second's requests at the rate that is usual


def probe(region: Region, settings: Settings) -> Probe:
    """Groups named; the first 20 are looked up, and those that OK refuses or does not know are named."""
    source = region.sources.ok
    assert source is not None, "asked for connected sources only"  # noqa: S101
    names = wanted_pages(region, source, "ok")
    if not names:
        return Probe("no group is named, so the keys were not tried")
    client, missing = OkClient(source, region, settings), []
    for name in names[:TRIED]:
        try:
            if reason := _refusal(client, name):
                missing.append(f"the group {name}: {reason}")
        except MethodStopped as stopped:
            said = f"the keys work; today's limit of {stopped.method} is reached"
            return Probe(said, tuple(missing))
    return Probe(f"{len(names)} groups", tuple(missing))


def _refusal(client: OkClient, name: str) -> str:
    """Why the group cannot be read; empty where it can."""
    if name.isdigit():
        params = {"uids": name, "fields": "uid,name"}
        answer = client.call("group.getInfo", params, f"the group {name}", Tally())
        known = bool(answer)
    else:
        url = {"url": f"https://ok.ru/{name}"}
        answer = client.call("url.getInfo", url, f"the page {name}", Tally())
        known = isinstance(answer, dict) and answer.get("type") == "GROUP"
    if isinstance(answer, Skipped):
        return answer.reason
    return "" if known else "OK knows no such group"
