"""All benchmarks in one table: python -m benchmarks [--rows 1000000] [--only files api …]

Writes benchmarks/results.json, each benchmark as soon as it has ended with its commit and machine, and from
it and NOTES.md benchmarks/RESULTS.md. What is not measured this time stays as it was. Every ratio is measured
side by side in one run; run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import api_ingest, files_load, inbox_load, labels, live, peers, queries, refresh, vk_polling
from benchmarks.workplace import workplace

HERE = Path(__file__).resolve().parent
RESULTS, PAGE, NOTES = HERE / "results.json", HERE / "RESULTS.md", HERE / "NOTES.md"
INCREMENTAL = "incremental: 1,000 messages more on"
PER_REGION = 1_000_000


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


@dataclass(frozen=True)
class Measured:
    """A benchmark's lines, and where its time went as text."""

    lines: list[Line]
    profile: str = ""


def _files(rows: int, folder: Path) -> Measured:
    found = files_load.measure(folder, rows)
    lines = [
        Line(
            f"file ingest: {rows:,}-row CSV → raw, time against DuckDB's read_csv",
            found["ratio"],
            "×",
            f"≤ {files_load.MUST_REACH}",
            f"python -m benchmarks.files_load --rows {rows}",
        )
    ]
    return Measured(lines)


