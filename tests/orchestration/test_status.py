"""What `otklik status` reads from the book of loads."""

from __future__ import annotations

import duckdb

from ingestion.accounting import LOADS
from ingestion.tables import create_statement
from orchestration.operations import _LOADS, SourceStatus


def test_a_source_shows_its_totals_and_what_its_last_load_repeated() -> None:
    columns = "region_id, fetched_at, source, resource, load_seq, mode, received, landed, quarantined"
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.execute(create_statement(LOADS, "raw"))
        connection.execute("create table raw._dlt_loads (load_id varchar, status bigint)")
        connection.execute("insert into raw._dlt_loads values ('a', 0), ('b', 0)")  # `c` died half-way
        for load_id, seq, resource, received, retries, note in (
            ("a", 1, "posts", 10, 7, None),
            ("b", 2, "posts", 5, 2, None),
            ("b", 2, "messages", 4, 1, "One page was asked for again."),
            ("c", 3, "posts", 100, 50, None),
        ):
            connection.execute(
                f"insert into raw.loads ({columns}, skipped_unchanged, requests, retries, note, _dlt_load_id)"
                " values ('north', '2026-11-01', 'vk', ?, ?, 'live', ?, ?, 0, 0, 9, ?, ?, ?)",
                [resource, seq, received, received, retries, note, load_id],
            )
        (row,) = connection.execute(_LOADS).fetchall()
    status = SourceStatus(*row)
    assert (status.region_id, status.source, status.received) == ("north", "vk", 19)
    assert (status.last_received, status.last_retries) == (9, 3)
    assert status.note == "One page was asked for again."
