"""A few of the suite's kills, on each change; all of them: `python -m tests.chaos` (docs/reliability.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.kills import killed_alone
from tests.chaos.laboratory import Laboratory, laboratory

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    with laboratory(tmp_path_factory.mktemp("chaos")) as found:
        yield found


def test_no_moment_of_death_loses_or_doubles_anything(bench: Laboratory, tmp_path: Path) -> None:
    trials = list(killed_alone(bench, seed=5, kills=1))
    # The candidate's kill is sure; of the others a lucky one may have ended before its moment came.
    assert len(trials) >= 4
    assert [trial for trial in trials if not trial.is_well] == []
