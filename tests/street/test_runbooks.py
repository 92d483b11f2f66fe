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
