"""How long raw → release takes, and how much memory, at so many appeals.

    python -m benchmarks.refresh --rows 1000000

A deployment of `benchmarks.bulk` is built from nothing (full refresh: every fact and mart, all checks, audit,
release), then run again with nothing new, which is the fixed cost of a run. No source is read. Prints the
seconds of each step of Dagster.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.bulk import AS_OF, deployment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="otklik-bench-", dir=chosen.folder) as folder:
        found = measure(Path(folder) / "data", chosen.rows)
    if chosen.json:
        print(json.dumps(found))
        return
    print(f"{found['rows']:,} appeals, peak memory {found['peak_gb']:.1f} GB")
    for name in ("full", "nothing_new"):
        print(f"{name:<12} {found[name]['seconds']:8.1f} s")
        for step, seconds in sorted(found[name]["steps"].items(), key=lambda one: -one[1]):
            print(f"  {step:<40} {seconds:8.1f} s")


def measure(data: Path, rows: int) -> dict[str, Any]:
    """Seconds of both runs and of their steps, peak memory of this process in GB."""
    from orchestration.street import Wish, run_street

    settings, environment = deployment(data, rows)
    os.environ.update(environment)  # the street's steps look for their settings there
    found: dict[str, Any] = {"rows": rows}
    for name in ("full", "nothing_new"):
        outcome = run_street(settings, Wish(as_of=AS_OF, full_refresh=name == "full", reading=False))
        if not outcome.succeeded:
            raise SystemExit("; ".join(outcome.failures))
        found[name] = {"seconds": round(outcome.seconds, 1), "steps": _steps(settings, outcome.run_id)}
    found["peak_gb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    return found


def _steps(settings: Any, run_id: str) -> dict[str, float]:
    from orchestration.street import dagster_instance

    with dagster_instance(settings) as instance:
        return {
            stats.step_key: round(stats.end_time - stats.start_time, 1)
            for stats in instance.get_run_step_stats(run_id)
            if stats.start_time and stats.end_time
        }


if __name__ == "__main__":
    main()
