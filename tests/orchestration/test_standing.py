"""What dbt need not build again: told by the sources that something came from, on the real project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.dbt_manifest import ensure_manifest
from orchestration.dbt_process import Finished
from orchestration.standing import Standing, read_standing, write_standing

DONE = Finished("", "", "model", "success", 0, 0.1, "OK")
DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(ensure_manifest().read_bytes())
    return content


def split(manifest: Mapping[str, Any], *came: str, day: date = DAY) -> tuple[set[str], set[str]]:
    """Names of what is due and of what stands, of all nodes but marts and unit tests."""
    finished = [
        replace(DONE, unique_id=key, name=node["name"], kind=node["resource_type"])
        for key, node in manifest["nodes"].items()
        if node["fqn"][1] != "marts" and node["resource_type"] in ("seed", "model", "test")
    ]
    due, kept = Standing(tuple(finished), 7, DAY).split(manifest, came, day)
    assert len(due) + len(kept) == len(finished)
    return {node.name for node in due}, {node.name for node in kept}


def test_what_came_is_built_and_what_it_cannot_have_changed_stands(manifest: dict[str, Any]) -> None:
    due, kept = split(manifest, "vk")
    assert {"stg_vk__comments", "int_thread_messages", "fct_appeals", "stg_operations__loads"} <= due
    assert {"stg_pos__appeals", "stg_telegram__messages", "dim_calendar", "dim_topics", "topics"} <= kept
    assert "unique_combination_stg_vk__comments_comment_key" in due
    assert "unique_combination_stg_pos__appeals_appeal_id" in kept
    # A test of two tables is due if either may be another.
    (both,) = (name for name in due | kept if name.startswith("relationships_fct_responses"))
    assert both in due


def test_with_the_next_day_every_test_is_due_and_models_stand(manifest: dict[str, Any]) -> None:
    due, kept = split(manifest, "vk", day=date(2026, 11, 21))
    assert "unique_combination_stg_pos__appeals_appeal_id" in due
    assert "stg_pos__appeals" in kept


def test_each_source_has_its_own_models_built(manifest: dict[str, Any]) -> None:
    for source, model in (
        *(("labels", "stg_labels__labels"), ("copies", "stg_copies__copies")),
        *(("answers", "stg_answer__features"), ("incident", "stg_incident__histories")),
        *(("surveys", "stg_surveys__options"), ("files", "stg_files__answers")),
    ):
        due, kept = split(manifest, source)
        assert model in due
        assert "stg_vk__comments" in kept


def test_models_of_the_moment_and_of_the_books_are_always_built(manifest: dict[str, Any]) -> None:
    due, kept = split(manifest)
    assert {"int_loads", "fct_appeals", "fct_gospublics", "int_slice_changes"} <= due
    assert len(kept) > len(due)
    # Whatever reads as_of or how far others have read is due, through whatever macro.
    reading = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["fqn"][1] != "marts"
        and ("as_of()" in node["raw_code"] or "unread_" in node["raw_code"])
    }
    assert reading
    assert reading <= due


def test_a_registry_maps_anew_and_everything_is_due(manifest: dict[str, Any]) -> None:
    due, kept = split(manifest, "registry")
    assert kept == set()
    assert "stg_pos__appeals" in due


def test_what_stands_is_known_under_the_same_rules_with_what_came_since(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    assert read_standing(warehouse, "rules") is None
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema raw; create schema facts")
        connection.execute(
            "create table raw.loads (_dlt_load_id varchar, source varchar, load_seq bigint, landed bigint)"
        )
        connection.execute("create table raw._dlt_loads (load_id varchar, status bigint)")
        connection.execute("insert into raw.loads values ('a', 'vk', 1, 5), ('b', 'pos', 2, 3)")
        connection.execute("insert into raw._dlt_loads values ('a', 0), ('b', 0), ('c', 0), ('d', 0)")
    assert read_standing(warehouse, "rules") is None, "nothing was built yet"
    write_standing(warehouse, "rules", [DONE], DAY)
    assert read_standing(warehouse, "rules") == (Standing((DONE,), 2, DAY), [])
    assert read_standing(warehouse, "other rules") is None
    with duckdb.connect(str(warehouse)) as connection:
        # Three loads since: one that landed, one that landed nothing, one that never ended.
        connection.execute(
            "insert into raw.loads values ('c', 'ok', 3, 1), ('d', 'max', 4, 0), ('e', 'viber', 5, 9)"
        )
    assert read_standing(warehouse, "rules") == (Standing((DONE,), 2, DAY), ["ok"])
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("alter table facts.standing_build drop column tested_on")
    assert read_standing(warehouse, "rules") is None, "an older version knew no days"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("drop schema facts cascade")
    assert read_standing(warehouse, "rules") is None, "what is made from raw was dropped"


def test_results_are_told_parents_first() -> None:
    """Or Dagster refuses them: what stands can have a parent that was built."""
    finished = tuple(replace(DONE, unique_id=key) for key in "abcd")
    told = Standing(finished, 1, DAY).with_news([finished[3], finished[1]], [finished[0], finished[2]])
    assert [node.unique_id for node in told] == list("abcd")
