"""What is built in portions is what is built at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dbt import rows
from tests.dbt.support import MOVING, Dbt, Street

PORTIONS = 3
# So large that memory holds the whole of no table, which a test cannot fill.
ASKED = "{% macro duckdb_portions(table) %}{{ return(" + str(PORTIONS) + ") }}{% endmacro %}"
IN_PORTIONS = (
    "staging/pos/stg_pos__appeals",
    "facts/int_changed_responses",
    "facts/int_appeals_clocked",
    "facts/fct_appeals",
    "facts/fct_responses",
    "facts/fct_appeal_events",
)


@pytest.fixture
def portioned(dbt: Dbt, tmp_path: Path) -> Dbt:
    """The project, with each of its large models in PORTIONS."""
    parsed = dbt.parsed.deepcopy()
    parsed.macros["macro.otklik.duckdb_portions"].macro_sql = ASKED
    return Dbt(parsed, tmp_path)


def test_a_refresh_in_portions_is_a_refresh(street: Street, dbt: Dbt, portioned: Dbt) -> None:
    street.load(
        rows.pos("p1", "06-01 06:00", answers=[("x9", "06-10 06:00", "final")], updated="06-10 06:00")
    )
    street.dbt = portioned
    street.build(*MOVING, refresh=True)
    built = street.query("select count(*), count(distinct appeal_id) from facts.fct_appeals")
    assert built[0][0] == built[0][1] > PORTIONS
    for model in IN_PORTIONS:
        (written,) = portioned.folder.glob(f"target/run/**/{model}.sql")
        last = f"= {PORTIONS - 1} /* of {PORTIONS} portions */"
        assert last in written.read_text("utf-8"), f"{model} was built at once"
    street.dbt = dbt
    assert street.differences() == {}


def test_what_a_registry_maps_anew_is_replaced_in_portions(street: Street, dbt: Dbt, portioned: Dbt) -> None:
    street.load(rows.registry("Asia/Vladivostok"))
    street.dbt = portioned
    street.build_all()
    street.dbt = dbt
    assert street.differences() == {}
