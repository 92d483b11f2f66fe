"""Has anything come? Asked often and cheaply, so that a run starts only for what is new.

A run of the street costs seconds before its first row, whatever it finds. A pass of this reads the polled
sources in a process that stands, and says whether a run is due; the rows it landed wait in raw for that run.
A pass that finds nothing writes nothing: freshness is told by runs, of which there is one at least every
OTKLIK_RESTATE_MINUTES.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ingestion.clock import parse_utc
from ingestion.clocks import refuse_a_wrong_clock
from ingestion.config import Settings, load_regions
from ingestion.erasures import book_of, read_book
from ingestion.errors import IngestionError
from ingestion.lock import warehouse_lock
from ingestion.pipeline import ingest
from ingestion.sources import SOURCES
from publishing.confirmed import confirmed_manifest
from publishing.release import Shelf

POLLED = tuple(name for name, spec in SOURCES.items() if spec.polled)


@dataclass(frozen=True)
class Polled:
    """What a pass found. `landed` counts rows, quarantined ones included; `due` says why a run is due, empty
    where none is."""

    landed: int
    failures: list[str] = field(default_factory=list)
    due: str = ""


def poll(settings: Settings, run_id: str = "") -> Polled:
    """Read the polled sources of every region from their cursors; say whether a run is due.

    A source that cannot be read makes a run due: the run meets the same trouble and tells it where failures
    are told. Raises Busy while somebody else writes.
    """
    regions = load_regions(settings)
    landed, failures = 0, []
    with warehouse_lock(settings, "a poll"):
        try:
            refuse_a_wrong_clock(settings, regions.values())
        except IngestionError as error:
            return Polled(0, [str(error)], str(error))
        for region in regions.values():
            for source in POLLED:
                if source not in region.connected:
                    continue
                try:
                    report = ingest(source, region, settings, run_id=run_id, keep_empty=False)
                except IngestionError as error:
                    failures.append(f"{region.region_id}: {error}")
                else:
                    landed += sum(tally.landed + tally.quarantined for tally in report.resources.values())
        return Polled(landed, failures, _due(settings, landed, failures))


def _due(settings: Settings, landed: int, failures: list[str]) -> str:
    if failures:
        return failures[0]
    if landed:
        return f"{landed} rows have come."
    manifest = confirmed_manifest(Shelf(settings.data / "published"))
    if manifest is None:
        return "Nothing has been published yet."
    if manifest.get("erasures", 0) != read_book(book_of(settings.data)).count:
        return "Something was erased since the release."
    age = settings.now() - parse_utc(manifest["as_of"])
    if age >= timedelta(minutes=settings.restate_minutes):
        return f"The figures are {int(age.total_seconds() // 60)} minutes old."
    waiting = unpublished(settings, manifest)
    return f"{waiting} rows wait in raw." if waiting else ""


def unpublished(settings: Settings, manifest: dict[str, Any]) -> int:
    """Rows that landed or were set aside after the loads that a release was made of, or confirmed by."""
    import duckdb

    marks = [(mark["region_id"], mark["source"], mark["load_seq"]) for mark in manifest["watermarks"]]
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        connection.execute("create temp table marks (region_id varchar, source varchar, load_seq bigint)")
        if marks:
            connection.executemany("insert into marks values (?, ?, ?)", marks)
        found = connection.execute(
            """
            select coalesce(sum(loads.landed + loads.quarantined), 0)
            from raw.loads as loads
            left join marks using (region_id, source)
            where
                loads.load_seq > coalesce(marks.load_seq, -1)
                and loads._dlt_load_id in (select load_id from raw._dlt_loads where status = 0)
            """
        ).fetchone()
    return int(found[0]) if found else 0
