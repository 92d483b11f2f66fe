"""Each alert on a real deployment: its cause, what is told, what docs/operations.md says to do, its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from ingestion.check import check_sources
from ingestion.config import load_regions, load_settings
from orchestration.operations import read_status
from orchestration.watch import Pass, watch
from tests.street.conftest import Deployment, deploy

pytestmark = pytest.mark.chaos


class Centre(Deployment):
    """A deployment with an operator who is told."""

    def __init__(self, deployed: Deployment) -> None:
        super().__init__(deployed.data, deployed.sandbox)
        self.told: list[str] = []

    def look(self, later: timedelta = timedelta()) -> Pass:
        """One pass of `otklik watch`, `later` than the deployment's moment."""

        def send(title: str, words: str) -> bool:
            self.told.append(words)
            return True

        settings = load_settings()
        moment = settings.now() + later
        return watch(settings.model_copy(update={"as_of": moment}), send)

    def broken_sources(self) -> list[str]:
        """What `otklik sources check` finds wrong."""
        settings = load_settings()
        found = check_sources(settings, load_regions(settings))
        return [one.source for one in found if not one.usable]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    for deployed in deploy(tmp_path_factory.mktemp("runbooks")):
        found = Centre(deployed)
        assert found.run().failures == []
        assert found.look().concerns == []
        yield found


def test_a_run_failed(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as wrong:
        wrong.setenv("OTKLIK_STREET_POS_TOKEN", "not-the-token")
        assert centre.run(sources=("pos",)).failures
        assert len(centre.look().new) == 1
        assert "OTKLIK_STREET_POS_TOKEN" in centre.told[-1]
        assert centre.broken_sources() == ["pos"]
    assert centre.broken_sources() == []
    assert centre.run(sources=("pos",)).failures == []
    over = centre.look()
    assert (len(over.over), over.concerns) == (1, [])


def test_a_check_refused_the_figures(centre: Centre) -> None:
    centre.warehouse("delete from marts.channels_daily where channel = 'pos' and local_date = '2026-03-11'")
    assert centre.run(sources=("registry",)).failures
    told = centre.look()
    assert "refused:channels_add_up_to_the_total" in told.new
    assert centre.run(sources=("registry",), full_refresh=True).failures == []
    assert centre.look().concerns == []


def test_much_in_quarantine(centre: Centre) -> None:
    folder = centre.sandbox.folder / "files" / "street"
    header, *rows = (folder / "appeals.csv").read_text("utf-8-sig").splitlines()
    wrong = [re.sub(r"\d\d\.\d\d\.20\d\d", "01.01.3020", row, count=1) for row in rows]
    bad = folder / "next.csv"
    bad.write_text("\n".join([header, *wrong]), "utf-8")
    centre.run(sources=("files",))
    told = centre.look()
    assert "quarantine:street/files" in told.new
    status = read_status(load_settings())
    assert any(one["reason"] == "impossible registration date" for one in status.quarantine)
    bad.write_text("\n".join([header, *rows]), "utf-8")
    assert centre.run(sources=("files",)).failures == []
    assert centre.look().concerns == []


def test_a_source_is_silent(centre: Centre) -> None:
    later = timedelta(hours=27)
    told = centre.look(later)
    assert {f"stale:street/{name}" for name in ("pos", "vk", "incident")} <= set(told.new)
    assert centre.broken_sources() == []
    moment = load_settings().now() + later
    assert centre.run(as_of=moment.isoformat()).failures == []
    assert centre.look(later).concerns == []


def test_a_value_that_got_another_name_stops_the_run_and_nothing_is_published(centre: Centre) -> None:
    """Schema drift, docs/reliability.md: dbt's test of the vocabulary."""
    # what the tests before this one left unpublished
    assert centre.run(reading=False, full_refresh=True).failures == []
    before = centre.files()
    centre.warehouse(
        """
        begin;
        insert into raw.pos_appeals by name
        select * replace ('resolved' as outcome, '1.0' as _dlt_load_id)
        from raw.pos_appeals where outcome is not null order by pos_id limit 1;
        insert into raw.loads by name
        select * replace (
            1 + (select max(load_seq) from raw.loads) as load_seq, '1.0' as _dlt_load_id, 1 as landed
        )
        from raw.loads where source = 'pos' and resource = 'appeals' order by load_seq limit 1;
        insert into raw._dlt_loads by name
        select * replace ('1.0' as load_id) from raw._dlt_loads limit 1;
        commit
        """
    )
    refused = centre.run(reading=False)
    assert any("accepted_values_stg_pos__appeals_outcome" in sentence for sentence in refused.failures)
    assert centre.files() == before

    for table, column in (
        ("pos_appeals", "_dlt_load_id"),
        ("loads", "_dlt_load_id"),
        ("_dlt_loads", "load_id"),
    ):
        centre.warehouse(f"delete from raw.{table} where {column} = '1.0'")
    assert centre.run(reading=False, full_refresh=True).failures == []
    assert centre.changes(before) == []
