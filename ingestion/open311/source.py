"""Reads an Open311 service: live what is new or changed, by window what was requested in it.

Live asks twice: for requests made in the last days, since real services date changes before the request
or leave the date out, and for changes since the newest one seen. What came before is known by its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from ingestion.clock import iso_z, parse_utc
from ingestion.open311.client import Filter, Open311Client
from ingestion.privacy import mask_names, mask_optional
from ingestion.run import Batch, Run
from ingestion.shape import NULL, Shape, names
from ingestion.tables import Row

_TEXT = (str, NULL)
_NUMBER = (int, float, str)
REQUEST = Shape(
    required={"service_request_id": (str, int, NULL), "requested_datetime": _TEXT, "status": _TEXT},
    optional={
        "service_code": (str, int),
        "service_name": (str,),
        "status_notes": (str,),
        "description": (str,),
        "agency_responsible": (str,),
        "updated_datetime": (str,),
        "expected_datetime": (str,),
        "address": (str,),
        "zipcode": (str, int),
        "lat": _NUMBER,
        "long": _NUMBER,
    },
    ignored=names("service_notice address_id media_url media token extended_attributes"),
)
_EARLIEST_YEAR = 2005
_BEGINNING = datetime(_EARLIEST_YEAR, 1, 1)  # noqa: DTZ001 - naive UTC
_KEEP = frozenset(REQUEST.required) | frozenset(REQUEST.optional) - {"address", "agency_responsible"}
_DEFAULT_HISTORY = timedelta(days=365)


def read(run: Run) -> Iterator[Batch]:
    """Versions of requests that are not known yet."""
    source = run.region.sources.open311
    assert source is not None, "pipeline checks that the source is connected"  # noqa: S101
    client = Open311Client(source, run.region, run.settings, run.tallies["requests"])
    reader = _Reader(run, client)
    if run.window is not None:
        yield from reader.pages("requested", run.window.since, run.window.until)
        return
    now = run.settings.now()
    if "updated_at" not in run.state:
        yield from reader.pages("requested", _opened(run, now), now)
    else:
        polled_at = parse_utc(run.state["polled_at"])
        yield from reader.pages("requested", polled_at - timedelta(days=source.lookback_days), now)
        if source.updates == "updated_after":
            yield from reader.pages("updated", parse_utc(run.state["updated_at"]), now)
    reader.remember(now, source.lookback_days)


def _opened(run: Run, now: datetime) -> datetime:
    """Local midnight of the region's first day, in UTC; a year ago where the region does not name it."""
    opened = run.region.opened_on
    if opened is None:
        return now - _DEFAULT_HISTORY
    midnight = datetime(opened.year, opened.month, opened.day, tzinfo=run.region.zone)
    return max(_BEGINNING, midnight.astimezone(UTC).replace(tzinfo=None))


class _Reader:
    """Lands pages and knows what has landed: digests by id, with the day from which each counts."""

    def __init__(self, run: Run, client: Open311Client) -> None:
        self._run, self._client = run, client
        self._tally = run.tallies["requests"]
        self._known: dict[str, list[str]] = dict(run.state.get("known", {})) if run.live else {}
        self._newest = parse_utc(run.state["updated_at"]) if "updated_at" in run.state else _BEGINNING
        self._odd = 0

    def pages(self, by: Filter, since: datetime, until: datetime) -> Iterator[Batch]:
        """Rows of all pages of a span."""
        for page in self._client.requests(by, since, until):
            self._tally.unknown_fields |= REQUEST.check("open311.requests", page)
            self._tally.received += len(page)
            rows: list[Row] = []
            for record in page:
                reference = str(record["service_request_id"] or "(no id)")
                digest = hashlib.sha256(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
                if self._known.get(reference, [""])[0] == digest:
                    self._tally.skipped_unchanged += 1
                    continue
                try:
                    row = self._row(record)
                except ValueError as error:
                    self._run.quarantine(
                        "requests", reference, "unusable request", f"{error}.", record, _KEEP
                    )
                    self._known[reference] = [digest, iso_z(self._run.settings.now())]
                    continue
                if self._run.window is not None and row["requested_at"] not in self._run.window:
                    self._tally.received -= 1  # services take the end of a window in; we leave it out
                    continue
                stamp = max(row["requested_at"], row["updated_at"] or row["requested_at"])
                self._known[reference] = [digest, iso_z(stamp)]
                self._newest = max(self._newest, row["updated_at"] or row["requested_at"])
                rows.append(row)
            yield from self._run.land("requests", rows)

    def remember(self, now: datetime, lookback_days: int) -> None:
        """Move the cursor; digests are kept as long as their requests may come again."""
        if self._odd:
            self._tally.note(
                f"{self._odd} dates of changes were unreadable or impossible and were left empty."
            )
        horizon = iso_z(min(self._newest, now - timedelta(days=lookback_days + 1)))
        known = {key: told for key, told in self._known.items() if told[1] >= horizon}
        self._run.state.update(updated_at=iso_z(self._newest), polled_at=iso_z(now), known=known)

    def _row(self, record: Mapping[str, Any]) -> Row:
        key = record["service_request_id"]
        if key is None or str(key).strip() == "":
            raise ValueError("The request has no id")
        if record["requested_datetime"] is None:
            raise ValueError("requested_datetime is empty")
        requested_at = _moment(record["requested_datetime"], self._run.region.zone)
        if requested_at is None:
            raise ValueError("requested_datetime is no ISO-8601 time")
        if not self._believable(requested_at):
            raise ValueError(f"requested_datetime is before {_EARLIEST_YEAR} or in the future")
        return {
            "service_request_id": str(key).strip(),
            "service_code": _text(record.get("service_code")),
            "service_name": mask_optional(record.get("service_name")),
            "status": record["status"],
            "status_notes": mask_optional(record.get("status_notes")),
            "description": mask_optional(record.get("description")),
            "agency_responsible": mask_names(record.get("agency_responsible")),
            "requested_at": requested_at,
            "updated_at": self._optional(record.get("updated_datetime")),
            "expected_at": _moment(record.get("expected_datetime"), self._run.region.zone),
            "address": mask_optional(record.get("address")),
            "zipcode": _text(record.get("zipcode")),
            "latitude": _degrees(record.get("lat"), 90),
            "longitude": _degrees(record.get("long"), 180),
        }

    def _optional(self, text: str | None) -> datetime | None:
        moment = _moment(text, self._run.region.zone)
        if text and (moment is None or not self._believable(moment)):
            self._odd += 1
            return None
        return moment

    def _believable(self, moment: datetime) -> bool:
        return moment.year >= _EARLIEST_YEAR and moment <= self._run.latest


def _moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    """Naive UTC; without an offset it is the region's wall time. None where it is no time."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
        return moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _text(value: str | int | None) -> str | None:
    return None if value is None or value == "" else str(value)


def _degrees(value: float | str | None, bound: int) -> float | None:
    try:
        degrees = None if value is None or value == "" else float(value)
    except ValueError:
        return None
    return degrees if degrees is not None and abs(degrees) <= bound else None
