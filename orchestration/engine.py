"""What builds facts and marts: DuckDB in the warehouse, or Apache Spark in the lake.

Everything before (sources, accounts, privacy) and after (gate, release, report) is the same for both: Spark
reads a copy of raw, and the tables it leaves are seen through a DuckDB file of views, `<data>/lake.duckdb`.
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from ingestion.config import Settings
from ingestion.errors import ConfigError

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

_ONE_MACHINE = Path(__file__).resolve().parents[1] / "deploy" / "spark"


class Engine:
    """DuckDB: the warehouse holds what it builds."""

    artefacts = "dbt"
    keeps_what_stands = True

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.must_rebuild = False

    @property
    def built(self) -> Path:
        """The DuckDB file in which raw, facts and marts can be read."""
        return self.settings.warehouse

    def variables(self) -> dict[str, str]:
        """What dbt's profile is told."""
        return {"OTKLIK_WAREHOUSE": str(self.settings.warehouse.resolve())}

    def prepare(self) -> None:
        """Before the first model. A lake that stands follows the warehouse: nothing erased stays there."""
        if (self.settings.lake_folder / "raw").exists():
            from ingestion.lake import carry

            if carry(self.settings, str(self.settings.lake_folder)).rewritten:
                for built in ("tables", "metastore"):
                    shutil.rmtree(self.settings.lake_folder / built, ignore_errors=True)

    def show(self) -> None:
        """After each part: what was built can be read in `built`."""

    def settle(self) -> None:
        """After the last part."""

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class SparkEngine(Engine):
    """Spark: one session for the run, tables of Parquet files in the lake."""

    artefacts = "dbt-spark"
    keeps_what_stands = False

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._is_prepared = False

    @property
    def built(self) -> Path:
        return self.settings.data / "lake.duckdb"

    def variables(self) -> dict[str, str]:
        return {
            "OTKLIK_LAKE": str(self.settings.lake_folder),
            "OTKLIK_SPARK_MASTER": self.settings.spark_master,
            "SPARK_CONF_DIR": os.environ.get("SPARK_CONF_DIR", str(_ONE_MACHINE)),
        }

    def prepare(self) -> None:
        """Bring raw's new loads into the lake. All is built anew where the lake's raw was written anew."""
        from ingestion.lake import carry, epoch_of

        if self._is_prepared:
            return
        refuse_without_spark()
        lake = str(self.settings.lake_folder)
        carry(self.settings, lake)
        built_on = self._mark.read_text("utf-8") if self._mark.exists() else ""
        self.must_rebuild = built_on != epoch_of(lake)
        self._is_prepared = True

    def show(self) -> None:
        from orchestration.lake import show

        show(self._session(), self.built)

    def settle(self) -> None:
        from ingestion.lake import epoch_of
        from orchestration.lake import tidy

        tidy(self._session(), self.settings.lake_folder)
        self._mark.write_text(epoch_of(str(self.settings.lake_folder)), "utf-8")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the session, and with it what the cluster has set aside for this run."""
        if self._is_prepared and self._context() is not None:
            self._session().stop()

    @property
    def _mark(self) -> Path:
        """Says which writing of raw the tables were built on; absent until all were."""
        return self.settings.lake_folder / "built.json"

    @staticmethod
    def _context() -> SparkContext | None:
        """The one that dbt made, in a thread of its own: to this one pyspark's public names show none."""
        from pyspark import SparkContext

        return SparkContext._active_spark_context

    def _session(self) -> SparkSession:
        """The session that dbt made."""
        from pyspark.sql import SparkSession

        return SparkSession.builder.getOrCreate()


def refuse_without_spark() -> None:
    """Raise ConfigError where pyspark or Java is missing."""
    if not (find_spec("pyspark") and find_spec("dbt.adapters.spark")):
        raise ConfigError("Spark is not installed here", "run `make spark`, or leave out --target spark")
    home = os.environ.get("JAVA_HOME")
    if not (Path(home, "bin", "java").exists() if home else shutil.which("java")):
        raise ConfigError("Spark needs Java 17 and there is none", "install it, or set JAVA_HOME")
