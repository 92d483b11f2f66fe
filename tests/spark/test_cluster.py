"""The street on a Spark cluster gives what DuckDB gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from ingestion.config import load_regions, load_settings
from ingestion.inbox.serve import receiving
from ingestion.pipeline import ingest
from orchestration.dbt_process import environment
from orchestration.street import Outcome, Wish, run_street
from sandbox.kit import launch
from tests.dbt import rows
from tests.dbt.support import Dbt, Street
from tests.spark.cluster import Cluster, running_cluster
from tests.spark.compare import differences

pytestmark = pytest.mark.spark
# Every source, 900 appeals of March.
STREET = Path(__file__).parents[2] / "sandbox" / "scenarios" / "every-channel.yaml"
FIRST = "2026-03-29T14:00:00"
BUILT = ("seeds", "staging", "facts", "marts")


@dataclass
class Region:
    """A data folder on which both engines build."""

    data: Path
    cluster: Cluster

    @property
    def warehouse(self) -> Path:
        return self.data / "warehouse.duckdb"

    @property
    def lake(self) -> Path:
        return self.data / "lake.duckdb"

    def build(self, target: str, as_of: str) -> Outcome:
        """Run the street on what stands in raw."""
        return run_street(load_settings(), Wish(target=target, as_of=as_of, reading=False))

    def load(self, appeals: Mapping[str, list[rows.Row]]) -> None:
        """Raw rows as one finished load of the region `street`."""
        desk = Street(Dbt(None, self.data), self.warehouse)
        desk.load(appeals, "street", finished=False)
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute(
                "insert into raw._dlt_loads by name "
                "select max_by(_dlt_load_id, load_seq) as load_id, 0 as status, now() as inserted_at, "
                "'by hand' as schema_name, '' as schema_version_hash from raw.loads"
            )


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    folder = tmp_path_factory.mktemp("spark")
    with ExitStack() as stack:
        cluster = stack.enter_context(running_cluster(folder))
        data = folder / "data"
        known = {"OTKLIK_DATA": str(data), "OTKLIK_LANG": "en"}
        stack.enter_context(environment(**cluster.environment(), **known))
        yield Region(data, cluster)


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


def test_spark_gives_what_duckdb_gives(region: Region) -> None:
    with launch(STREET, region.data) as sandbox:
        settings = load_settings()
        with receiving(settings) as url:
            assert sandbox.deliver_viber(f"{url}/viber/street")["failed"] == 0
        (served,) = load_regions(settings).values()
        for source in served.connected:
            ingest(source, served, settings)
        region.load(
            rows.merged(
                appeal("moves", "2025-11-10T06:00:00", "2025-11-12T06:00:00"),
                appeal("stays", "2025-09-05T06:00:00", "2025-09-07T06:00:00"),
            )
        )
        for target in ("spark", "duckdb"):
            assert region.build(target, FIRST).failures == []
    found, compared = differences(region.lake, region.warehouse, BUILT)
    assert found == {}
    assert compared > 10_000
