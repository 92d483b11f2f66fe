"""Asks ПОС's service for one appeal, or looks into the folder of its exports."""

from __future__ import annotations

from ingestion.accounting import Tally
from ingestion.check import Probe
from ingestion.config import Region, Settings
from ingestion.folders import probe_folder
from ingestion.pos.client import PosClient
from ingestion.shape import page_items


def probe(region: Region, settings: Settings) -> Probe:
    """Whether the service answers to the token."""
    source = region.sources.pos
    assert source is not None, "asked for connected sources only"  # noqa: S101
    if source.folder is not None:
        return probe_folder(source.folder, "ПОС exports")
    client = PosClient(source.model_copy(update={"page_size": 1}), region, settings, Tally())
    for body in client.pages({}, promised=False):
        found = page_items("pos.appeals", body)
        return Probe("the service answers" if found else "the service answers and holds no appeal")
    return Probe("the service answers")
