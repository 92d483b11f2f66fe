"""A pretend region on loopback, and the street run on it in this process."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from ingestion.config import load_settings
from ingestion.inbox.serve import receiving
from orchestration.dbt_process import environment
from orchestration.operations import run_query
from orchestration.street import Outcome, Wish, run_street
from publishing.release import Shelf
from sandbox.kit import Sandbox, launch

REGION = Path(__file__).parents[2] / "sandbox" / "scenarios" / "every-channel.yaml"


@dataclass
class Deployment:
    """A data folder, its sandbox, and what people do with it."""

    data: Path
    sandbox: Sandbox
    first: Outcome | None = None

    def run(self, **wish: Any) -> Outcome:
        """One run of the whole street; Viber has pushed what it had to say before."""
        settings = load_settings()
        with receiving(settings) as url:
            assert self.sandbox.deliver_viber(f"{url}/viber/street")["failed"] == 0
        return run_street(settings, Wish(**wish))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the current release."""
        return run_query(load_settings(), sql)[1]

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.data / "published")

    def warehouse(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a statement on the warehouse itself."""
        with duckdb.connect(str(self.data / "warehouse.duckdb")) as connection:
            return connection.execute(sql).fetchall()

    def files(self) -> dict[str, bytes]:
        """Bytes of the current release's Parquet files by path."""
        folder = self.shelf.current.resolve()
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}

    def changes(self, before: Mapping[str, bytes]) -> list[str]:
        """Files of the current release that hold other rows than before: path, rows gone, rows come."""
        after = self.files()
        found = []
        for path in sorted(before.keys() | after.keys()):
            if before.get(path) != after.get(path):
                gone, come = (_rows(files.get(path, b"")) for files in (before, after))
                found.append(
                    f"{path}: gone {(gone - come).most_common(3)}, come {(come - gone).most_common(3)}"
                )
        return found


def _rows(content: bytes) -> Counter[str]:
    """A Parquet file's rows as text."""
    if not content:
        return Counter()
    return Counter(str(sorted(row.items())) for row in pq.read_table(io.BytesIO(content)).to_pylist())


def deploy(data: Path) -> Iterator[Deployment]:
    """A deployment whose environment this process takes on until the end."""
    with environment(OTKLIK_DATA=str(data), OTKLIK_LANG="en"), launch(REGION, data) as sandbox:
        yield Deployment(data, sandbox)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One deployment for a module, run once; what its tests do to it they undo or say."""
    for deployed in deploy(tmp_path_factory.mktemp("street")):
        deployed.first = deployed.run()
        yield deployed
