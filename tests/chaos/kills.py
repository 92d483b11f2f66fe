"""kill -9 from outside, at moments drawn over the measured duration of each part of the street.

A round takes one deployment and kills it once in each part of its work, every restart included, without
anything being done by hand in between; then it may finish, and what it publishes is compared.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.context import ForkServerProcess

from tests.chaos.laboratory import Laboratory, Trial
from tests.chaos.victim import load, publish, run

# As the street goes, so that each restart comes further; extract, normalise and load of another source each.
PARTS = (
    *("extract", "normalise", "load") * 2,
    "facts",
    "gate",
    "marts",
    "candidate",
    "audit",
    "release",
    "serving",
    "swap",
    "postgres",
)
# What a short round leaves out: its moments cost a whole run each.
USUAL = ("extract", "normalise", "load", "facts", "marts", "swap")
_SHORTEST = 0.0005  # seconds; a swap takes hardly longer


def killed_rounds(laboratory: Laboratory, seed: int, parts: tuple[str, ...] = PARTS) -> Iterator[Trial]:
    """One round: a trial per kill, told when the round has healed. Moments are drawn from `seed`."""
    luck = random.Random(seed)
    folder = laboratory.fresh()
    measured = laboratory.lap.parts()
    kills: list[tuple[str, bool]] = []
    for part in parts:
        if part not in measured:
            continue
        nth, seconds = luck.choice(measured[part])
        delay = luck.uniform(0, max(_SHORTEST, seconds))
        if laboratory.run(folder, (part, nth), _after(delay)).killed:
            kills.append((part, laboratory.is_half_published(folder)))
    yield from _told(kills, laboratory.judge("", folder))


def killed_alone(laboratory: Laboratory, seed: int, kills: int) -> Iterator[Trial]:
    """Loads, then releases, without the rest of the street: many deaths in little time, and one healing."""
    luck = random.Random(seed)
    folder = laboratory.fresh()
    measured = laboratory.lap.parts()
    died: list[tuple[str, bool]] = []
    plan = [(load, part) for part in ("extract", "normalise", "load") for _ in range(kills)]
    # One run up to its candidate, so that there is news to publish.
    plan += [(run, "candidate")]
    plan += [(publish, part) for part in ("candidate", "release", "serving", "swap") for _ in range(kills)]
    for work, part in plan:
        nth, seconds = luck.choice(measured[part]) if work is load else measured[part][0]
        delay = luck.uniform(0, max(_SHORTEST, seconds))
        if laboratory.run(folder, (part, nth), _after(delay), work).killed:
            died.append((part, not laboratory.is_whole(folder)))
    yield from _told(died, laboratory.judge("", folder))


def killed_receivers(laboratory: Laboratory, seed: int, kills: int) -> Iterator[Trial]:
    """The receiver of webhooks dies while events come; the sender sends again what was not answered."""
    luck = random.Random(seed)
    folder = laboratory.fresh(laboratory.silent)
    begun = time.perf_counter()
    with laboratory.receiver(folder) as (url, _):
        taken = laboratory.deliver(url, again=True)["delivered"]
    seconds = time.perf_counter() - begun
    assert taken
    folder = laboratory.fresh(laboratory.silent)
    struck = 0
    for n in range(kills):
        with laboratory.receiver(folder) as (url, kill):
            killer = threading.Timer(luck.uniform(0, seconds / 2), kill)
            killer.start()
            struck += laboratory.deliver(url, again=n == 0)["failed"] > 0
            killer.join()
    with laboratory.receiver(folder) as (url, _):
        assert laboratory.deliver(url)["failed"] == 0
    healed = laboratory.judge("kill -9 in the receiver of webhooks", folder)
    yield from (healed for _ in range(max(1, struck)))


def _after(delay: float) -> Callable[[ForkServerProcess], None]:
    def strike(process: ForkServerProcess) -> None:
        time.sleep(delay)
        if process.pid is not None and process.is_alive():
            os.kill(process.pid, signal.SIGKILL)

    return strike


def _told(kills: list[tuple[str, bool]], healed: Trial) -> Iterator[Trial]:
    """A trial per kill (part, whether readers found half a release then) of a round that healed."""
    for part, half in kills:
        yield replace(healed, fault=f"kill -9 in {part}", half_published=int(half) + healed.half_published)
