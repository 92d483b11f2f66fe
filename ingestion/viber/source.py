"""Viber knows webhooks only: the inbox has received the events, here they land."""

from __future__ import annotations

from collections.abc import Iterator

from ingestion.inbox.drain import drain
from ingestion.network_rows import page_row
from ingestion.run import Batch, Run


def read(run: Run) -> Iterator[Batch]:
    """The bot as the region's file names it, when that is new, and all events since the last load."""
    source = run.region.sources.viber
    assert source is not None, "pipeline checks that the source is connected"  # noqa: S101
    told = f"{source.page_id}|{source.name}"
    if run.state.get("page") != told:
        run.tallies["pages"].received += 1
        yield from run.land("pages", [page_row(source.page_id, kind="bot", name=source.name, link_name=None)])
        run.state["page"] = told
    yield from drain(run, "viber")
