"""The table of docs/reliability.md, made from what trials found."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.laboratory import Trial

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- made by python -m tests.chaos -->", "<!-- end -->"


def keep(notes: Path, trial: Trial) -> None:
    """Write a trial down at once: a suite that is cut short has found what it found."""
    with notes.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(trial), ensure_ascii=False) + "\n")


def kept(notes: Path) -> list[Trial]:
    """What was written down."""
    return [Trial(**json.loads(line)) for line in notes.read_text("utf-8").splitlines()]


def table(trials: Iterable[Trial]) -> str:
    """Fault | tries | lost | doubled | half-published | other bytes | time to heal."""
    by_fault: dict[str, list[Trial]] = {}
    for trial in trials:
        by_fault.setdefault(trial.fault, []).append(trial)
    head = "| fault | tries | lost | doubled | half-published | other bytes | seconds to heal, most |"
    lines = [head, "|---|---:|---:|---:|---:|---:|---:|"]
    for fault, every in by_fault.items():
        sums = [sum(getattr(one, name) for one in every) for name in ("lost", "doubled", "half_published")]
        other = sum(not one.same_bytes for one in every)
        slowest = max(one.heal_seconds for one in every)
        lines.append(f"| {fault} | {len(every)} | {' | '.join(map(str, sums))} | {other} | {slowest:.0f} |")
    return "\n".join(lines)


def where() -> str:
    """Commit and machine, one sentence."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores {platform.machine()}, {memory:.0f} GiB, {platform.system()}"
    return (
        f"Commit `{commit}`, {machine}, load {os.getloadavg()[2]:.1f}, "
        f"{datetime.now(UTC):%d %B %Y, %H:%M} UTC."
    )


def write(document: Path, trials: Iterable[Trial]) -> None:
    """Replace what stands between the two marks of the document."""
    text = document.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n{where()}\n\n{table(trials)}\n{END}{after}", "utf-8")
