"""Jobs and when they run."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ingestion.config import Region, load_regions, load_settings
from ingestion.errors import ConfigError
from ingestion.sources import SOURCES
from orchestration.defs import labels
from orchestration.defs.alerts import say_what_failed
from orchestration.defs.ingestion import LIVE_TAG
from orchestration.keys import asset_key
from orchestration.maintenance import maintain
from orchestration.news import tell
from orchestration.watch import watch

IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
NOT_POLLED = dg.AssetSelection.assets(
    *(asset_key("raw", table.name) for spec in SOURCES.values() if not spec.polled for table in spec.tables)
)

STREET = dg.AssetSelection.all() - dg.AssetSelection.assets(labels.MODELS)

refresh = dg.define_asset_job(
    "refresh",
    selection=STREET,
    description="Read every source and publish a release; by partition it re-reads those days.",
    hooks={say_what_failed},
)
live = dg.define_asset_job(
    "live",
    selection=STREET - NOT_POLLED,
    description="Poll the sources that are cheap to ask and publish what changed.",
    tags={LIVE_TAG: "live"},
    hooks={say_what_failed},
)


@dg.schedule(
    job=live, cron_schedule="* * * * *", description="Every minute, unless a run is still in progress."
)
def every_minute(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One writer at a time: a minute that finds a run in progress is left out."""
    running = context.instance.get_run_records(dg.RunsFilter(statuses=IN_PROGRESS), limit=1)
    if running:
        return dg.SkipReason(f"Run {running[0].dagster_run.run_id} is still in progress.")
    return dg.RunRequest(tags={LIVE_TAG: "live"})


@dg.sensor(
    name="watch",
    minimum_interval_seconds=60,
    description="Tells OTKLIK_ALERT_URLS what is wrong with runs, figures and sources, and what is over; "
    "OTKLIK_CENTRE_URLS new risk signals, overdue waves and territories that turned red.",
)
def alerts() -> dg.SkipReason:
    """One pass of `otklik watch`; it starts nothing."""
    try:
        settings = load_settings()
        found = watch(settings)
        tell(settings)
    except ConfigError as error:
        return dg.SkipReason(str(error))
    return dg.SkipReason(" ".join(concern.sentence for concern in found.concerns) or "All is well.")


@dg.op(name="maintain", description="Old releases, runs, working files; see `otklik maintain --dry-run`.")
def clean(context: dg.OpExecutionContext) -> None:
    """Says in the run's log what it deleted."""
    for one in maintain(load_settings()):
        context.log.info(f"{one.what}: {one.count} deleted, {one.size} bytes")


@dg.job(name="maintenance", description="Delete what is past its time.", hooks={say_what_failed})
def maintenance() -> None:
    clean()


weekly = dg.ScheduleDefinition(
    name="weekly_maintenance",
    job=maintenance,
    cron_schedule="0 3 * * 0",
    execution_timezone="UTC",
    description="Every Sunday at 03:00 UTC.",
)


def nightly(region: Region) -> dg.ScheduleDefinition:
    """The daily refresh of a region, at 05:30 of its own time."""
    return dg.ScheduleDefinition(
        name=f"refresh_{region.region_id.replace('-', '_')}",
        job=refresh,
        cron_schedule="30 5 * * *",
        execution_timezone=region.time_zone,
        run_config={"resources": {"street": {"config": {"region": region.region_id}}}},
        tags={LIVE_TAG: "live", "otklik/region": region.region_id},
        description=f"Every day at 05:30 of {region.name}.",
    )


def schedules() -> Iterator[dg.ScheduleDefinition]:
    """The live schedule and one refresh per configured region; none before a region is configured."""
    yield every_minute
    yield weekly
    yield from labels.schedules()
    try:
        regions = load_regions(load_settings())
    except ConfigError:
        return
    yield from (nightly(region) for region in regions.values())


jobs: list[Any] = [refresh, live, maintenance, labels.training]
