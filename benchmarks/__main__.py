"""All benchmarks in one table: python -m benchmarks [--rows 1000000] [--only files api …]

Writes benchmarks/RESULTS.md and benchmarks/results.json, with the commit and the machine. Every ratio is
measured side by side in this run; run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import api_ingest, files_load, inbox_load, labels, live, queries, refresh, vk_polling

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Line:
    """One figure and what it must reach; `must` is a text such as ≤ 1.6, empty where nothing is promised."""

    line: str
    figure: float
    unit: str
    must: str = ""
    command: str = ""

    @property
    def reached(self) -> bool | None:
        if not self.must:
            return None
        relation, bound = self.must.split()
        return self.figure <= float(bound) if relation == "≤" else self.figure >= float(bound)


def _files(rows: int, folder: Path) -> list[Line]:
    found = files_load.measure(folder, rows)
    return [
        Line(
            f"file ingest: {rows:,}-row CSV → raw, time against DuckDB's read_csv",
            found["ratio"],
            "×",
            f"≤ {files_load.MUST_REACH}",
            f"python -m benchmarks.files_load --rows {rows}",
        )
    ]


def _api(rows: int, folder: Path) -> list[Line]:
    found = api_ingest.measure("tyumen-2021")
    command = "python -m benchmarks.api_ingest --scenario tyumen-2021"
    rate = round(found["rows"] / found["otklik"])
    return [
        Line(
            "API ingest: ПОС → dlt → raw, speed against dlt's defaults",
            found["dlt_ratio"],
            "×",
            f"≥ {api_ingest.MUST_REACH_DLT}",
            command,
        ),
        Line(
            "API ingest: time against a bare loop",
            found["bare_ratio"],
            "×",
            f"≤ {api_ingest.MUST_REACH_BARE}",
            command,
        ),
        Line("API ingest", rate, "rows/s", "", command),
    ]


def _refresh(rows: int, folder: Path) -> list[Line]:
    data = folder / "data"
    found = refresh.measure(data, rows, with_plain=True)
    asked = queries.measure(data / "published" / "serving.duckdb")
    command = f"python -m benchmarks.refresh --rows {rows} --plain"
    size = f"{rows:,} appeals"
    return [
        Line(
            f"full refresh of {size}, checks and release included", found["full"]["seconds"], "s", "", command
        ),
        Line(
            f"full refresh of {size}: time against one plain DuckDB script",
            found["plain_ratio"],
            "×",
            "≤ 2",
            command,
        ),
        Line("memory: peak of that", found["full"]["peak_gb"], "GB", "≤ 6", command),
        Line(
            f"incremental: 1,000 messages more on {size}", found["incremental"]["seconds"], "s", "", command
        ),
        Line(
            "release: published after those 1,000, time against a full publish",
            found["release_ratio"],
            "×",
            "≤ 0.1",
            command,
        ),
        Line(f"a run over {size} that finds nothing new", found["nothing_new"]["seconds"], "s", "", command),
        Line(
            f"queries: {asked['questions']} analysts' questions on {size}, 95 % within",
            asked["p95_ms"],
            "ms",
            "≤ 100",
            "python -m benchmarks.queries --data DIR",
        ),
    ]


def _live(rows: int, folder: Path) -> list[Line]:
    found = live.measure(folder / "data", 12)
    command = "python -m benchmarks.live"
    return [
        Line(
            "live: a comment posted → visible in serving.duckdb, p95",
            found["p95"],
            "s",
            f"≤ {live.MUST_REACH}",
            command,
        ),
        *(Line(f"live, mean {part}", seconds, "s", "", command) for part, seconds in found["parts"].items()),
        Line("start-up: a look that finds nothing", found["look"], "s", "≤ 12", command),
    ]


def _polling(rows: int, folder: Path) -> list[Line]:
    found = vk_polling.measure(3000, 500)
    command = "python -m benchmarks.vk_polling"
    return [
        Line(
            "polling: 3,000 VK communities at 3 requests/s, 500 new comments",
            found["poll"]["seconds"],
            "s",
            "≤ 60",
            command,
        )
    ]


def _inbox(rows: int, folder: Path) -> list[Line]:
    found = inbox_load.measure(folder, 20_000)
    command = "python -m benchmarks.inbox_load"
    return [
        Line(
            "webhooks: events on disk, of 20,000",
            found["per_second"],
            "a second",
            f"≥ {inbox_load.MUST_REACH}",
            command,
        )
    ]


def _labels(rows: int, folder: Path) -> list[Line]:
    found = labels.measure(20_000)
    return [
        Line(
            "labels: messages on one core, cleaning and lemmas included",
            found["per_second"],
            "a second",
            f"≥ {labels.MUST_REACH}",
            "python -m benchmarks.labels",
        ),
        Line(
            "labels and copies: messages on one core",
            found["with_copies_per_second"],
            "a second",
            f"≥ {labels.MUST_REACH}",
            "python -m benchmarks.labels",
        ),
    ]


BENCHMARKS: dict[str, Callable[[int, Path], list[Line]]] = {
    "api": _api,
    "files": _files,
    "refresh": _refresh,
    "live": _live,
    "polling": _polling,
    "inbox": _inbox,
    "labels": _labels,
}


def main() -> int:
    """Exit code 1 where a figure falls short."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="+", choices=sorted(BENCHMARKS), default=list(BENCHMARKS))
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    chosen = parser.parse_args()
    lines: list[Line] = []
    for name in chosen.only:
        print(f"… {name}", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="otklik-bench-", dir=chosen.folder) as folder:
            lines += BENCHMARKS[name](chosen.rows, Path(folder))
    machine = _machine()
    found: dict[str, Any] = {
        "machine": machine,
        "lines": [{**asdict(one), "reached": one.reached} for one in lines],
    }
    (HERE / "results.json").write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    page = _page(machine, lines)
    (HERE / "RESULTS.md").write_text(page, "utf-8")
    print(page)
    return 0 if all(one.reached is not False for one in lines) else 1


def _page(machine: dict[str, str], lines: list[Line]) -> str:
    rows = ["| line | figure | must reach | reached |", "|---|---|---|---|"]
    for one in lines:
        told = {True: "yes", False: "**no**", None: ""}[one.reached]
        rows.append(f"| {one.line} | {one.figure:,g} {one.unit} | {one.must} | {told} |")
    described = "\n".join(f"- {name}: {value}" for name, value in machine.items())
    commands = "\n".join(dict.fromkeys(one.command for one in lines))
    return (
        "# Benchmarks\n\nWritten by `make bench`. Ratios are measured side by side in one run.\n\n"
        f"{described}\n\n" + "\n".join(rows) + f"\n\nEach line alone:\n\n```\n{commands}\n```\n"
    )


def _machine() -> dict[str, str]:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {
        "commit": commit or "unknown",
        "machine": f"{model}, {os.cpu_count()} processors, {memory:.0f} GiB",
        "versions": ", ".join(
            f"{name} {version(name)}" for name in ("duckdb", "dbt-core", "dlt", "dagster", "pyarrow")
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
