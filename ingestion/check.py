"""Can we read it: reach, token, rights and lag of every configured source, without reading anything in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ingestion.config import Region, Settings
from ingestion.errors import IngestionError
from ingestion.sources import SOURCES


@dataclass(frozen=True)
class Probe:
    """What a source said of itself: `seen` is a short phrase, `missing` names rights and what they cost."""

    seen: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceCheck:
    """One source of one region. `last_load` is naive UTC, None before the first load."""

    region_id: str
    source: str
    usable: bool
    sentence: str
    missing: tuple[str, ...] = ()
    last_load: datetime | None = None
    behind_minutes: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self) | {"last_load": self.last_load.isoformat() if self.last_load else None}


def check_sources(settings: Settings, regions: Mapping[str, Region]) -> Iterator[SourceCheck]:
    """One line for each configured source, in the order in which they are read; failures are lines, too."""
    # Two tries tell a hiccup from an outage; whoever asks does not want to wait for five.
    patience = settings.patience.model_copy(update={"attempts": 2, "longest_wait": 2.0})
    quick = settings.model_copy(update={"patience": patience})
    loads = _last_loads(settings)
    for region in regions.values():
        for name in region.connected:
            last = loads.get((region.region_id, name))
            behind = max(0, int((settings.now() - last).total_seconds() // 60)) if last else None
            try:
                probe = SOURCES[name].prober()(region, quick)
                usable, sentence, missing = True, probe.seen, probe.missing
            except IngestionError as error:
                usable, sentence, missing = False, str(error), ()
            yield SourceCheck(region.region_id, name, usable, sentence, missing, last, behind)


def _last_loads(settings: Settings) -> dict[tuple[str, str], datetime]:
    """Newest finished load by region and source; nothing where the warehouse is absent or being written."""
    import duckdb

    if not settings.warehouse.exists():
        return {}
    try:
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            rows = connection.execute(
                "select region_id, source, max(fetched_at) from raw.loads group by region_id, source"
            ).fetchall()
    except duckdb.Error:
        return {}
    return {(region_id, source): moment for region_id, source, moment in rows}
