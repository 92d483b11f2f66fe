"""The parsed dbt project: its manifest, which the asset graph is made from, and what dbt itself goes on from.

Both are made in one parse, in a process of its own, whenever a file of the project is another. Cheap to
import, so that parsing can begin while Dagster is being imported.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pickle
import subprocess
import sys
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

DBT_PROJECT_DIR = Path(__file__).resolve().parents[1] / "dbt_project"
DBT_MANIFEST = DBT_PROJECT_DIR / "target" / "manifest.json"
_PARSED = DBT_MANIFEST.with_name("parsed.pickle")
_STATE = DBT_MANIFEST.with_name("parsed.sha256")
_SOURCES = (".sql", ".yml", ".csv")


def dbt_executable() -> Path:
    """The `dbt` that belongs to this Python."""
    return Path(sys.executable).with_name("dbt")


def ensure_manifest() -> Path:
    """The manifest's path, after parsing the project where that is due.

    Several callers, threads or processes, wait for one parse. Raises CalledProcessError for a project that
    does not parse; dbt has said why on stderr then.
    """
    DBT_MANIFEST.parent.mkdir(parents=True, exist_ok=True)
    with (DBT_MANIFEST.parent / ".parse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = _state()
        if not _is_parsed(state):
            _STATE.unlink(missing_ok=True)
            subprocess.run(
                [sys.executable, "-m", __name__],
                cwd=DBT_PROJECT_DIR.parent,
                check=True,
                env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
            )
            _STATE.write_text(state, "utf-8")
    return DBT_MANIFEST


def project_state() -> str:
    """Stands for every file of the project and the programs that read them: another one, another parse."""
    ensure_manifest()
    return _STATE.read_text("utf-8")


def parsed_project() -> Manifest:
    """The project as dbt parsed it, a new object each time: dbt writes into the one that it runs.

    From a file, because parsing costs seconds and reading it tenths of one. Raises as `ensure_manifest` does.
    """
    from dbt.contracts.graph.manifest import Manifest

    ensure_manifest()
    parsed = Manifest(**pickle.loads(_PARSED.read_bytes()))  # noqa: S301 - ours, as trusted as the SQL beside it
    parsed.build_flat_graph()  # what macros see as `graph`
    return parsed


def _is_parsed(state: str) -> bool:
    made = DBT_MANIFEST.is_file() and _PARSED.is_file() and _STATE.is_file()
    return made and _STATE.read_text("utf-8") == state


def _state() -> str:
    """Hash of the project's files and of the programs that read them: a file's time may lie."""
    programs = (sys.version, version("dbt-core"), version("dbt-duckdb"))
    digest = hashlib.sha256(repr(programs).encode())
    for path in sorted(DBT_PROJECT_DIR.rglob("*")):
        if path.suffix in _SOURCES and "target" not in path.parts and path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(DBT_PROJECT_DIR).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


def _parse() -> int:
    """Parse the project, in this process; dbt writes the manifest, and we what it holds in memory."""
    from dbt.cli.main import dbtRunner

    # Parsing only what changed, dbt 1.11 forgets what a yml says of a test whose SQL alone changed.
    place = ("--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR))
    target = ("--target-path", str(DBT_MANIFEST.parent), "--log-path", str(DBT_PROJECT_DIR / "logs"))
    done: Any = dbtRunner().invoke(["--quiet", "parse", "--no-partial-parse", *place, *target])
    if not done.success:
        print(done.exception or "the dbt project does not parse", file=sys.stderr)
        return 1
    fresh = _PARSED.with_suffix(".new")
    # Part by part: dbt 1.11's own way to pickle a manifest mixes up its look-ups.
    parts = [field.name for field in fields(done.result) if not field.name.startswith("_")]
    held = {name: getattr(done.result, name) for name in parts if name != "flat_graph"}
    fresh.write_bytes(pickle.dumps(held, protocol=pickle.HIGHEST_PROTOCOL))
    os.replace(fresh, _PARSED)
    return 0


if __name__ == "__main__":
    sys.exit(_parse())
