"""How long raw → release takes, and how much memory, at so many appeals.

    python -m benchmarks.refresh --rows 1000000 [--regions 1] [--plain] [--json]

A deployment of `benchmarks.bulk` is built from nothing (`full`: every fact and mart, all checks, audit,
report, release), then with 1,000 messages more and a later as_of (`incremental`), then with nothing new
(`nothing_new`). No source is read. `--plain` computes the same tables by one DuckDB script as well
(`benchmarks.plain`). Prints the seconds of Dagster's steps and of the dearest dbt nodes, and what the disk
holds then. Each run is a process of its own, so that its peak of memory is its own. With OTKLIK_TARGET=spark
Spark builds (SPARK_CONF_DIR says with how much memory).
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import resource
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from benchmarks import plain
from benchmarks.bulk import AS_OF, LATER, arrive, deployment
from benchmarks.workplace import workplace
from ingestion.config import load_settings

RUNS = {"full": AS_OF, "incremental": LATER, "nothing_new": LATER}
DEAREST = 25
MANY = 10_000_000  # what a refresh of more may take is bounded apart
PUBLISHING = ("published__candidate", "audit", "published__report", "published__release")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--regions", type=int, default=1, help="among which they are shared out")
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    parser.add_argument("--plain", action="store_true", help="the same tables by one script, too")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--run", choices=sorted(RUNS), help=argparse.SUPPRESS)  # in this process
    chosen = parser.parse_args()
    if chosen.run:
        print(json.dumps(_run(chosen.run)))
        return
    with workplace(chosen.folder) as folder:
        found = measure(folder / "data", chosen.rows, chosen.regions, with_plain=chosen.plain)
    print(json.dumps(found) if chosen.json else told(found))


def measure(data: Path, rows: int, regions: int = 1, *, with_plain: bool = False) -> dict[str, Any]:
    """Seconds, peak memory in GB, steps and dbt nodes of each run, and seconds of the plain script."""
    # or the first run in a new .venv would compile all that it imports
    compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2, workers=0)
    settings, environment = deployment(data, rows, regions)
    environment["OTKLIK_MEMORY_LIMIT"] = memory_limit(rows)
    found: dict[str, Any] = {"rows": rows, "regions": regions}
    for name in RUNS:
        if name == "incremental":
            arrive(settings, rows)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.refresh", "--run", name],
            # a shell that keeps no bytecode would have each run compile what it imports
            env={**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": ""},
            stdout=subprocess.PIPE,
            check=True,
        )
        found[name] = json.loads(done.stdout)
        found[name]["disk_gb"] = _disk(data)
        if name == "full" and with_plain:
            found["plain"] = plain.measure(settings, AS_OF)
            found["plain_ratio"] = round(found["full"]["seconds"] / found["plain"]["seconds"], 2)
    published = {name: _publishing(found[name]["steps"]) for name in ("full", "incremental")}
    found["release_ratio"] = round(published["incremental"] / published["full"], 2)
    return found


def memory_limit(rows: int) -> str:
    """What DuckDB may take: what OTKLIK_MEMORY_LIMIT says, else the default, or more for more than MANY."""
    return os.environ.get("OTKLIK_MEMORY_LIMIT", "4GB" if rows <= MANY else "9GB")


def _disk(data: Path) -> dict[str, float]:
    """GB of the warehouse, the lake, the current release, and of what no other release shares with it."""
    release = [
        path.stat() for path in (data / "published" / "current").resolve().rglob("*") if path.is_file()
    ]
    lake = [path.stat() for path in (data / "lake").rglob("*") if path.is_file()]
    held = {
        "warehouse": (data / "warehouse.duckdb").stat().st_size,
        "lake": sum(one.st_size for one in lake),
        "release": sum(one.st_size for one in release),
        "release alone": sum(one.st_size for one in release if one.st_nlink == 1),
    }
    return {name: round(size / 1e9, 3) for name, size in held.items()}


def _publishing(steps: dict[str, float]) -> float:
    """Seconds from the finished marts to the release in place."""
    return sum(seconds for step, seconds in steps.items() if step in PUBLISHING)


def told(found: dict[str, Any]) -> str:
    """The figures as lines for people."""
    lines = [
        f"{found['rows']:,} appeals" + (f" of {found['regions']} regions" if found["regions"] > 1 else "")
    ]
    for name in (*RUNS, "plain"):
        if name not in found:
            continue
        run = found[name]
        lines.append(f"\n{name:<48} {run['seconds']:8.1f} s, peak memory {run['peak_gb']:.1f} GB")
        held = ", ".join(f"{name} {size:g}" for name, size in run.get("disk_gb", {}).items() if size)
        lines += [f"  GB on the disk: {held}"] if held else []
        for part in ("steps", "nodes"):
            dearest = sorted(run.get(part, {}).items(), key=lambda one: -one[1])[:DEAREST]
            lines += [f"  {step:<46} {seconds:8.1f} s" for step, seconds in dearest]
    return "\n".join(lines)


def _run(name: str) -> dict[str, Any]:
    """One run of the street in this process."""
    from orchestration.street import Wish, run_street

    settings = load_settings()
    outcome = run_street(settings, Wish(as_of=RUNS[name], full_refresh=name == "full", reading=False))
    if not outcome.succeeded:
        raise SystemExit("; ".join(outcome.failures))
    ended = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + _peak_of_children()
    return {
        "seconds": round(outcome.seconds, 1),
        "peak_gb": round(max(held, ended) / 2**20, 2),
        **_where_it_went(settings, outcome.run_id),
    }


def _peak_of_children() -> int:
    """KiB that the processes this one has started and that still live (Spark's driver) took at most."""
    peak = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            told = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines())
        except OSError:  # it has ended meanwhile
            continue
        if int(told["PPid"]) == os.getpid() and "VmHWM" in told:
            peak += int(told["VmHWM"].split()[0])
    return peak


def _where_it_went(settings: Any, run_id: str) -> dict[str, dict[str, float]]:
    """Seconds of Dagster's steps, and of the dbt nodes, models and tests."""
    from dagster import DagsterEventType

    from orchestration.street import dagster_instance

    kinds = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_CHECK_EVALUATION}
    nodes: dict[str, float] = {}
    with dagster_instance(settings) as instance:
        steps = {
            stats.step_key: round(stats.end_time - stats.start_time, 1)
            for stats in instance.get_run_step_stats(run_id)
            if stats.start_time and stats.end_time
        }
        for entry in instance.all_logs(run_id, of_type=kinds):
            event: Any = entry.get_dagster_event().event_specific_data
            metadata = event.materialization.metadata if hasattr(event, "materialization") else event.metadata
            # what stands is listed with the seconds of the run that built it
            if "Execution Duration" in metadata and "unchanged" not in metadata:
                nodes[metadata["unique_id"].value] = round(metadata["Execution Duration"].value, 2)
    return {"steps": steps, "nodes": nodes}


if __name__ == "__main__":
    main()