def _api(rows: int, folder: Path) -> Measured:
    found = api_ingest.measure("tyumen-2021")
    command = "python -m benchmarks.api_ingest --scenario tyumen-2021"
    rate = round(found["rows"] / found["otklik"])
    lines = [
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
    return Measured(lines)


def _refresh(rows: int, folder: Path) -> Measured:
    """All appeals of one region."""
    return _refreshed(rows, 1, folder)


def _regions(rows: int, folder: Path) -> Measured:
    """A million appeals of each region; what comes, comes to one of them."""
    return _refreshed(rows, max(2, rows // PER_REGION), folder)


def _refreshed(rows: int, regions: int, folder: Path) -> Measured:
    data = folder / "data"
    # the plain script keeps all in memory: 18 of 24 GB for ten million
    with_plain = rows <= refresh.MANY and regions == 1
    found = refresh.measure(data, rows, regions, with_plain=with_plain)
    asked = queries.measure(data / "published" / "serving.duckdb")
    more = (" --plain" if with_plain else "") + (f" --regions {regions}" if regions > 1 else "")
    command = f"python -m benchmarks.refresh --rows {rows}{more}"
    size = f"{rows:,} appeals" + (f" of {regions} regions" if regions > 1 else "")
    # asked for at this size; what a run costs whatever it finds weighs too much in fewer
    is_asked = rows == refresh.MANY and regions == 1
    ratio, share, pace = ("≤ 2", "≤ 0.1", "≤ 100") if is_asked else ("", "", "")
    lines = [
        Line(
            f"full refresh of {size}, checks and release included", found["full"]["seconds"], "s", "", command
        ),
        Line(
            f"memory: peak of a full refresh of {size}",
            found["full"]["peak_gb"],
            "GB",
            "≤ 12" if rows > refresh.MANY else "≤ 6",
            command,
        ),
        Line(f"{INCREMENTAL} {size}", found["incremental"]["seconds"], "s", "", command),
        Line(
            f"release: published after 1,000 messages on {size}, time against a full publish",
            found["release_ratio"],
            "×",
            share,
            command,
        ),
        Line(f"a run over {size} that finds nothing new", found["nothing_new"]["seconds"], "s", "", command),
        Line(
            f"queries: {asked['questions']} analysts' questions on {size}, 95 % within",
            asked["p95_ms"],
            "ms",
            pace,
            "python -m benchmarks.queries --data DIR",
        ),
    ]
    if with_plain:
        against = f"full refresh of {size}: time against one plain DuckDB script"
        lines.insert(1, Line(against, found["plain_ratio"], "×", ratio, command))
    return Measured(lines, refresh.told(found))


def _live(rows: int, folder: Path) -> Measured:
    found = live.measure(folder / "data", 12)
    command = "python -m benchmarks.live"
    lines = [
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
    return Measured(lines)


def _polling(rows: int, folder: Path) -> Measured:
    found = vk_polling.measure(3000, 500)
    command = "python -m benchmarks.vk_polling"
    lines = [
        Line(
            "polling: 3,000 VK communities at 3 requests/s, 500 new comments",
            found["poll"]["seconds"],
            "s",
            "≤ 60",
            command,
        )
    ]
    return Measured(lines)


def _inbox(rows: int, folder: Path) -> Measured:
    found = inbox_load.measure(folder, 20_000)
    command = "python -m benchmarks.inbox_load"
    lines = [
        Line(
            "webhooks: events on disk, of 20,000",
            found["per_second"],
            "a second",
            f"≥ {inbox_load.MUST_REACH}",
            command,
        )
    ]
    return Measured(lines)


def _labels(rows: int, folder: Path) -> Measured:
    found = labels.measure(20_000)
    lines = [
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
    return Measured(lines)


def _peers(rows: int, folder: Path) -> Measured:
    found = peers.measure(folder, rows)
    lines = []
    for source, ways in found.items():
        told = f"{rows:,}-row CSV" if source == "file" else "REST source"
        for name, one in ways.items():
            if name == "otklik":
                continue
            lost = f", {one['lost']:,} rows lost" if one["lost"] else ""
            bound = peers.must_reach(name, source)
            lines.append(
                Line(
                    f"peers: {name}, the same {told}, time against ours{lost}",
                    one["ratio"],
                    "×",
                    f"≥ {bound}",
                    f"python -m benchmarks.peers --rows {rows}",
                )
            )
    return Measured(lines)


BENCHMARKS: dict[str, Callable[[int, Path], Measured]] = {
    "api": _api,
    "files": _files,
    "refresh": _refresh,
    "regions": _regions,
    "live": _live,
    "polling": _polling,
    "inbox": _inbox,
    "labels": _labels,
    "peers": _peers,
}
BY_SIZE = ("files", "refresh", "regions")  # measured at --rows, and kept for each size


def main() -> int:
    """Exit code 1 where a figure falls short."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="*", choices=sorted(BENCHMARKS), default=list(BENCHMARKS))
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    chosen = parser.parse_args()
    known = _known()
    for name in chosen.only:
        print(f"… {name}", file=sys.stderr)
        with workplace(chosen.folder) as folder:
            measured = BENCHMARKS[name](chosen.rows, folder)
        known[f"{name} {chosen.rows}" if name in BY_SIZE else name] = {
            "machine": _machine(),
            "lines": [{**asdict(one), "reached": one.reached} for one in measured.lines],
            "profile": measured.profile,
        }
        RESULTS.write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n", "utf-8")
    page = _page(known)
    PAGE.write_text(page, "utf-8")
    print(page)
    return 0 if all(one["reached"] is not False for part in known.values() for one in part["lines"]) else 1


def _known() -> dict[str, Any]:
    """What was measured before, by benchmark and size."""
    content: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    return content


def _page(known: dict[str, Any]) -> str:
    rows = ["| line | figure | must reach | reached | commit |", "|---|---|---|---|---|"]
    lines = [(part, one) for part in known.values() for one in part["lines"]]
    lines += _across_sizes(known)
    for part, one in lines:
        told = {True: "yes", False: "**no**", None: ""}[one["reached"]]
        figure = f"{one['figure']:,g} {one['unit']}"
        rows.append(f"| {one['line']} | {figure} | {one['must']} | {told} | {part['machine']['commit']} |")
    machines = dict.fromkeys(
        f"- {part['machine']['machine']}; {part['machine']['versions']}" for part in known.values()
    )
    commands = dict.fromkeys(one["command"] for _, one in lines)
    return (
        "# Benchmarks\n\nWritten by `make bench`. Ratios are measured side by side in one run.\n\n"
        + "\n".join([*machines, "", *rows])
        + "\n\nEach line alone:\n\n```\n"
        + "\n".join(commands)
        + f"\n```\n\n{NOTES.read_text('utf-8')}"
        + "".join(f"\n```\n{part['profile']}\n```\n" for part in known.values() if part["profile"])
    )


def _across_sizes(known: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """What 1,000 messages cost on a longer history, against the shortest: its part, and the line."""
    found = sorted(
        (
            (int(name.split()[1]), name, part, one)
            for name, part in known.items()
            for one in part["lines"]
            if one["line"].startswith(INCREMENTAL)
        ),
        key=lambda size: size[:2],
    )
    for _, _, part, one in found[1:]:
        ratio = round(one["figure"] / found[0][3]["figure"], 2)
        line = Line(
            f"{one['line']}, time against {found[0][0]:,}",
            ratio,
            "×",
            "≤ 1.3",
            one["command"],
        )
        yield part, {**asdict(line), "reached": line.reached}


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
    # but what is measured is written into the checkout, line by line
    others = [":/", *(f":!{path.name}" for path in (RESULTS, PAGE, NOTES))]
    altered = _git("status", "--porcelain", "--untracked-files=no", "--", *others)
    return {
        "commit": (_git("describe", "--always") or "unknown") + ("-dirty" if altered else ""),
        "machine": f"{model}, {os.cpu_count()} processors, {memory:.0f} GiB",
        "versions": ", ".join(
            f"{name} {version(name)}" for name in ("duckdb", "dbt-core", "dlt", "dagster", "pyarrow")
        ),
    }


def _git(*arguments: str) -> str:
    """What git says here; nothing outside a checkout."""
    done = subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
