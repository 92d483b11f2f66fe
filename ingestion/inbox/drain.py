"""The journal → raw, through the same pipeline as everything else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ingestion.inbox.journal import entries_after, journal_path, prune
from ingestion.run import Batch, Run
from ingestion.tables import RawTable, Row

ROWS_PER_BATCH = 5_000
_POSITION = "inbox_position"


def drain(run: Run, channel: str) -> Iterator[Batch]:
    """Rows of all events that no committed load has carried.

    The position lands with the rows or not at all. Older events are forgotten only by a later drain, whose
    state proves that they were committed.
    """
    waiting: dict[str, list[Row]] = {}
    for content in taken(run, channel):
        for resource, row in content["rows"]:
            run.tallies[resource].received += 1
            rows = waiting.setdefault(resource, [])
            rows.append(typed(run.spec.resources[resource], row))
            if len(rows) == ROWS_PER_BATCH:
                yield from run.land(resource, rows)
                waiting[resource] = []
    for resource, rows in waiting.items():
        yield from run.land(resource, rows)


def taken(run: Run, channel: str, most: int | None = None) -> Iterator[dict[str, Any]]:
    """What the journal holds beyond the last committed load, at most so much, else another load follows.

    What could not be read is set aside here. The position moves when all of it was taken.
    """
    path, region = journal_path(run.settings.data), run.region.region_id
    position = int(run.state.get(_POSITION, 0))
    prune(path, channel, region, position, run.settings.now())
    for number, (seq, _, content) in enumerate(entries_after(path, channel, region, position)):
        if number == most:
            run.unfinished = True
            break
        position = seq
        problem = content["problem"]
        if problem is not None:
            run.tallies[problem["resource"]].received += 1
            run.set_aside_masked(problem["resource"], f"event {seq}", **{
                name: problem[name] for name in ("reason", "detail", "payload")
            })  # fmt: skip
        yield content
    run.state[_POSITION] = position


def typed(table: RawTable, row: dict[str, Any]) -> Row:
    """A row of the journal with its moments as moments."""
    moments = {column.name for column in table.columns if column.type == "timestamp"}
    return {
        name: datetime.fromisoformat(value.rstrip("Z")) if name in moments and value is not None else value
        for name, value in row.items()
    }
