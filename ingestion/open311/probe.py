"""Asks an Open311 service for its list of request types."""

from __future__ import annotations

from ingestion.accounting import Tally
from ingestion.check import Probe
from ingestion.config import Region, Settings
from ingestion.errors import ContractBroken
from ingestion.open311.client import Open311Client


def probe(region: Region, settings: Settings) -> Probe:
    """Whether the service answers, and with how many request types."""
    source = region.sources.open311
    assert source is not None, "asked for connected sources only"  # noqa: S101
    services = Open311Client(source, region, settings, Tally()).services()
    if not isinstance(services, list):
        raise ContractBroken(
            "Open311 answers with no list of services", "check base_url in the region's file"
        )
    return Probe(f"the service answers, {len(services)} request types")
