"""One load: a source's reader → one dlt package → `raw.*` in the warehouse, whole or not at all."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ingestion.accounting import Tally
from ingestion.bulk import BulkRows
from ingestion.clock import Window
from ingestion.config import Region, Settings
from ingestion.errors import (
    AccountingBroken,
    ConfigError,
    ContractBroken,
    IngestionError,
    UsageError,
    WarehouseError,
)
from ingestion.events import event_log, told_to
from ingestion.run import Run
from ingestion.sources import Made, SourceSpec, find_source
from ingestion.tables import RawTable, dlt_columns
from ingestion.warehouse import DATASET, opened

if TYPE_CHECKING:
    import dlt
    from dlt.common.schema.typing import TSchemaContractDict
    from dlt.extract import DltResource

CONTRACT: TSchemaContractDict = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}

# dlt reads its options from the environment first, so that no config file elsewhere can undo these.
_DLT_OPTIONS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID": "true",
    "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_ID": "false",
    "SCHEMA__NAMING": "snake_case",
    "LOAD__RAISE_ON_FAILED_JOBS": "true",
    "LOAD__DELETE_COMPLETED_JOBS": "true",
}


# Some sources forget what they are asked to go on from, so that each load takes one page only.
_MOST_LOADS = 10_000
_COUNTS = ("received", "landed", "quarantined", "skipped_unchanged", "erased", "requests", "retries")


@dataclass(frozen=True)
class LoadReport:
    """What was loaded. `resources` holds the counts by resource, `cursors` the state it moved to.

    Where it took several loads, counts and seconds are their sums, and the rest is the last one's.
    """

    source: str
    region_id: str
    load_id: str
    load_seq: int
    mode: str
    resources: dict[str, Tally]
    cursors: dict[str, Any]
    seconds: float

    @property
    def landed(self) -> int:
        """Rows landed in all resources."""
        return sum(tally.landed for tally in self.resources.values())

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        content = asdict(self)
        for tally in content["resources"].values():
            tally["unknown_fields"] = sorted(tally["unknown_fields"])
        return content


def ingest(
    source: str,
    region: Region,
    settings: Settings,
    window: Window | None = None,
    *,
    run_id: str = "",
    keep_empty: bool = True,
) -> LoadReport:
    """Read one source of one region into the warehouse, live or a half-open window, and say what landed.

    The caller holds the warehouse lock. Every failure is an IngestionError; the load that failed leaves no
    row behind. Without `keep_empty` a load that brought nothing leaves none either, nor a moved cursor: its
    report has no load_id.
    """
    return _told(find_source(source), region, settings, window, run_id, keep_empty)


def land_made(made: Made, region: Region, settings: Settings, *, run_id: str = "") -> LoadReport:
    """As `ingest`, for rows that the platform makes itself of what stands in raw."""
    return _told(made, region, settings, None, run_id, keep_empty=True)


def _told(
    spec: SourceSpec,
    region: Region,
    settings: Settings,
    window: Window | None,
    run_id: str,
    keep_empty: bool,
) -> LoadReport:
    """All loads of a request, and in the log of events how it ended."""
    log = event_log(settings.data, run=run_id, region=region.region_id, source=spec.name)
    with told_to(log):
        try:
            if not isinstance(spec, Made):
                _check_request(spec, region, settings, window)
            report = _loads(spec, region, settings, window, keep_empty=keep_empty)
        except IngestionError as error:
            log.error("load failed", kind=type(error).__name__, said=str(error))
            raise
    counts = {name: sum(getattr(one, name) for one in report.resources.values()) for name in _COUNTS}
    log.info("load ended", load=report.load_id, mode=report.mode, seconds=report.seconds, **counts)
    return report


def _loads(
    spec: SourceSpec, region: Region, settings: Settings, window: Window | None, *, keep_empty: bool
) -> LoadReport:
    """One load, and those that have to follow it, told as one."""
    report, unfinished = _load(spec, region, settings, window, keep_empty=keep_empty)
    for _ in range(_MOST_LOADS):
        if not unfinished:
            break
        following, unfinished = _load(spec, region, settings, window)
        for resource, tally in following.resources.items():
            report.resources[resource].add(tally)
        seconds = round(report.seconds + following.seconds, 3)
        report = replace(following, resources=report.resources, seconds=seconds)
    return report


def _load(
    spec: SourceSpec, region: Region, settings: Settings, window: Window | None, *, keep_empty: bool = True
) -> tuple[LoadReport, bool]:
    """One load, and whether another one has to follow."""
    started = time.perf_counter()
    with opened(settings) as warehouse:
        load_seq = warehouse.prepare(settings.pseudonyms())
        pipeline = _fresh_pipeline(spec, region, settings)
        bulk = BulkRows(warehouse.connection)
        run = Run(spec, region, settings, window, fetched_at=settings.now(), state={}, bulk=bulk)
        try:
            pipeline.extract(_resource(run, load_seq), loader_file_format="parquet")
            # A reader that stopped half-way must move its cursor, or it would stop there for ever.
            if keep_empty or run.unfinished or _brought(run):
                normalized = pipeline.normalize()
                _check_package(run, normalized.row_counts)
                bulk.commit()
                pipeline.load()
                load_id = normalized.loads_ids[-1]
            else:
                load_id = ""
        except Exception as error:
            # Whatever the failure: the rows already copied go now, and the caller gets a sentence.
            bulk.undo()
            warehouse.sweep()
            raise _as_sentence(error, run) from error
    report = LoadReport(
        source=spec.name,
        region_id=region.region_id,
        load_id=load_id,
        load_seq=load_seq,
        mode="live" if run.live else "window",
        resources=run.tallies,
        cursors={key: value for key, value in run.state.items() if isinstance(value, str | int)},
        seconds=round(time.perf_counter() - started, 3),
    )
    return report, run.unfinished


def _brought(run: Run) -> int:
    return sum(tally.landed + tally.quarantined for tally in run.tallies.values())


def _check_request(spec: SourceSpec, region: Region, settings: Settings, window: Window | None) -> None:
    if getattr(region.sources, spec.name) is None:
        raise ConfigError(
            f"The region {region.region_id} has no source {spec.name}",
            f"add sources.{spec.name} to {settings.regions / (region.region_id + '.yaml')}, "
            f"or use one of: {', '.join(region.connected) or 'none is connected yet'}",
        )
    if window is not None and not spec.windowed:
        raise UsageError(
            f"The source {spec.name} has no history to read by window", "run it without --since and --until"
        )


def _fresh_pipeline(spec: SourceSpec, region: Region, settings: Settings) -> dlt.Pipeline:
    """A pipeline whose cursors come from the warehouse alone.

    Local files of earlier runs are dropped: a package that once failed would be loaded again before new
    data, and a local cursor may be ahead of what landed.
    """
    os.environ.update(_DLT_OPTIONS)
    import dlt

    # Failures reach people as our sentences; whoever imported dlt first, its own log stays quiet.
    logging.getLogger("dlt").setLevel(logging.CRITICAL)
    name, folder = f"otklik_{spec.name}_{region.region_id}", settings.data / "dlt"
    shutil.rmtree(folder / name, ignore_errors=True)
    pipeline = dlt.pipeline(
        pipeline_name=name,
        pipelines_dir=str(folder),
        destination=dlt.destinations.duckdb(str(settings.warehouse)),
        dataset_name=DATASET,
    )
    pipeline.sync_destination()
    return pipeline


def _resource(run: Run, load_seq: int) -> DltResource:
    """The reader as one dlt resource that dispatches to tables, book-keeping rows last."""
    import dlt

    def mark(table: RawTable, page: Any) -> Any:
        hints = dlt.mark.make_hints(**_hints(table))
        return dlt.mark.with_hints(page, hints, create_table_variant=True)

    def pages() -> Iterator[Any]:
        cursors = dlt.current.resource_state()
        # A window works on a copy: it may look at the cursors but never moves them.
        run.state = cursors if run.live else deepcopy(cursors)
        run.load_id = dlt.current.load_package_state()["load_id"]
        for table, page in run.spec.reader()(run):
            yield mark(table, page)
        run.check()
        for table, page in run.books(load_seq):
            yield mark(table, page)

    resource = dlt.resource(pages, name=run.spec.name, write_disposition="append")
    for table in run.spec.tables:
        if table.bulk:
            continue
        resource.apply_hints(**_hints(table), create_table_variant=True)
    return resource


def _hints(table: RawTable) -> dict[str, Any]:
    """How dlt must treat a table."""
    return {
        "table_name": table.name,
        "write_disposition": "append",
        "columns": dlt_columns(table),
        "schema_contract": CONTRACT,
    }


def _check_package(run: Run, row_counts: dict[str, int]) -> None:
    """What dlt is about to commit is what the readers counted."""
    for resource, table in run.spec.resources.items():
        packed, landed = row_counts.get(table.name, 0), run.tallies[resource].landed
        if table.bulk and run.bulk is not None:
            packed = run.bulk.count(table, run.load_id)
        if packed != landed:
            raise AccountingBroken(
                f"{table.name}: {landed} rows were read but the load package holds {packed}",
                "report this as a defect: nothing of the load was kept",
            )


def _as_sentence(error: Exception, run: Run) -> Exception:
    """The expected failure that lies under dlt's wrapping; a defect of ours is given back as it is."""
    import duckdb
    from dlt.common.schema.exceptions import DataValidationError
    from dlt.load.exceptions import LoadClientJobException

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, IngestionError):
            return cause
        if isinstance(cause, DataValidationError):
            return ContractBroken(
                f"{cause.table_name}.{cause.column_name} of {run.describe()} came in another type",
                "compare the source's page with the table's schema; nothing of the load was kept",
            )
        if isinstance(cause, LoadClientJobException | duckdb.Error):
            return WarehouseError(
                f"{run.describe()} was read but could not be written to {run.settings.warehouse} "
                f"({_kind(cause)})",
                "check the space on its disk and that its tables were not altered by hand, then run again",
            )
        if isinstance(cause, OSError):
            return WarehouseError(
                f"Loading {run.describe()} failed: {cause.strerror or type(cause).__name__}",
                f"check space and rights of {run.settings.data} and run again",
            )
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return error


def _kind(cause: BaseException) -> str:
    """The kind of a database error; its text may quote values and is left out."""
    root: BaseException = getattr(cause, "client_exception", None) or cause
    while root.__cause__ is not None:
        root = root.__cause__
    return type(root).__name__
