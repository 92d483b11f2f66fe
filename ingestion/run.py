"""One load in progress, as a source's reader sees it: settings, cursors, counts and the way out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ingestion.accounting import LOADS, QUARANTINE, Tally
from ingestion.clock import Window, iso_z
from ingestion.config import Region, Settings
from ingestion.erasures import Erasures, book_of, read_book
from ingestion.privacy import safe_payload
from ingestion.sources import SourceSpec
from ingestion.tables import RawTable, Row, arrow_table

if TYPE_CHECKING:
    import pyarrow as pa

    from ingestion.bulk import BulkRows

# A table and a page of its rows, ready for dlt.
Batch = tuple[RawTable, "pa.Table"]


@dataclass
class Run:
    """Handed to a reader. `state` is dlt's resource state: it lands with the rows or not at all.

    A reader that may ask for more only after this load is committed sets `unfinished`; another load follows.
    """

    spec: SourceSpec
    region: Region
    settings: Settings
    window: Window | None
    fetched_at: datetime
    state: MutableMapping[str, Any]
    load_id: str = ""
    tallies: dict[str, Tally] = field(default_factory=dict)
    unfinished: bool = False
    bulk: BulkRows | None = None
    _quarantined: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tallies = {resource: Tally() for resource in self.spec.resources}
        self.pseudonyms = self.settings.pseudonyms()
        self.erased: Erasures = read_book(book_of(self.settings.data))
        self.latest = self.settings.latest_believable()

    @property
    def live(self) -> bool:
        """Live mode moves the cursors; a window never touches them."""
        return self.window is None

    def land(self, resource: str, rows: list[Row]) -> Iterator[Batch]:
        """Rows → one Arrow table for dlt; counts them as landed. Nothing is yielded for no rows.

        What was erased stays away, and is counted.
        """
        table = self.spec.resources[resource]
        if self.erased:
            region, came = self.region.region_id, len(rows)
            rows = [row for row in rows if not self.erased.covers(table, row, region, self.pseudonyms)]
            self.tallies[resource].erased += came - len(rows)
        if not rows:
            return
        self.tallies[resource].landed += len(rows)
        yield table, arrow_table(table, rows, self.region.region_id, self.fetched_at)

    def land_select(self, resource: str, select: str) -> int:
        """Rows that a SELECT on `bulk`'s connection yields, by the million; counts them as landed.

        Returns how many the SELECT yielded: what was erased stays away, and is counted.
        """
        assert self.bulk is not None, "the pipeline gives it to every load"  # noqa: S101
        table = self.spec.resources[resource]
        if self.erased:
            count, erased = self.bulk.insert_unerased(table, select, self.erased)
        else:
            count, erased = self.bulk.insert(table, select), 0
        self.tallies[resource].landed += count
        self.tallies[resource].erased += erased
        return count + erased

    def quarantine(
        self,
        resource: str,
        source_ref: str,
        reason: str,
        detail: str,
        record: Mapping[str, Any],
        keep: Collection[str],
    ) -> None:
        """Set one object aside. Of `record` only the fields in `keep` are kept, and masked."""
        self.set_aside_masked(resource, source_ref, reason, detail, safe_payload(record, keep))

    def set_aside_masked(
        self, resource: str, source_ref: str, reason: str, detail: str, payload: str
    ) -> None:
        """Set one object aside whose payload was masked by whoever received it."""
        self.tallies[resource].quarantined += 1
        self._quarantined.append(
            {
                "source": self.spec.name,
                "resource": resource,
                "source_ref": source_ref,
                "reason": reason,
                "detail": detail,
                "payload": payload,
            }
        )

    @property
    def set_aside(self) -> list[Row]:
        """Rows of quarantine so far, in the order in which they came."""
        return self._quarantined

    def check(self) -> None:
        """Every resource's identity holds, or AccountingBroken."""
        for resource, tally in self.tallies.items():
            tally.check(self.spec.name, resource)

    def books(self, load_seq: int) -> Iterator[Batch]:
        """The rows of `raw.loads` and `raw.quarantine`, which travel in the same package."""
        loads = [
            tally.row(
                source=self.spec.name,
                resource=resource,
                load_seq=load_seq,
                mode="live" if self.window is None else "window",
                window_since=self.window.since if self.window else None,
                window_until=self.window.until if self.window else None,
            )
            for resource, tally in self.tallies.items()
        ]
        for table, rows in ((LOADS, loads), (QUARANTINE, self._quarantined)):
            if rows:
                yield table, arrow_table(table, rows, self.region.region_id, self.fetched_at)

    def describe(self) -> str:
        """Source, region and window for messages."""
        span = f" [{iso_z(self.window.since)}, {iso_z(self.window.until)})" if self.window else ""
        return f"{self.spec.name} of {self.region.region_id}{span}"
