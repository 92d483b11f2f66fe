"""A child process in the foreground that ends when we are told to end, and takes its own children along."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

GRACE_SECONDS = 30


class _Stopped(BaseException):
    """The signal that asks us to end."""


def run_in_foreground(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run the command until it ends (its exit code) or until Ctrl-C or SIGTERM (0).

    The child is asked to end and given time for it: killed at once, Dagster would leave its web page and
    daemon running without a parent.
    """
    with _interruptible():
        # A group of its own: Ctrl-C reaches only us, so that Dagster is asked to end once, not twice.
        child = subprocess.Popen(command, cwd=folder, env=environment, process_group=0)
        try:
            return child.wait()
        except (_Stopped, KeyboardInterrupt):
            return 0
        finally:
            _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask the child to end, then whatever of its group outlived it (Dagster's code server waits 45 s)."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM and SIGINT end us in order, whatever the shell that started us made of them.

    A background job of a plain shell has SIGINT ignored, and its children would inherit that.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise _Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
