"""dbt's unit tests, which the street leaves out of its runs because they judge the SQL and not the data."""

from __future__ import annotations

from tests.dbt.support import Street


def test_every_unit_test_holds(street: Street) -> None:
    results = street.dbt.run(["test", "--select", "test_type:unit"], street.path).results
    assert len(results) >= 16
