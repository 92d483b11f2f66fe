"""Our clock against the sources': a wrong one dates snapshots of pages, and with them the figures, and nobody
could tell later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from ingestion.clock import iso_z, utc_now
from ingestion.config import Region, Settings
from ingestion.errors import ClockWrong


def compare_clocks(title: str, date: str | None, tolerance: float) -> bool:
    """Whether an answer's `Date` tells a time. Raises ClockWrong where that is not ours, give or take
    `tolerance` seconds; 0: whatever it is.
    """
    try:
        theirs = parsedate_to_datetime(date or "").astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return False
    ours = utc_now().replace(microsecond=0)
    if tolerance and abs(ours - theirs) > timedelta(seconds=tolerance):
        raise ClockWrong(
            f"The clock of this machine says {iso_z(ours)}, but {title} says {iso_z(theirs)}",
            "set the clock; if the source's is the wrong one, raise OTKLIK_CLOCK_TOLERANCE_MINUTES",
        )
    return True


def refuse_a_wrong_clock(settings: Settings, regions: Iterable[Region]) -> None:
    """Ask the first source that answers what time it is, before files are read, which cannot tell.

    Raises ClockWrong. Without a source that answers nothing is proved; a fixed as_of needs no clock.
    """
    import requests

    patience = settings.patience
    if settings.as_of is not None or not patience.clock_tolerance:
        return
    for region in regions:
        for name in region.connected:
            address = getattr(getattr(region.sources, name), "base_url", None)
            if not address:
                continue
            try:
                answer = requests.head(address, timeout=patience.connect_timeout, allow_redirects=False)
            except requests.RequestException:
                continue
            if compare_clocks(urlsplit(address).netloc, answer.headers.get("Date"), patience.clock_tolerance):
                return
