"""Tests of data look at what came since they last held; the first run of a day, and dbt by hand, at all."""

from __future__ import annotations

import pytest

from tests.dbt import rows
from tests.dbt.support import Street

UNIQUE = "unique_combination_stg_pos__appeals_appeal_id"
RECEIVED = "every_appeal_received_is_in_the_facts"
ANSWERS = "appeals_count_the_responses_that_exist"


def failing(street: Street, monkeypatch: pytest.MonkeyPatch, looks_at: str) -> set[str]:
    """Which of the three tests do not hold."""
    monkeypatch.setenv("OTKLIK_RUN_TESTS", looks_at)
    try:
        street.dbt.run(["test", "--select", UNIQUE, RECEIVED, ANSWERS], street.path, street.as_of)
    except AssertionError as error:
        return {name for name in (UNIQUE, RECEIVED, ANSWERS) if name in str(error)}
    return set()


def test_what_came_is_looked_at_and_what_was_looked_at_is_left(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((held,),) = street.query("select max(load_seq) from staging.stg_operations__loads")
    street.load(
        rows.pos("new", "06-12 06:00", answers=[("a", "06-12 07:00", "final")], updated="06-12 07:00")
    )
    street.build()
    street.query(f"create table facts.standing_build as select {held} as load_seq")
    assert failing(street, monkeypatch, "all") == set()
    assert failing(street, monkeypatch, "changed") == set()

    for came, looks_at, found in (
        (f"load_seq <= {held}", "changed", set[str]()),
        (f"load_seq <= {held}", "all", {UNIQUE, RECEIVED, ANSWERS}),
        (f"load_seq > {held}", "changed", {UNIQUE, RECEIVED, ANSWERS}),
    ):
        street.query("create or replace table staging.kept as select * from staging.stg_pos__appeals")
        street.query("create or replace table facts.kept as select * from facts.fct_appeals")
        street.query(f"insert into staging.stg_pos__appeals select * from staging.kept where {came}")
        street.query(f"delete from facts.fct_appeals where source = 'pos' and responses_count > 0 and {came}")
        assert failing(street, monkeypatch, looks_at) == found, (came, looks_at)
        street.query("delete from staging.stg_pos__appeals")
        street.query("insert into staging.stg_pos__appeals select * from staging.kept")
        street.query("delete from facts.fct_appeals")
        street.query("insert into facts.fct_appeals select * from facts.kept")


def test_an_appeal_that_no_load_brought_is_told(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    ((held,),) = street.query("select max(load_seq) from staging.stg_operations__loads")
    street.query(f"create table facts.standing_build as select {held} as load_seq")
    # of a source that says itself what an appeal is, no older load is looked through again
    for source, looks_at, is_told in (
        ("vk_post", "all", True),
        ("vk_post", "changed", True),
        ("pos", "all", True),
        ("pos", "changed", False),
    ):
        street.query(
            "insert into facts.fct_appeals select * replace "
            f"('nowhere' as appeal_id, '{source}' as source) from facts.fct_appeals limit 1"
        )
        assert (RECEIVED in failing(street, monkeypatch, looks_at)) == is_told, (source, looks_at)
        street.query("delete from facts.fct_appeals where appeal_id = 'nowhere'")


def test_an_appeal_that_is_missing_or_twice_among_the_repeats_is_told(street: Street) -> None:
    def told() -> str:
        try:
            street.dbt.run(["test", "--select", "repeats_hold_each_appeal_once"], street.path, street.as_of)
        except AssertionError as error:
            return str(error)
        return ""

    street.load(rows.pos("new", "06-12 06:00"))
    street.build()
    assert told() == ""
    june = "from facts.int_repeats where region_id = 'north' and month_start = '2026-06-01'"
    street.query(f"insert into facts.int_repeats select * {june} limit 1")
    assert "Got 1 result" in told()
    street.query(f"delete {june}")
    assert "Got 1 result" in told()
