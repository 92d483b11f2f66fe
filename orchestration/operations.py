"""What operators and analysts ask: is it fresh, what is in quarantine, which releases, a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ingestion.config import Settings, load_regions
from orchestration.dbt_manifest import ensure_manifest
from publishing.catalogue import PublishedTable, published_tables
from publishing.errors import PublishError
from publishing.release import Shelf, open_release


class NoRelease(PublishError):  # noqa: N818 - says what is so
    """Nothing has been published yet."""


@dataclass(frozen=True)
class SourceStatus:
    """A source of a region: totals over its finished loads, and the last one's. None: it was never read.

    last_retries: requests of the last load that were repeats, because the one before them failed.
    """

    region_id: str
    source: str
    last_load: datetime | None
    received: int
    landed: int
    quarantined: int
    last_received: int
    last_quarantined: int
    note: str
    last_retries: int = 0


@dataclass(frozen=True)
class Status:
    """The deployment at a glance."""

    sources: list[SourceStatus]
    quarantine: list[dict[str, Any]]
    release: dict[str, Any] | None
    last_run: dict[str, Any] | None
    open_failures: list[str]
    refused_checks: list[tuple[str, str]]
    written_by: str | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values; moments are ISO UTC when printed as JSON."""
        return asdict(self)


def postgres_tables(settings: Settings) -> tuple[Shelf, list[PublishedTable], Sequence[str]]:
    """What PostgreSQL is told about: the releases, the published tables, the schemas that go there."""
    return (
        Shelf(settings.data / "published"),
        published_tables(ensure_manifest()),
        settings.postgres_schemas,
    )


def read_status(settings: Settings) -> Status:
    """Sources, quarantine, release and last run. Works while a run writes, from the last release then."""
    import duckdb

    from orchestration.street import dagster_instance

    shelf = Shelf(settings.data / "published")
    manifest = shelf.current_manifest()
    loads: list[tuple[Any, ...]] = []
    quarantine: list[dict[str, Any]] = []
    written_by = None
    if settings.warehouse.exists():
        try:
            with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
                loads = connection.execute(_LOADS).fetchall()
                found = connection.execute(_QUARANTINE)
                names = [column[0] for column in found.description or []]
                quarantine = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        except duckdb.IOException:
            written_by = (settings.data / "warehouse.lock").read_text("utf-8") or "another process"
            loads = [
                (
                    mark["region_id"],
                    mark["source"],
                    datetime.fromisoformat(mark["fetched_at"][:-1]),
                    *[0] * 5,
                    "",
                )
                for mark in (manifest or {}).get("watermarks", [])
            ]
    known = {(region_id, source): (last, *counts) for region_id, source, last, *counts in loads}
    sources = [
        SourceStatus(region.region_id, source, *known.get((region.region_id, source), (None, *[0] * 5, "")))
        for region in load_regions(settings).values()
        for source in region.connected
    ]
    with dagster_instance(settings) as instance:
        last_run = None
        failures: list[str] = []
        refused: list[tuple[str, str]] = []
        newest = _newest_runs(instance)
        if run := newest.get("street"):
            last_run = {"run_id": run.run_id, "status": run.status.value, "job": run.job_name}
        for run in newest.values():
            if run.status.value == "FAILURE":
                failures += _failed_steps(instance, run.run_id)
                refused += _refused_checks(instance, run.run_id)
    release = None
    if manifest:
        release = {"id": manifest["id"], "as_of": manifest["as_of"], "git_commit": manifest["git_commit"]}
    return Status(sources, quarantine, release, last_run, failures, refused, written_by)


def list_releases(settings: Settings) -> list[dict[str, Any]]:
    """Releases from the newest: id, as_of, rows, bytes, whether it is the current one."""
    shelf = Shelf(settings.data / "published")
    current = (shelf.current_manifest() or {}).get("id")
    listed = []
    for release_id in reversed(shelf.release_ids()):
        manifest = shelf.manifest(release_id)
        files = [file for table in manifest["tables"].values() for file in table["files"]]
        listed.append(
            {
                "id": release_id,
                "as_of": manifest["as_of"],
                "rows": sum(file["rows"] for file in files),
                "bytes": sum(file["bytes"] for file in files),
                "current": release_id == current,
            }
        )
    return listed


