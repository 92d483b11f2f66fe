"""A PostgreSQL server of the tests' own: on loopback, trusting, gone when the block ends."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_ADMIN = "postgres"


@dataclass(frozen=True)
class Server:
    """host: where its socket answers, always loopback."""

    binaries: Path
    port: int
    host: str = "127.0.0.1"

    def url(self, user: str, database: str) -> str:
        return f"postgresql://{user}@{self.host}:{self.port}/{database}"

    def psql(self, database: str, script: str) -> None:
        """Run a script as the administrator."""
        command = [str(self.binaries / "psql"), "-v", "ON_ERROR_STOP=1", "-qAt", self.url(_ADMIN, database)]
        subprocess.run(command, input=script, text=True, check=True, capture_output=True)


@contextmanager
def running_postgres() -> Iterator[Server]:
    """A fresh server; the test is skipped where PostgreSQL is not installed (CI installs it)."""
    binaries = _binaries()
    if binaries is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to install postgresql: see .ci/run")
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    # Not below pytest's folder, which only root may enter and every session of pytest locks anew.
    with tempfile.TemporaryDirectory(prefix="otklik-postgres-", ignore_cleanup_errors=True) as folder:
        if _is_root():
            owner = pwd.getpwnam(_ADMIN)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        yield from _serve(binaries, Path(folder))


def _serve(binaries: Path, data: Path) -> Iterator[Server]:
    _run([str(binaries / "initdb"), "-D", str(data), "-U", _ADMIN, "--auth=trust", "-E", "UTF8", "-N"])
    server = Server(binaries, _free_port())
    options = f"-p {server.port} -h {server.host} -k {data} -c fsync=off"
    control = [str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    _run([*control, "-o", options, "-l", str(data / "log"), "start"])
    try:
        yield server
    finally:
        _run([*control, "-m", "immediate", "stop"])


def _run(command: Sequence[str]) -> None:
    # PostgreSQL refuses to run as root.
    demoted = ["setpriv", f"--reuid={_ADMIN}", f"--regid={_ADMIN}", "--clear-groups"] if _is_root() else []
    done = subprocess.run(
        [*demoted, *command],
        cwd="/",
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def _is_root() -> bool:
    return os.geteuid() == 0


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), reverse=True)
    if found:
        return found[0].parent
    on_path = shutil.which("pg_ctl")
    return Path(on_path).resolve().parent if on_path else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
