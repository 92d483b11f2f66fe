"""The chaos suite as a command: `python -m tests.chaos --help`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.clocks import jumping_clocks
from tests.chaos.disks import troubled_disks
from tests.chaos.kills import killed_alone, killed_receivers, killed_rounds
from tests.chaos.laboratory import Laboratory, Trial, laboratory
from tests.chaos.table import keep, kept, table, write

PARTS = ("alone", "clocks", "disks", "kills")


def main() -> int:
    """Exit code 1 where anything was lost, doubled, half published, or ended in other bytes."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="rounds of kills, 15 and a receiver's each")
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the next one has the next")
    parser.add_argument("--only", choices=PARTS, help="only this part")
    parser.add_argument("--notes", type=Path, default=Path("data/chaos.jsonl"), help="trials, one per line")
    parser.add_argument("--write", type=Path, help="document whose table is made anew from the notes")
    told = parser.parse_args()
    told.notes.parent.mkdir(parents=True, exist_ok=True)
    told.notes.touch()
    if told.rounds:
        with (
            tempfile.TemporaryDirectory(prefix="otklik-chaos-") as folder,
            laboratory(Path(folder), postgres=told.only in (None, "kills")) as bench,
        ):
            for trial in _trials(bench, told.rounds, told.seed, told.only):
                keep(told.notes, trial)
                print(trial, flush=True)
    found = kept(told.notes)
    print(table(found))
    if told.write:
        write(told.write, found)
    return int(not all(trial.is_well for trial in found))


def _trials(bench: Laboratory, rounds: int, seed: int, only: str | None) -> Iterator[Trial]:
    if only in (None, "alone"):
        yield from killed_alone(bench, seed, 4)
    if only in (None, "clocks"):
        yield from jumping_clocks(bench)
    if only in (None, "disks"):
        yield from troubled_disks(bench)
    for n in range(rounds if only in (None, "kills") else 0):
        yield from killed_receivers(bench, seed + n, 4)
        yield from killed_rounds(bench, seed + n)


if __name__ == "__main__":
    sys.exit(main())
