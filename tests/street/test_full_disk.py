"""A disk that is full or read-only: one sentence, whoever noticed it first."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.config import load_settings
from orchestration.street import Wish, run_street
from tests.ingestion.support import KEY

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own needs root"),
]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("is_read_only", [False, True], ids=["full", "read-only"])
def test_a_disk_that_cannot_be_written_is_a_sentence(disk: Path, is_read_only: bool) -> None:
    settings = load_settings({"OTKLIK_DATA": str(disk), "OTKLIK_HMAC_KEY": KEY})
    if is_read_only:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    outcome = run_street(settings, Wish())
    assert not outcome.succeeded
    assert outcome.failures == [
        f"The disk of {disk} cannot be written: it is full or read-only; make space and run again."
    ]
