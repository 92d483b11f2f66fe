"""Time as the warehouse keeps it: naive UTC. Only this module converts to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ingestion.errors import UsageError


def utc_now() -> datetime:
    """The wall clock as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def parse_utc(text: str) -> datetime:
    """ISO-8601 → naive UTC; an offset is honoured, its absence means UTC. Raises ValueError."""
    if text.endswith("Z"):  # by far the most frequent, and naive parsing is four times as fast
        moment = datetime.fromisoformat(text[:-1])
        if moment.tzinfo is not None:
            raise ValueError("two offsets")
        return moment
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def iso_z(moment: datetime) -> str:
    """Naive UTC → `2026-11-21T00:00:00Z` (microseconds only where there are any)."""
    return moment.isoformat() + "Z"


def from_unix(seconds: int) -> datetime:
    """Unix seconds → naive UTC. Raises ValueError, OverflowError or OSError on impossible ones."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def to_unix(moment: datetime) -> int:
    """Naive UTC → unix seconds, rounded down."""
    return int(moment.replace(tzinfo=UTC).timestamp())


@dataclass(frozen=True)
class Window:
    """A half-open span [since, until) of naive UTC which is read anew without moving live cursors."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since >= self.until:
            raise UsageError(
                f"The window {iso_z(self.since)} … {iso_z(self.until)} is empty",
                "give an --until that is later than --since",
            )

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until
