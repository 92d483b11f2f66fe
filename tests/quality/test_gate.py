"""What the gate makes of books of loads that were made up."""

from __future__ import annotations

import duckdb
import pytest

from quality.suites.gate import GATE

_BOOKS = """
create schema raw;
create table raw._dlt_loads as select 'l' || n as load_id, 0 as status from range(200) as loads(n);
create table raw.loads (
    region_id varchar, source varchar, resource varchar, load_seq bigint, landed bigint, quarantined bigint,
    _dlt_load_id varchar
);
"""


def shares(*loads: tuple[str, int, int]) -> dict[str, float]:
    """Share set aside by region, of loads told as (region, landed, quarantined), oldest first."""
    (expectation,) = (one for one in GATE.expectations if one.name == "few_rows_are_quarantined")
    with duckdb.connect() as connection:
        connection.execute(_BOOKS)
        for n, (region, landed, quarantined) in enumerate(loads):
            row = [region, "pos", "appeals", n, landed, quarantined, f"l{n}"]
            connection.execute("insert into raw.loads values (?, ?, ?, ?, ?, ?, ?)", row)
        found = connection.execute(expectation.query).fetchall()
    return {resource.removesuffix(" pos.appeals"): share for resource, share in found}


def lost(*appeals: tuple[str, bool, str | None, str | None]) -> int:
    """Copies that count nowhere, of appeals told as (id, countable, copy of, why)."""
    (expectation,) = (one for one in GATE.expectations if one.name == "copies_point_to_what_counts")
    with duckdb.connect() as connection:
        connection.execute("create schema facts")
        connection.execute(
            "create table facts.fct_appeals (appeal_id varchar, is_countable boolean, duplicate_of varchar, "
            "duplicate_reason varchar, region_id varchar default 'north')"
        )
        connection.executemany(
            "insert into facts.fct_appeals by position values (?, ?, ?, ?, 'north')", [*map(list, appeals)]
        )
        ((found,),) = connection.execute(expectation.query).fetchall()
    return int(found)


def test_a_copy_of_what_counts_nowhere_is_noticed() -> None:
    first, copy = ("first", True, None, None), ("copy", False, "first", "text")
    assert lost(first, copy) == 0
    assert lost(("first", False, None, None), copy) == 1
    assert lost(copy, ("of a copy", False, "copy", "author")) == 2
    assert lost(("entered", False, "elsewhere", "entered")) == 0


def test_a_long_good_past_hides_no_changed_format() -> None:
    assert shares(("north", 1_000_000, 0), ("north", 0, 40)) == {"north": 1.0}


def test_the_next_good_load_opens_the_gate() -> None:
    assert shares(("north", 0, 40), ("north", 0, 0), ("north", 30, 1)) == {"north": pytest.approx(1 / 31)}


def test_small_loads_are_judged_together() -> None:
    live = [("north", 0, 1)] * 30
    assert shares(("north", 500, 0), *live) == {"north": 1.0}
    assert shares(("north", 500, 0), *live[:3]) == {"north": pytest.approx(3 / 503)}


def test_regions_are_judged_apart_and_too_few_objects_not_at_all() -> None:
    assert shares(("north", 100, 0), ("south", 0, 25), ("west", 0, 5)) == {"north": 0.0, "south": 1.0}
