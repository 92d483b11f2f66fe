"""What a deployment gathers and nobody needs: old releases, runs, working files, ends of killed runs.

Of raw only the words of rows that could never land have an age: histories are told from all versions, and a
rebuild must give the figures that were published. Persons leave it by erasure.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.config import Settings
from ingestion.lock import warehouse_lock
from publishing.release import Shelf, retire, retired_by

if TYPE_CHECKING:
    import dagster as dg

LOCK_WAIT_SECONDS = 3600
_OLD_QUARANTINE = """
    select count(*), coalesce(sum(strlen(payload)), 0)
    from raw.quarantine
    where payload is not null and fetched_at < ?
"""
_FORGET_QUARANTINE = """
    update raw.quarantine set payload = null
    where payload is not null and fetched_at < ?
"""
_TOLD_BY = """
    select distinct region_id, told_by
    from (
        select labels.region_id, arg_max(labels.told_by, loads.load_seq) as told_by
        from raw.labels as labels
        inner join raw.loads as loads on labels._dlt_load_id = loads._dlt_load_id
        group by labels.region_id, labels.object_ref
    )
"""
_MODEL_AGE = timedelta(days=1)  # a younger one may be about to come into force: training holds no lock
LOG_BYTES = 20 * 2**20  # what is kept of a log: its end


@dataclass(frozen=True)
class Removed:
    """One kind of what went: how many, and the bytes they took."""

    what: str
    count: int
    size: int


def maintain(settings: Settings, *, dry_run: bool = False, now: datetime | None = None) -> list[Removed]:
    """Delete what is past its time and say what it was; with `dry_run` only say it. Waits for a run that is
    writing.

    now: naive UTC, by default the wall clock; never OTKLIK_AS_OF, which says nothing of the age of files.
    """
    moment = now or datetime.now(UTC).replace(tzinfo=None)
    with warehouse_lock(settings, "maintenance", LOCK_WAIT_SECONDS):
        return [part(settings, moment, dry_run) for part in _PARTS]


def _releases(settings: Settings, _: datetime, dry_run: bool) -> Removed:
    shelf = Shelf(settings.data / "published")
    gone = retired_by(shelf, settings.keep_releases)
    size = sum(_size(shelf.releases / release_id) for release_id in gone)
    if not dry_run:
        retire(shelf, settings.keep_releases)
    return Removed("releases", len(gone), size)


def _runs(settings: Settings, now: datetime, dry_run: bool) -> Removed:
    """Finished runs of Dagster with events, and the checks written down for them; the newest ten stay."""
    from orchestration.street import dagster_instance

    limit = now - timedelta(days=settings.keep_runs_days)
    count = size = 0
    with dagster_instance(settings) as instance:
        newest = {record.dagster_run.run_id for record in instance.get_run_records(limit=10)}
        for run_id in _old_runs(instance, limit):
            if run_id in newest:
                continue
            notes = settings.data / "quality" / run_id
            count, size = count + 1, size + _size(notes)
            if not dry_run:
                instance.delete_run(run_id)
                shutil.rmtree(notes, ignore_errors=True)
    return Removed("runs", count, size)


def _old_runs(instance: dg.DagsterInstance, limit: datetime) -> Iterator[str]:
    from dagster import DagsterRunStatus, RunsFilter

    ended = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
    chosen = RunsFilter(statuses=ended, created_before=limit.replace(tzinfo=UTC))
    yield from [record.dagster_run.run_id for record in instance.get_run_records(chosen)]


def _quarantine(settings: Settings, now: datetime, dry_run: bool) -> Removed:
    """What rows in quarantine held; that they came, their keys and reasons stay, and with them all counts."""
    import duckdb

    if not settings.warehouse.exists():
        return Removed("quarantine", 0, 0)
    limit = [now - timedelta(days=settings.keep_quarantine_days)]
    with duckdb.connect(str(settings.warehouse), read_only=dry_run) as connection:
        tables = "select 1 from duckdb_tables() where schema_name = 'raw' and table_name = 'quarantine'"
        if not connection.execute(tables).fetchall():
            return Removed("quarantine", 0, 0)
        count, size = connection.execute(_OLD_QUARANTINE, limit).fetchall()[0]
        if count and not dry_run:
            connection.execute(_FORGET_QUARANTINE, limit)
    return Removed("quarantine", int(count), int(size))


def _working_files(settings: Settings, _: datetime, dry_run: bool) -> Removed:
    """dlt's working copies, which each load makes anew."""
    return _cleared("working_files", _within(settings.data / "dlt", "*"), dry_run)


def _leftovers(settings: Settings, _: datetime, dry_run: bool) -> Removed:
    """What killed runs were building when they died."""
    published = settings.data / "published"
    patterns = (".candidate", ".serving-*", ".current", "restatements.new")
    found = [path for pattern in patterns for path in _within(published, pattern)]
    return _cleared("leftovers", found, dry_run)


def _logs(settings: Settings, _: datetime, dry_run: bool) -> Removed:
    count = size = 0
    for path in _within(settings.data / "logs", "*"):
        over = _size(path) - LOG_BYTES
        if path.is_file() and over > 0:
            count, size = count + 1, size + over
            if not dry_run:
                _keep_end(path)
    return Removed("logs", count, size)


def _keep_end(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-LOG_BYTES, 2)
        end = file.read().partition(b"\n")[2]
        file.seek(0)
        file.write(end)
        file.truncate()


def _models(settings: Settings, now: datetime, dry_run: bool) -> Removed:
    """Models of labels that are neither in force nor were before that, and that no standing label names."""
    from labels.in_force import PREVIOUS, models_of, note_of

    named = _models_named(settings)
    found: list[Path] = []
    for folder in _within(settings.data / "labels", "*"):
        note = note_of(models_of(settings.data, folder.name)) or {}
        kept = {note.get("label_version"), note.get(PREVIOUS)} | named.get(folder.name, set())
        found += [
            path
            for path in (*_within(folder, "[0-9a-f]*"), *_within(folder, ".new-*"))
            if path.is_dir() and path.name not in kept and _written(path) < now - _MODEL_AGE
        ]
    return _cleared("models", found, dry_run)


def _models_named(settings: Settings) -> dict[str, set[str]]:
    """By region the models that told the labels which stand."""
    import duckdb

    named: dict[str, set[str]] = {}
    if not settings.warehouse.exists():
        return named
    with duckdb.connect(str(settings.warehouse)) as connection:
        tables = "select 1 from duckdb_tables() where schema_name = 'raw' and table_name = 'labels'"
        told = connection.execute(_TOLD_BY).fetchall() if connection.execute(tables).fetchall() else []
    for region_id, model in told:
        named.setdefault(region_id, set()).add(model)
    return named


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)


def _cleared(what: str, paths: list[Path], dry_run: bool) -> Removed:
    removed = Removed(what, len(paths), sum(_size(path) for path in paths))
    for path in [] if dry_run else paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return removed


def _within(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern)) if folder.is_dir() else []


def _size(path: Path) -> int:
    """Bytes of a file or of a folder's files; a file that other releases link counts as well."""
    if path.is_symlink() or not path.exists():
        return 0
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sum(file.lstat().st_size for file in files)


_PARTS: tuple[Callable[[Settings, datetime, bool], Removed], ...] = (
    _releases,
    _runs,
    _quarantine,
    _working_files,
    _leftovers,
    _logs,
    _models,
)


def as_dicts(removed: list[Removed]) -> list[dict[str, Any]]:
    """Plain values for JSON and for Dagster."""
    return [{"what": one.what, "count": one.count, "bytes": one.size} for one in removed]
