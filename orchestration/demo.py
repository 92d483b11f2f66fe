"""A deployment that plays a scenario: the sandbox's servers and the street, in one command."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from ingestion.config import Region, Settings, load_regions, load_settings
from ingestion.errors import UsageError
from ingestion.inbox.serve import receiving
from orchestration.dbt_manifest import ensure_manifest
from orchestration.messages import Language
from orchestration.processes import run_in_foreground
from orchestration.street import ROOT, Listener, Outcome, Wish, run_street

if TYPE_CHECKING:
    from sandbox.kit import Sandbox

MARKER = "demo.json"
Progress = Callable[[Language, int], AbstractContextManager[Listener]]


def play(scenario: str, data: Path, progress: Progress) -> Outcome:
    """Start the scenario's servers, run the whole street on them, stop them.

    The data folder becomes the scenario's: another scenario's demo in it is replaced, anything else refused.
    Raises UsageError for a folder that is not a demo's, IngestionError for a broken configuration.
    """
    from sandbox.kit import SandboxError, launch
    from sandbox.scenario import ScenarioError, read_document

    try:
        read_document(scenario)  # a mistyped name claims no folder and imports nothing
    except ScenarioError as error:
        raise UsageError(str(error).rstrip("."), "docs/scenarios.md says how to write one") from None
    claim(scenario, data)
    # dbt takes up its parsed project again only under the same profile, and this is part of it.
    os.environ["OTKLIK_WAREHOUSE"] = str((data / "warehouse.duckdb").resolve())
    # While the sandbox makes its population: dbt parses in a process of its own, Dagster is imported here.
    threading.Thread(target=ensure_manifest, daemon=True).start()
    # No daemon: a process that ends amid the import of a native library aborts, whatever its exit code.
    given_up = threading.Event()
    preparing = threading.Thread(target=_import_street, args=(given_up,))
    preparing.start()
    try:
        with launch(scenario, data) as sandbox:
            settings = load_settings()
            regions = load_regions(settings)
            _receive(settings, regions, sandbox)
            reads = sum(len(region.connected) for region in regions.values())
            with progress(settings.lang, reads) as listener:
                preparing.join()
                return run_street(settings, Wish(), listener)
    except SandboxError as error:
        given_up.set()
        raise UsageError(
            str(error),
            "`ls sandbox/scenarios` lists those which exist, docs/scenarios.md says how to write one",
        ) from None


def _receive(settings: Settings, regions: Mapping[str, Region], sandbox: Sandbox) -> None:
    """Viber only pushes: its events reach the inbox before the street reads what lies there."""
    for region in regions.values():
        if region.sources.viber is not None:
            with receiving(settings) as url:
                sandbox.at(region.region_id).deliver_viber(f"{url}/viber/{region.region_id}")


def claim(scenario: str, data: Path) -> None:
    """Make the data folder this scenario's."""
    marker = data / MARKER
    played = json.loads(marker.read_text("utf-8"))["scenario"] if marker.is_file() else None
    if played is None and (data / "warehouse.duckdb").exists():
        raise UsageError(
            f"The folder {data} holds a warehouse that is no demo",
            "name another folder: `OTKLIK_DATA=/tmp/demo otklik demo`",
        )
    if played not in (None, scenario):
        shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps({"scenario": scenario}), "utf-8")


def develop(data: Path, port: int) -> int:
    """Run Dagster's web page and daemon in the foreground until interrupted; returns its exit code."""
    home = data.resolve() / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    write_dagster_settings(home)
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "OTKLIK_DATA": str(data.resolve()),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        # the sensor `poll` reads sources: 3,000 communities take up to a minute
        "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": "600",
        "PYTHONWARNINGS": "ignore",  # Dagster's own deprecations are no news for the people who start it
    }
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "-w", str(ROOT / "workspace.yaml")]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with ExitStack() as stack:
        marker = data / MARKER
        if marker.is_file():
            from sandbox.kit import launch

            stack.enter_context(launch(json.loads(marker.read_text("utf-8"))["scenario"], data))
        return run_in_foreground(command, ROOT, environment)


def write_dagster_settings(home: Path) -> None:
    """The root's dagster.yaml into a Dagster home, with the event log that keeps its files open."""
    from orchestration.event_log import event_log_settings

    settings = yaml.safe_load((ROOT / "dagster.yaml").read_text("utf-8"))
    told = yaml.safe_dump({**settings, "event_log_storage": event_log_settings(home)}, allow_unicode=True)
    (home / "dagster.yaml").write_text(
        f"# Written by `otklik dev` from the project's dagster.yaml.\n{told}", "utf-8"
    )


def _import_street(given_up: threading.Event) -> None:
    """What the street needs, one after another until nobody wants it any more."""
    for module in ("dlt", "duckdb", "pyarrow", "dagster_dbt", "orchestration.definitions"):
        if not given_up.is_set():
            import_module(module)
