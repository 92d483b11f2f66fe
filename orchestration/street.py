"""Run the street from the command line: the same Dagster jobs, in this process, with sentences for errors."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.config import Settings
from publishing.release import Shelf

if TYPE_CHECKING:
    import dagster as dg

ROOT = Path(__file__).resolve().parents[1]
# What dbt and DuckDB say where Python would raise an OSError.
_OF_THE_DISK = re.compile("No space left on device|Read-only file system|Disk quota exceeded")
_OF_DAMAGE = re.compile("Corrupt database file|not a valid DuckDB database")
Listener = Callable[[str, Mapping[str, str]], None]


@dataclass(frozen=True)
class Wish:
    """What to run. `days` is a half-open span of UTC days to read anew; None goes on from the cursors.

    Without `reading` no source is asked: what stands in raw is built and published. `target` is the engine
    that builds, duckdb or spark; empty: OTKLIK_TARGET.
    """

    region: str = ""
    sources: tuple[str, ...] = ()
    as_of: str = ""
    full_refresh: bool = False
    days: tuple[date, date] | None = None
    reading: bool = True
    target: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of it. `failures` are sentences, empty when the release was published."""

    run_id: str
    release_id: str
    is_new: bool
    seconds: float
    failures: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        return not self.failures


def run_street(settings: Settings, wish: Wish, listener: Listener | None = None) -> Outcome:
    """Run the job `refresh` and say what came of it. Never raises for a failure of the street itself."""
    started = time.perf_counter()
    shelf = Shelf(settings.data / "published")
    before = (shelf.current_manifest() or {}).get("id")
    try:
        with _quiet(settings), _listening(listener):
            from orchestration.definitions import defs

            with dagster_instance(settings) as instance:
                result = defs.resolve_job_def("refresh").execute_in_process(
                    instance=instance,
                    raise_on_error=False,
                    run_config=_run_config(wish),
                    tags=_tags(wish),
                )
                failures = [] if result.success else _failures(result)
    except Exception as error:
        # Dagster's own books lie on the same disk as ours: where they cannot be written it ends in its way.
        if not _is_of_the_disk(error):
            raise
        return Outcome("", before or "", False, time.perf_counter() - started, [_about_the_disk(settings)])
    if any(_OF_THE_DISK.search(sentence) for sentence in failures):
        failures = [_about_the_disk(settings)]
    elif any(_OF_DAMAGE.search(sentence) for sentence in failures):
        failures = [_about_damage(settings)]
    after = (shelf.current_manifest() or {}).get("id", "")
    return Outcome(result.run_id, after, after != before, time.perf_counter() - started, failures)


def _about_the_disk(settings: Settings) -> str:
    said = f"The disk of {settings.data} cannot be written: it is full or read-only"
    return f"{said}; make space and run again."


def _about_damage(settings: Settings) -> str:
    said = f"The warehouse {settings.warehouse} is damaged, and nothing was published"
    return f"{said}; run `otklik rebuild`, and where that says the same, `otklik restore` the newest backup."


def _is_of_the_disk(error: BaseException) -> bool:
    """Whether a full or read-only disk is what an exception comes from."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            return True
        if isinstance(found, sqlite3.OperationalError) and re.search("disk|readonly", str(found)):
            return True
        found = found.__cause__ or found.__context__
    return False


@contextlib.contextmanager
def dagster_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The deployment's Dagster instance: storage in <data>/dagster, settings from the root's dagster.yaml."""
    from dagster import DagsterInstance
    from dagster._core.instance.ref import InstanceRef

    from orchestration.event_log import event_log_settings

    home = settings.data.resolve() / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    overrides = {"event_log_storage": event_log_settings(home)}
    reference = InstanceRef.from_dir(str(home), config_dir=str(ROOT), overrides=overrides)
    with DagsterInstance.from_ref(reference) as instance:
        yield instance


def _run_config(wish: Wish) -> dict[str, Any]:
    street = {
        "region": wish.region,
        "sources": list(wish.sources),
        "as_of": wish.as_of,
        "full_refresh": wish.full_refresh,
        "reading": wish.reading,
        "target": wish.target,
    }
    return {
        "resources": {"street": {"config": street}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }


def _tags(wish: Wish) -> dict[str, str]:
    from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

    from orchestration.defs.ingestion import LIVE_TAG

    if wish.days is None:
        return {LIVE_TAG: "live"}
    first, last = wish.days[0], wish.days[1] - timedelta(days=1)
    return {
        ASSET_PARTITION_RANGE_START_TAG: first.isoformat(),
        ASSET_PARTITION_RANGE_END_TAG: last.isoformat(),
    }


def _failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """One sentence per failed step: the innermost reason, and for refused checks what they found."""
    refused = [
        check.description or check.check_name
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.blocking and check.severity.value == "ERROR"
    ]
    sentences = list(refused)
    for event in result.all_events:
        error = getattr(event.event_specific_data, "error", None) if event.is_failure else None
        while error is not None and error.cause is not None:
            error = error.cause
        if error is None or error.cls_name == "DagsterAssetCheckFailedError":
            continue
        qualified, _, words = " ".join(error.message.split()).partition(": ")
        is_prefix = bool(error.cls_name) and qualified.endswith(str(error.cls_name))
        sentence = words if is_prefix else f"{qualified}: {words}"
        if not any(known in sentence for known in sentences):
            sentences.append(sentence)
    return sentences or ["The run failed without saying why; look at it with `otklik dev`."]


@contextlib.contextmanager
def _quiet(settings: Settings) -> Iterator[None]:
    """Send what dbt and Dagster print to <data>/logs/street.log."""
    logs = settings.data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (
        (logs / "street.log").open("a", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        os.environ["PYTHONWARNINGS"] = "ignore"
        yield


@contextlib.contextmanager
def _listening(listener: Listener | None) -> Iterator[None]:
    """Hand each step's beginning to `listener` as (message key, values)."""
    if listener is None:
        yield
        return
    heard = listener

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            values: Mapping[str, str] = record.__dict__["values"]
            heard(record.msg, {name: str(value) for name, value in values.items()})

    logger = logging.getLogger("otklik.steps")
    handler = Handler()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
