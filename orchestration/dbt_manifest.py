"""dbt's manifest, which the asset graph is made from: parsed anew when the project's files are newer.

Cheap to import, so that parsing can begin in a process of its own while Dagster is being imported.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

DBT_PROJECT_DIR = Path(__file__).resolve().parents[1] / "dbt_project"
DBT_MANIFEST = DBT_PROJECT_DIR / "target" / "manifest.json"
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
        if _is_stale():
            # Parsing only what changed, dbt 1.11 forgets what a yml says of a test whose SQL alone changed.
            subprocess.run(
                [str(dbt_executable()), "--quiet", "parse", "--no-partial-parse", "--profiles-dir", "."],
                cwd=DBT_PROJECT_DIR,
                check=True,
                env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
            )
    return DBT_MANIFEST


def _is_stale() -> bool:
    if not DBT_MANIFEST.is_file():
        return True
    newest = max(
        path.stat().st_mtime
        for path in DBT_PROJECT_DIR.rglob("*")
        if path.suffix in _SOURCES and "target" not in path.parts
    )
    return DBT_MANIFEST.stat().st_mtime < newest
