"""What full refresh costs at least: the same tables by one script in one DuckDB connection.

The script is the SQL that dbt compiles of every model, in the order of their references, as `create table`
statements: no dbt, no tests, no gate, no release, nothing that an incremental build needs to keep. It is
written to <data>/plain/script.sql for whoever wants to read or better it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from ingestion.config import Settings

_RUN = """
import json, resource, sys, time
import duckdb
begun = time.perf_counter()
with duckdb.connect(sys.argv[1]) as connection:
    for statement in open(sys.argv[2], encoding="utf-8").read().split("\\n;\\n"):
        if statement.strip():
            connection.execute(statement)
seconds = time.perf_counter() - begun
print(json.dumps({"seconds": round(seconds, 1),
    "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)}))
"""


def measure(settings: Settings, as_of: str) -> dict[str, Any]:
    """Seconds and peak memory (GB) of the script on what stands in the deployment's raw.

    The warehouse must have been built once.
    """
    folder = settings.data / "plain"
    for part in ("empty", "run"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / settings.warehouse.name).unlink(missing_ok=True)
    # the compiled SQL names its database, which is named like the file; macros look at what stands there
    empty, fresh = (folder / part / settings.warehouse.name for part in ("empty", "run"))
    with duckdb.connect(str(empty)) as connection:
        for statement in _ground(settings, "limit 0"):
            connection.execute(statement)
    script = folder / "script.sql"
    models = _models(empty, as_of, folder / "dbt")
    script.write_text("\n;\n".join([*_ground(settings), *models]), "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(fresh), str(script)], stdout=subprocess.PIPE, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _ground(settings: Settings, limit: str = "") -> list[str]:
    """Statements that give a fresh file the deployment's raw, seeds and empty schemas."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        told = connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name in ('raw', 'seeds')"
        ).fetchall()
    schemas = [f"create schema {name}" for name in ("raw", "seeds", "staging", "facts", "marts")]
    kinds = {"raw": "table" if limit else "view", "seeds": "table"}
    return [
        "set timezone to 'UTC'",
        "set enable_progress_bar to false",  # a long statement would draw it into the figures
        f"attach '{settings.warehouse.resolve()}' as built (read_only)",
        *schemas,
        *(
            f"create {kinds[schema]} {schema}.{table} as select * from built.{schema}.{table} {limit}"  # noqa: S608
            for schema, table in told
        ),
        "create table facts.street_progress as select * from built.facts.street_progress limit 0",
    ]


def _models(warehouse: Path, as_of: str, target: Path) -> list[str]:
    """`create` statements of all models, in the order of their references."""
    from orchestration.dbt_manifest import DBT_PROJECT_DIR

    subprocess.run(
        [
            str(Path(sys.executable).with_name("dbt")),
            *("--quiet", "compile", "--full-refresh", "--select", "resource_type:model"),
            *("--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)),
            *("--target-path", str(target.resolve()), "--log-path", str(target.resolve())),
        ],
        env={
            **os.environ,
            "OTKLIK_WAREHOUSE": str(warehouse.resolve()),
            "OTKLIK_RUN_AS_OF": as_of.removesuffix("Z").replace("T", " "),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
        check=True,
    )
    nodes = json.loads((target / "manifest.json").read_text("utf-8"))["nodes"]
    models = {name: node for name, node in nodes.items() if node["resource_type"] == "model"}
    order = TopologicalSorter({name: node["depends_on"]["nodes"] for name, node in models.items()})
    statements = []
    for name in order.static_order():
        node = models.get(name)
        if node is None or node["config"]["materialized"] == "ephemeral":
            continue
        kind = "view" if node["config"]["materialized"] == "view" else "table"
        statements.append(f"create {kind} {node['schema']}.{node['name']} as {node['compiled_code']}")
    return statements
