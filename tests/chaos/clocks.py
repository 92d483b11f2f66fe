"""Runs by a clock that is wrong, and then set right."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chaos import victim
from tests.chaos.laboratory import Laboratory, Trial

JUMPS = (400, 2, -2, -40)  # days


def jumping_clocks(bench: Laboratory, jumps: tuple[int, ...] = JUMPS) -> Iterator[Trial]:
    """A run whose machine's clock is `jumps` days off, then one by the right clock."""
    for days in jumps:
        work = bench.fresh()
        lap = bench.run(work, **{victim.CLOCK_DAYS: str(days), "OTKLIK_AS_OF": ""})
        assert lap.failures, "sources were read by a wrong clock"
        fault = f"clock {abs(days)} days {'ahead' if days > 0 else 'behind'}"
        yield bench.judge(fault, work, " ".join(lap.failures))
