"""Disks that are full or read-only from one moment of a run on: a real file system in memory, filled up."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.chaos.laboratory import Laboratory, Trial

PARTS = ("extract", "load", "facts", "gate", "marts", "candidate", "serving", "swap")
_ROOM = 256  # MiB beyond what the deployment takes
_CHUNK = bytes(2**16)


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[None]:
    """`folder` on a file system of its own in memory; needs root."""
    folder.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder))
    try:
        yield
    finally:
        _run("umount", "--lazy", str(folder))


def fill(folder: Path) -> Path:
    """Take all that is left of the disk; the file to be deleted afterwards."""
    filler = folder / ".filler"
    with filler.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(_CHUNK)
            except OSError:
                break
    return filler


def write_protect(folder: Path, *, on: bool) -> None:
    _run("mount", "-o", f"remount,{'ro' if on else 'rw'}", str(folder))


def troubled_disks(bench: Laboratory, parts: tuple[str, ...] = PARTS) -> Iterator[Trial]:
    """The disk is full from each part of the street on; space is made and the next start begins. Then the
    same with a disk that may not be written at all."""
    work = bench.fresh()
    aside = work.with_name("aside")
    work.rename(aside)
    size = sum(path.stat().st_size for path in aside.rglob("*") if path.is_file()) // 2**20
    with small_disk(work, size + _ROOM):
        shutil.copytree(aside, work, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(aside)
        halves, sentences = [], []
        for part in parts:

            def strike(process: ForkServerProcess) -> None:
                fill(work)

            lap = bench.run(work, (part, 0), strike)
            (work / ".filler").unlink(missing_ok=True)
            halves.append(bench.is_half_published(work))
            sentences.append(" ".join(lap.failures))
        healed = bench.judge("", work)
        for part, half, said in zip(parts, halves, sentences, strict=True):
            yield _told(f"disk full from {part} on", healed, half=half, said=said)

        write_protect(work, on=True)
        lap = bench.run(work)
        write_protect(work, on=False)
        half = bench.is_half_published(work)
        healed = bench.judge("", work)
        yield _told("read-only disk", healed, half=half, said=" ".join(lap.failures))
    work.rmdir()


def _told(fault: str, healed: Trial, *, half: bool, said: str) -> Trial:
    return Trial(
        fault,
        healed.lost,
        healed.doubled,
        int(half) + healed.half_published,
        healed.heal_seconds,
        healed.same_bytes,
        f"{said} {healed.said}".strip(),
    )


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
