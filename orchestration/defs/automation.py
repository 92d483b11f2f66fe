"""Jobs and when they run."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from ingestion.config import Region, Settings, load_regions, load_settings
from ingestion.errors import Busy, ConfigError
from ingestion.sources import SOURCES
from orchestration.defs import labels
from orchestration.defs.alerts import say_what_failed
from orchestration.defs.ingestion import LIVE_TAG
from orchestration.keys import asset_key
from orchestration.maintenance import maintain
from orchestration.news import tell
from orchestration.poll import poll
from orchestration.watch import watch

IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# After a run that failed, how soon the next one is tried when nothing new has come.
RETRY_SECONDS = 60
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
    description="Read the sources that are cheap to ask and publish what changed.",
    tags={LIVE_TAG: "live"},
    hooks={say_what_failed},
)


def poll_seconds() -> int:
    """The deployment's interval; the default before it is configured."""
    try:
        return load_settings().poll_seconds
    except ConfigError:
        return Settings.model_fields["poll_seconds"].default


@dg.sensor(
    name="poll",
    job=live,
    minimum_interval_seconds=poll_seconds(),
    description="Looks whether anything has come from the sources that are cheap to ask, and starts the job "
    "`live` for it: one writer at a time, and no run for nothing.",
)
def look(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """What was found is in raw already; after a run that failed nothing but news starts the next one soon."""
    running = context.instance.get_run_records(dg.RunsFilter(statuses=IN_PROGRESS), limit=1)
    if running:
        return dg.SkipReason(f"Run {running[0].dagster_run.run_id} is still in progress.")
    try:
        found = poll(load_settings())
    except (Busy, ConfigError) as error:
        return dg.SkipReason(str(error))
    if not found.due:
        return dg.SkipReason("Nothing has come.")
    last = context.instance.get_run_records(dg.RunsFilter(job_name=live.name), limit=1)
    if last and not found.landed and last[0].dagster_run.status == dg.DagsterRunStatus.FAILURE:
        since = datetime.now(UTC).timestamp() - (last[0].end_time or 0)
        if since < RETRY_SECONDS:
            return dg.SkipReason(
                f"The last run failed {since:.0f} s ago; the next one in its time. {found.due}"
            )
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
    """Upkeep, and one refresh per configured region; none before a region is configured."""
    yield weekly
    yield from labels.schedules()
    try:
        regions = load_regions(load_settings())
    except ConfigError:
        return
    yield from (nightly(region) for region in regions.values())


jobs: list[Any] = [refresh, live, maintenance, labels.training]
