"""The outside world → raw: one asset step per source, live or by window."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import dagster as dg
from dagster._core.instance import DynamicPartitionsStore

from ingestion.clock import Window
from ingestion.errors import IngestionError, SourceDown
from ingestion.pipeline import LoadReport, ingest
from ingestion.sources import MADE, SHARED_TABLES, SOURCES, SourceSpec
from ingestion.tables import RawTable
from orchestration.defs.resources import Street
from orchestration.keys import OWNERS, asset_key

LIVE_TAG = "otklik/mode"
HISTORY_FROM = "2019-01-01"
PARTITIONS_ARE_WINDOWS = (
    "Partitions are UTC days that were read again by a backfill. Live runs go on from the cursors and mark "
    "none: a missing partition is not a missing day, and orange is no alarm."
)


class Days(dg.DailyPartitionsDefinition):
    """UTC days, listed by counting. Dagster asks its calendar for each of some thousand, and lists them for
    every table that a step reads: a run spent seconds on it."""

    def get_partition_keys(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[str]:
        if current_time is not None:
            return super().get_partition_keys(current_time, dynamic_partitions_store)
        last = self.get_last_partition_key()
        first = date.fromisoformat(HISTORY_FROM)
        count = (date.fromisoformat(last) - first).days + 1 if last else 0
        return [(first + timedelta(days=number)).isoformat() for number in range(count)]


daily = Days(start_date=HISTORY_FROM, timezone="UTC")
# A source that is down for a minute should not cost the night's run; requests have their own retries below.
patience = dg.RetryPolicy(max_retries=1, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
fresh = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26), warn_window=timedelta(hours=25))


def window_of(context: dg.AssetExecutionContext) -> Window | None:
    """The days a backfill asks for; None in a live run, which goes on from the cursors.

    An asset has one owner, so the live cursor and the daily windows are two ways to run one asset.
    """
    if not context.has_partition_key_range or context.run_tags.get(LIVE_TAG) == "live":
        return None
    span = context.partition_time_window
    return Window(span.start.replace(tzinfo=None), span.end.replace(tzinfo=None))


def table_spec(table: RawTable, spec: SourceSpec | None) -> dg.AssetSpec:
    """A raw table as an asset, described from the source's own schema."""
    windowed = spec is not None and spec.windowed
    description = f"{table.description}\n\nAppend-only: every version of every object, as received."
    if spec is not None:
        description += f" Without rows until a region's file names the source `{spec.name}`."
    if windowed:
        description += f" {PARTITIONS_ARE_WINDOWS}"
    return dg.AssetSpec(
        asset_key("raw", table.name),
        description=description,
        group_name="raw",
        kinds={"dlt", "duckdb"},
        owners=OWNERS["raw"],
        metadata={"dagster/column_schema": _column_schema(table), "dagster/table_name": f"raw.{table.name}"},
        partitions_def=daily if windowed else None,
        freshness_policy=fresh if spec else None,
    )


def _column_schema(table: RawTable) -> dg.TableSchema:
    """Columns with keys and required ones marked, the common ones and dlt's load id included."""
    columns = [
        dg.TableColumn(
            column.name,
            column.type,
            column.description,
            dg.TableColumnConstraints(
                nullable=not column.required, other=["part of the key"] if column.key else []
            ),
        )
        for column in table.all_columns
    ]
    load_id = dg.TableColumn("_dlt_load_id", "text", "dlt load that the row came with; joins raw.loads.")
    return dg.TableSchema([*columns, load_id])


def source_asset(spec: SourceSpec) -> dg.AssetsDefinition:
    """The step that reads one source of every chosen region."""

    @dg.multi_asset(
        name=f"read_{spec.name}",
        description=spec.description,
        specs=[table_spec(table, spec) for table in spec.tables],
        retry_policy=patience,
        backfill_policy=dg.BackfillPolicy.single_run() if spec.windowed else None,
        op_tags={"otklik/source": spec.name},
    )
    def read(context: dg.AssetExecutionContext, street: Street) -> Iterator[dg.MaterializeResult]:
        window = window_of(context) if spec.windowed else None
        reports, failures = [], []
        for region in street.regions_to_read(spec.name):
            street.begin("read", source=spec.name, region=region.name)
            try:
                reports.append(ingest(spec.name, region, street.settings, window, run_id=street.run_id))
            except IngestionError as error:
                # One region's broken source must not keep the others' messages from landing.
                context.log.error("%s: %s", region.region_id, error)
                failures.append(error)
        if failures:
            # Retrying helps against a source that is down, not against a wrong token.
            raise dg.Failure(
                " ".join(str(error) for error in failures),
                allow_retries=any(isinstance(error, SourceDown) for error in failures),
            )
        rows = street.row_counts()
        for resource, table in spec.resources.items():
            counts = _counts(reports, resource) | {"dagster/row_count": rows.get(f"raw.{table.name}", 0)}
            yield dg.MaterializeResult(asset_key=asset_key("raw", table.name), metadata=counts)

    return read


@dg.multi_asset(
    name="book_of_loads",
    specs=[
        spec.replace_attributes(
            deps=[
                asset_key("raw", table.name)
                for source in (*SOURCES.values(), *MADE)
                for table in source.tables
            ]
        )
        for spec in (table_spec(table, None) for table in SHARED_TABLES)
    ],
)
def book_of_loads(street: Street) -> Iterator[dg.MaterializeResult]:
    """State how many rows the book of loads and the quarantine hold; the loads themselves write them."""
    rows = street.row_counts()
    for table in SHARED_TABLES:
        yield dg.MaterializeResult(
            asset_key=asset_key("raw", table.name),
            metadata={"dagster/row_count": rows.get(f"raw.{table.name}", 0)},
        )


def _counts(reports: list[LoadReport], resource: str) -> dict[str, int | float | str]:
    tallies = [report.resources[resource] for report in reports]
    received = sum(tally.received for tally in tallies)
    quarantined = sum(tally.quarantined for tally in tallies)
    return {
        "received": received,
        "landed": sum(tally.landed for tally in tallies),
        "quarantined": quarantined,
        "quarantine_share": quarantined / received if received else 0.0,
        "skipped_unchanged": sum(tally.skipped_unchanged for tally in tallies),
        "erased": sum(tally.erased for tally in tallies),
        "requests": sum(tally.requests for tally in tallies),
        "retries": sum(tally.retries for tally in tallies),
        "regions": len(reports),
        "seconds": sum(report.seconds for report in reports),
        "mode": ", ".join(sorted({report.mode for report in reports})) or "not read in this run",
    }


assets = [*(source_asset(spec) for spec in SOURCES.values()), book_of_loads]
