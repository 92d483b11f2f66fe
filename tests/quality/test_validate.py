"""Great Expectations, where it is imported."""

import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from quality.records import Expectation, Suite
from quality.validate import judge

ROOT = Path(__file__).parents[2]
_PROGRAM = """
from quality.validate import warm_up
warm_up().join()
import great_expectations
print("imported")
"""


@pytest.mark.spark
def test_gx_is_imported_beside_spark_by_a_program_that_is_no_file() -> None:
    pytest.importorskip("pyspark")
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "imported\n", done.stderr


def test_where_what_queries_share_cannot_be_made_every_check_fails() -> None:
    one = Expectation("one", "marts.a", "select 1 as x", "expect_column_to_exist", "Why.", {"column": "x"})
    suite = Suite(
        "suite", (one, replace(one, name="two")), before="create temp table t as select * from nowhere"
    )
    with duckdb.connect() as connection:
        results = judge(suite, lambda query: connection.execute(query).df(), datetime(2026, 6, 1))
    assert [(result.name, result.stops, result.error) for result in results] == [
        ("one", True, "CatalogException"),
        ("two", True, "CatalogException"),
    ]


def test_each_check_sees_the_rows_of_its_own_query() -> None:
    none_over = Expectation(
        "none",
        "marts.a",
        "select 0 as x",
        "expect_column_values_to_be_between",
        "Why.",
        {"column": "x", "max_value": 0},
    )
    two_over = replace(none_over, name="two", query="select unnest([0, 1, 2]) as x")
    suite = Suite("suite", (none_over, two_over, replace(none_over, name="none again"), two_over))
    with duckdb.connect() as connection:
        results = judge(suite, lambda query: connection.execute(query).df(), datetime(2026, 6, 1))
    assert [(result.name, result.checked, result.failed) for result in results] == [
        ("none", 1, 0),
        ("two", 3, 2),
        ("none again", 1, 0),
        ("two", 3, 2),
    ]
