"""The street on a Spark cluster gives what DuckDB gives: built whole, built on, and with a worker lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from ingestion.config import load_regions, load_settings
from ingestion.inbox.serve import receiving
from ingestion.pipeline import ingest
from orchestration.dbt_process import environment
from orchestration.street import Outcome, Wish, run_street
from sandbox.kit import Sandbox, launch
from tests.dbt import rows
from tests.dbt.support import Dbt, Street
from tests.spark.cluster import Cluster, running_cluster
from tests.spark.compare import differences

pytestmark = pytest.mark.spark
SCENARIOS = Path(__file__).parents[2] / "sandbox" / "scenarios"
BUILT = ("seeds", "staging", "facts", "marts")


@dataclass
class Region:
    """A data folder on which both engines build, and the sandbox that is read into it."""

    name: str
    data: Path
    cluster: Cluster
    sandbox: Sandbox

    @property
    def warehouse(self) -> Path:
        return self.data / "warehouse.duckdb"

    @property
    def lake(self) -> Path:
        return self.data / "lake.duckdb"

    def read(self) -> None:
        """All that the sandbox has to say by now."""
        settings = load_settings()
        (served,) = load_regions(settings).values()
        if "viber" in served.connected:
            with receiving(settings) as url:
                assert self.sandbox.deliver_viber(f"{url}/viber/{self.name}")["failed"] == 0
        for source in served.connected:
            ingest(source, served, settings)

    def build(self, target: str, as_of: str, *, lose_worker: bool = False) -> Outcome:
        """Run the street on what stands in raw; the worker is lost when facts stand and marts begin."""

        def listener(step: str, values: Mapping[str, str]) -> None:
            if lose_worker and step == "marts":
                self.cluster.workers[0].kill()

        wish = Wish(target=target, as_of=as_of, reading=False)
        return run_street(load_settings(), wish, listener)

    def load(self, appeals: Mapping[str, list[rows.Row]]) -> None:
        """Raw rows as one finished load of this region."""
        desk = Street(Dbt(None, self.data), self.warehouse)
        desk.load(appeals, self.name, finished=False)
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute(
                "insert into raw._dlt_loads by name "
                "select max_by(_dlt_load_id, load_seq) as load_id, 0 as status, now() as inserted_at, "
                "'by hand' as schema_name, '' as schema_version_hash from raw.loads"
            )

    def files(self, mart: str, month: str) -> dict[Path, int]:
        """Files of a mart's slices of a month → when they were written, in nanoseconds."""
        folder = self.data / "lake" / "tables" / "marts" / mart
        found = folder.glob(f"*/region_id={self.name}/slice_month={month}/*.parquet")
        return {path: path.stat().st_mtime_ns for path in found}

    def compare(self) -> int:
        """Rows that are the same in every table of both engines; fails where one is not."""
        found, compared = differences(self.lake, self.warehouse, BUILT)
        assert found == {}
        return compared


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("spark")) as cluster:
        yield cluster


@contextmanager
def playing(scenario: str, name: str, data: Path, cluster: Cluster, now: str) -> Iterator[Region]:
    """A region that plays a scenario, at that moment of it."""
    known = {"OTKLIK_DATA": str(data), "OTKLIK_LANG": "en"}
    with (
        environment(**cluster.environment(), **known),
        launch(SCENARIOS / f"{scenario}.yaml", data, now=now) as sandbox,
    ):
        yield Region(name, data, cluster, sandbox)


def appeal(number: str, registered: str, updated: str) -> dict[str, list[rows.Row]]:
    """An appeal of ПОС that was answered within two days."""
    at = rows.utc(registered)
    answered = at.replace(day=at.day + 2).isoformat(sep=" ")
    return rows.pos(
        number,
        registered,
        municipality="Мойгород",
        answers=[(f"answer-{number}", answered, "final")],
        status="closed",
        updated=updated,
    )


def test_the_demo_is_the_same_on_both(cluster: Cluster, tmp_path: Path) -> None:
    moment = "2026-11-20T19:00:00"
    with playing("demo", "demo", tmp_path, cluster, f"{moment}Z") as region:
        region.read()
        for target in ("spark", "duckdb"):
            assert region.build(target, moment).failures == []
        assert region.compare() > 200_000


def test_what_came_since_is_built_on_while_a_worker_is_lost(cluster: Cluster, tmp_path: Path) -> None:
    half, whole = "2026-03-19T00:00:00", "2026-03-29T14:00:00"
    with playing("every-channel", "street", tmp_path, cluster, f"{half}Z") as region:
        region.read()
        region.load(
            rows.merged(
                appeal("moves", "2025-11-10T06:00:00", "2025-11-12T06:00:00"),
                appeal("stays", "2025-09-05T06:00:00", "2025-09-07T06:00:00"),
            )
        )
        for target in ("spark", "duckdb"):
            assert region.build(target, half).failures == []
        before = region.compare()
        assert before > 10_000
        stayed, left = (region.files("appeals_daily", month) for month in ("2025-09", "2025-11"))
        assert stayed
        assert left

        region.sandbox.set_now(f"{whole}Z")
        region.read()
        # its day was a mistake: the old one has to lose it
        region.load(appeal("moves", "2026-01-12T06:00:00", "2026-01-14T06:00:00"))
        outcome = region.build("spark", whole, lose_worker=True)
        assert outcome.failures == []
        assert outcome.is_new
        assert region.build("duckdb", whole).failures == []
    lost, kept = cluster.workers
    assert not lost.is_alive
    assert kept.is_alive
    assert len(lost.executors) == len(kept.executors), "it was at work when it was lost"
    assert region.compare() > before
    assert region.files("appeals_daily", "2025-09") == stayed
    assert not set(left) & set(region.files("appeals_daily", "2025-11"))
    assert region.files("appeals_daily", "2026-01")
