"""The processes that are killed: a run of the street, or the receiver of webhooks.

They are the real thing and do nothing for the sake of being killed but say, through a pipe, which part of
their work begins. They start from multiprocessing's fork server, so that a death costs no imports.
"""

from __future__ import annotations

import multiprocessing as mp
import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import wraps
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from ingestion.clock import utc_now

# What the street says itself (otklik.steps), and these parts, which it does not tell apart.
_PARTS = (
    ("dlt", "Pipeline.extract", "extract"),
    ("dlt", "Pipeline.normalize", "normalise"),
    ("dlt", "Pipeline.load", "load"),
    ("orchestration.defs.publish", "build_serving", "serving"),
    ("orchestration.defs.publish", "point_current", "swap"),
    ("orchestration.defs.publish", "retire", "retire"),
)
CLOCK_DAYS = "CHAOS_CLOCK_DAYS"
_PRELOADED = ("orchestration.definitions", "orchestration.street", "dlt.destinations.impl.duckdb.duck")


def start(target: Callable[..., None], *told: Any) -> ForkServerProcess:
    """A process of its own; killed with SIGKILL it leaves nothing behind but what it wrote."""
    context = mp.get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOADED))
    process = context.Process(target=target, args=told, daemon=False)
    process.start()
    return process


def run(environment: Mapping[str, str], says: Connection) -> None:
    """One run of the street. `says` gets ("stage", name) as each begins, at the end ("end", failures)."""
    os.environ.update(environment)
    for module, name, stage in _PARTS:
        _announce(import_module(module), name, lambda stage=stage: says.send(("stage", stage)))
    from ingestion.config import load_settings
    from orchestration.street import Wish, run_street

    _set_clock(int(os.environ.get(CLOCK_DAYS, "0")))

    def listener(key: str, values: Mapping[str, str]) -> None:
        says.send(("stage", key))

    outcome = run_street(load_settings(), Wish(), listener)
    says.send(("end", outcome.failures))


def load(environment: Mapping[str, str], says: Connection) -> None:
    """One load of each polled source of the region, without the rest of the street."""
    os.environ.update(environment)
    for module, name, stage in _PARTS:
        _announce(import_module(module), name, lambda stage=stage: says.send(("stage", stage)))
    from ingestion.config import load_regions, load_settings
    from ingestion.lock import warehouse_lock
    from ingestion.pipeline import ingest

    settings = load_settings()
    with warehouse_lock(settings, "a load"):
        for region in load_regions(settings).values():
            for source in region.connected:
                ingest(source, region, settings)
    says.send(("end", []))


def publish(environment: Mapping[str, str], says: Connection) -> None:
    """Candidate, release, serving file and swap of what stands in the warehouse; without its audit."""
    os.environ.update(environment)
    from ingestion.config import load_settings
    from ingestion.lock import warehouse_lock
    from orchestration.dbt_manifest import ensure_manifest
    from publishing import release, serving
    from publishing.catalogue import published_tables

    settings, tables = load_settings(), published_tables(ensure_manifest())
    shelf = release.Shelf(settings.data / "published")
    standing = shelf.current_manifest() or {}
    provenance = release.Provenance(settings.now(), "chaos", standing.get("fingerprint", ""))
    with warehouse_lock(settings, "a release"):
        says.send(("stage", "candidate"))
        release.build_candidate(settings.warehouse, shelf, tables, provenance)
        says.send(("stage", "release"))
        release.record_audit(shelf, [])
        manifest, _ = release.put_in_place(shelf)
        says.send(("stage", "serving"))
        serving.build_serving(shelf, manifest, tables)
        says.send(("stage", "swap"))
        release.point_current(shelf, manifest["id"])
        says.send(("stage", "retire"))
        release.retire(shelf, settings.keep_releases)
    says.send(("end", []))


def receive(environment: Mapping[str, str], ready: Path) -> None:
    """The receiver of webhooks; its address stands in `ready` once it listens."""
    os.environ.update(environment)
    from ingestion.config import load_settings
    from ingestion.inbox.serve import serve

    serve(load_settings(), "127.0.0.1", 0, max_age_hours=0, ready_file=ready)


def _set_clock(days: int) -> None:
    """The machine's clock, as far as ingestion looks at it; the real one belongs to everybody."""
    from ingestion import clocks, config

    if days:
        for module in (clocks, config):
            vars(module)["utc_now"] = lambda: utc_now() + timedelta(days=days)


def _announce(owner: Any, path: str, said: Callable[[], None]) -> None:
    *owners, name = path.split(".")
    for one in owners:
        owner = getattr(owner, one)
    whole = getattr(owner, name)

    @wraps(whole)
    def announced(*args: Any, **kwargs: Any) -> Any:
        said()
        return whole(*args, **kwargs)

    setattr(owner, name, announced)
