"""Five slices of a region's life, each incremental, equal one full refresh and the truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.street.conftest import deploy

pytestmark = pytest.mark.scenario
MOMENTS = (
    "2026-03-06T03:00:00Z",
    "2026-03-10T20:30:00Z",
    "2026-03-13T11:15:00Z",
    "2026-03-19T00:00:00Z",
    "2026-03-29T14:00:00Z",
)


def test_five_slices_equal_one_full_refresh_and_the_truth(tmp_path: Path) -> None:
    for deployment in deploy(tmp_path):
        totals = []
        for moment in MOMENTS:
            deployment.sandbox.set_now(moment)
            assert deployment.run(as_of=moment).failures == []
            totals.append(deployment.query("select count(*) from facts.fct_appeals where is_countable")[0][0])
        files = deployment.files()

        rebuilt = deployment.run(as_of=MOMENTS[-1], sources=("incident",), full_refresh=True)

        assert rebuilt.failures == []
        assert not rebuilt.is_new
        assert deployment.changes(files) == []
        assert totals == sorted(set(totals)), "each slice brought something"
        assert totals[-1] == deployment.sandbox.truth["counts"]["appeals"]
        # An incident's interim answer is a response of its own where an export of the days between was read;
        # the truth at the end knows the answer that the last export shows.
        responses = "case when source = 'incident' then appeal_id else response_id end"
        counted = deployment.query(
            f"select source, count(distinct {responses}) from facts.fct_responses group by source"
        )
        assert dict(counted) == deployment.sandbox.truth["counts"]["responses_by_source"]
