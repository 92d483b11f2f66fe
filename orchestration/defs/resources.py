"""What assets need from outside: the deployment (settings, regions, as_of, the warehouse lock) and dbt."""

import json
import logging
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import dagster as dg
from dagster_dbt import DbtProject
from pydantic import Field, PrivateAttr

from ingestion.clock import parse_utc
from ingestion.clocks import refuse_a_wrong_clock
from ingestion.config import Region, Settings, find_region, load_regions, load_settings
from ingestion.events import Events, event_log
from ingestion.lock import warehouse_lock
from orchestration.dbt_manifest import DBT_MANIFEST, DBT_PROJECT_DIR, ensure_manifest
from orchestration.dbt_process import Dbt
from orchestration.engine import Engine, SparkEngine
from orchestration.rules import built_under_other_rules, fingerprint
from publishing.catalogue import PublishedTable, published_tables
from publishing.release import Shelf

ROOT = Path(__file__).resolve().parents[2]
LOCK_WAIT_SECONDS = 30
steps = logging.getLogger("otklik.steps")


class Street(dg.ConfigurableResource):
    """The deployment as one run sees it. Holds the warehouse lock from the run's first step to its last.

    region: only this region's sources are read (empty: all). sources: only these are read (empty: all).
    as_of: ISO moment, UTC, the figures are stated for (empty: OTKLIK_AS_OF, else the moment the sources
    have been read). full_refresh: rebuild every model. reading: without it no source is asked. target: duckdb
    or spark (empty: OTKLIK_TARGET).
    """

    region: str = ""
    sources: list[str] = Field(default_factory=list)
    as_of: str = ""
    full_refresh: bool = False
    reading: bool = True
    target: str = ""

    _settings: Settings = PrivateAttr()
    _regions: dict[str, Region] = PrivateAttr()
    _as_of: datetime | None = PrivateAttr(default=None)
    _events: Events = PrivateAttr()
    _run_id: str = PrivateAttr(default="")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Street"]:
        """Read the settings anew for each run and keep other writers out until it ends."""
        settings = load_settings()
        if self.as_of:
            settings = settings.model_copy(update={"as_of": parse_utc(self.as_of)})
        if self.target:
            settings = settings.model_copy(update={"target": self.target})
        self._settings = settings
        self._regions = load_regions(settings)
        self._as_of = settings.as_of
        if self.region:
            find_region(self._regions, self.region)
        self._run_id = context.run_id or ""
        self._events = event_log(settings.data, run=self._run_id)
        if self.reading:
            refuse_a_wrong_clock(settings, self._regions.values())
        run = f"run {context.run_id[:8]}" if context.run_id else "a run"
        with warehouse_lock(settings, f"Dagster {run}", wait=LOCK_WAIT_SECONDS), self.engine:
            yield self

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def run_id(self) -> str:
        return self._run_id

    @property
    def events(self) -> Events:
        """The log of events; its lines name this run."""
        return self._events

    def begin(self, step: str, **values: str) -> None:
        """Say that a step of the street begins: to the command line, and to the log of events."""
        steps.info(step, extra={"values": values})
        self._events.info("step", step=step, **values)

    @property
    def regions(self) -> dict[str, Region]:
        """All regions of the deployment; the models build them all."""
        return self._regions

    def regions_to_read(self, source: str) -> list[Region]:
        """Regions whose `source` this run reads."""
        if not self.reading or (self.sources and source not in self.sources):
            return []
        return [
            region
            for region in self._regions.values()
            if self.region in ("", region.region_id) and source in region.connected
        ]

    def regions_to_label(self) -> list[Region]:
        """Regions whose messages this run labels: those that asked for it, where sources are read at all."""
        if not self.reading:
            return []
        asked = (region for region in self._regions.values() if region.labels is not None)
        return [region for region in asked if self.region in ("", region.region_id)]

    def moment(self) -> datetime:
        """as_of, naive UTC: fixed when first asked for, after the sources have been read."""
        if self._as_of is None:
            self._as_of = self._settings.now().replace(microsecond=0)
        return self._as_of

    @property
    def shelf(self) -> Shelf:
        return Shelf(self._settings.data / "published")

    @cached_property
    def rules(self) -> str:
        return fingerprint(DBT_PROJECT_DIR, self._regions)

    @cached_property
    def engine(self) -> Engine:
        """What builds facts and marts: DuckDB in the warehouse, or Spark in the lake."""
        return SparkEngine(self._settings) if self._settings.target == "spark" else Engine(self._settings)

    @cached_property
    def dbt(self) -> Dbt:
        """The dbt project on this deployment's engine; as_of is fixed when it is first asked for."""
        variables = {
            **self.engine.variables(),
            "OTKLIK_RUN_AS_OF": self.moment().isoformat(sep=" "),
            "OTKLIK_RUN_FINGERPRINT": self.rules,
            "OTKLIK_MEMORY_LIMIT": self._settings.memory_limit,
        }
        target = self._settings.data.resolve() / self.engine.artefacts
        return Dbt(target, variables, self._settings.target)

    def must_rebuild(self) -> bool:
        """Whether incremental building would mix two versions of the rules, or a rebuild was asked for."""
        return (
            self.full_refresh
            or self.engine.must_rebuild
            or built_under_other_rules(self.engine.built, self.rules)
        )

    def row_counts(self) -> dict[str, int]:
        """Rows of each table of the warehouse by schema.table; empty before its first load."""
        import duckdb

        if not self.engine.built.exists():
            return {}
        with duckdb.connect(str(self.engine.built), read_only=True) as connection:
            found = connection.execute(
                "select schema_name || '.' || table_name, estimated_size from duckdb_tables()"
            ).fetchall()
        return dict(found)

    def page(self, name: str, anchor: str = "") -> dg.MetadataValue:
        """A page of the current release: an address where one is served, else the path of the file."""
        place = f"{name}#{quote(anchor)}" if anchor else name
        if self._settings.report_url:
            return dg.MetadataValue.url(urljoin(f"{self._settings.report_url.rstrip('/')}/", f"../{place}"))
        return dg.MetadataValue.path(f"{self.shelf.current.absolute()}/{place}")

    def published(self) -> list[PublishedTable]:
        return published_tables(DBT_MANIFEST)

    def notes(self, run_id: str) -> Path:
        """Folder where the checks of a run are written down for its release."""
        folder = self._settings.data / "quality" / run_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def write_note(self, run_id: str, name: str, content: list[dict[str, Any]]) -> None:
        """Write down the results of one kind of checks of a run."""
        (self.notes(run_id) / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")

    def read_notes(self, run_id: str) -> dict[str, list[dict[str, Any]]]:
        """All results written down in a run, by kind."""
        return {
            path.stem: json.loads(path.read_text("utf-8"))
            for path in sorted(self.notes(run_id).glob("*.json"))
        }


def git_commit() -> str:
    """The commit the code stands at; `unknown` outside a checkout."""
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() if found.returncode == 0 else "unknown"


def prepare_dbt() -> DbtProject:
    """The dbt project, with a manifest that is not older than its files."""
    ensure_manifest()
    return DbtProject(project_dir=DBT_PROJECT_DIR, profiles_dir=DBT_PROJECT_DIR)