def run_query(
    settings: Settings, sql: str, release_id: str | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of a query on the current release, or on an older one by its id.

    Raises NoRelease before the first release and PublishError for SQL that DuckDB refuses.
    """
    import duckdb

    shelf = Shelf(settings.data / "published")
    if release_id is None and not shelf.serving.exists():
        raise NoRelease("There is no release yet", "make one with `otklik demo` or `otklik run`")
    if release_id:
        shelf.manifest(release_id)
        connection = open_release(shelf.releases / release_id)
    else:
        connection = duckdb.connect(str(shelf.serving), read_only=True)
    with connection:
        try:
            connection.execute("set timezone to 'UTC'")
            result = connection.execute(sql)
            return [column[0] for column in result.description or []], result.fetchall()
        except duckdb.Error as error:
            words = " ".join(str(error).split())
            raise PublishError(
                f"The query was refused: {words}",
                '`otklik query "show all tables"` lists what can be asked',
            ) from None


def _newest_runs(instance: Any) -> dict[str, Any]:
    """The newest run of the street and of the maintenance: one that went well does not mend the other."""
    found: dict[str, Any] = {}
    for record in instance.get_run_records(limit=50):
        run = record.dagster_run
        found.setdefault("maintenance" if run.job_name == "maintenance" else "street", run)
    return found


def _failed_steps(instance: Any, run_id: str) -> list[str]:
    from dagster import DagsterEventType

    entries = instance.all_logs(run_id, of_type=DagsterEventType.STEP_FAILURE)
    sentences = []
    for entry in entries:
        error = entry.dagster_event.event_specific_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None and error.cls_name == "DagsterAssetCheckFailedError":
            continue  # the refused checks say it better
        words = " ".join(error.message.split()) if error else "no reason was given"
        sentences.append(f"{entry.dagster_event.step_key}: {words}")
    return sentences


def _refused_checks(instance: Any, run_id: str) -> list[tuple[str, str]]:
    """Name and sentence of each blocking check that failed in a run."""
    from dagster import DagsterEventType

    entries = instance.all_logs(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
    checks = [entry.dagster_event.event_specific_data for entry in entries]
    return [
        (check.check_name, check.description or check.check_name)
        for check in checks
        if not check.passed and check.blocking and check.severity.value == "ERROR"
    ]


_LOADS = """
    with finished as (
        select loads.*
        from raw.loads as loads
        inner join raw._dlt_loads as done on loads._dlt_load_id = done.load_id and done.status = 0
    ),

    newest as (
        select region_id, source, max(load_seq) as load_seq
        from finished
        group by region_id, source
    )

    select
        loads.region_id,
        loads.source,
        max(loads.fetched_at) as last_load,
        cast(sum(loads.received) as bigint) as received,
        cast(sum(loads.landed) as bigint) as landed,
        cast(sum(loads.quarantined) as bigint) as quarantined,
        cast(coalesce(sum(loads.received) filter (where newest.load_seq is not null), 0) as bigint)
            as last_received,
        cast(coalesce(sum(loads.quarantined) filter (where newest.load_seq is not null), 0) as bigint)
            as last_quarantined,
        coalesce(max_by(loads.note, loads.load_seq), '') as note,
        cast(coalesce(sum(loads.retries) filter (where newest.load_seq is not null), 0) as bigint)
            as last_retries
    from finished as loads
    left join newest using (region_id, source, load_seq)
    group by loads.region_id, loads.source
"""

_QUARANTINE = """
    select region_id, source, resource, reason, count(*) as rows
    from raw.quarantine
    group by region_id, source, resource, reason
    order by rows desc, region_id, source, resource, reason
    limit 20
"""
