"""Viber pushes: what can be asked is whether the inbox could check its signatures, and what waits there."""

from __future__ import annotations

from ingestion.check import Probe
from ingestion.config import Region, Settings
from ingestion.inbox.journal import entries_after, journal_path


def probe(region: Region, settings: Settings) -> Probe:
    """The token is set; how many events the journal holds."""
    source = region.sources.viber
    assert source is not None, "asked for connected sources only"  # noqa: S101
    settings.token(source.token_env, region, "viber")
    kept = sum(1 for _ in entries_after(journal_path(settings.data), "viber", region.region_id, 0))
    missing = (
        () if kept else ("events: none has come yet; is `otklik inbox serve` reachable and registered?",)
    )
    return Probe(f"{kept} events in the inbox", missing)
