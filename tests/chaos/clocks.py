"""Runs by a clock that is wrong, and then set right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.chaos.laboratory import NOW, Laboratory, Trial

JUMPS = (400, 2, -2, -40)  # days


def jumping_clocks(bench: Laboratory, jumps: tuple[int, ...] = JUMPS) -> Iterator[Trial]:
    """A run whose clock is `jumps` days off, then one by the right clock. The first is no less whole for it:
    what readers meanwhile find states the moment it believed in, so nothing counts as half published."""
    for days in jumps:
        work = bench.fresh()
        moment = datetime.fromisoformat(NOW) + timedelta(days=days)
        lap = bench.run(work, OTKLIK_AS_OF=f"{moment:%Y-%m-%dT%H:%M:%SZ}")
        fault = f"clock {abs(days)} days {'ahead' if days > 0 else 'behind'}"
        yield bench.judge(fault, work, " ".join(lap.failures), is_new=True)
