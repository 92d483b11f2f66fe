"""A load of files that is killed with SIGKILL: nothing is lost, nothing counts twice, whenever it dies."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingestion.pipeline import LoadReport, ingest
from tests.ingestion.support import KEY, TOKEN, Deployment

ROWS = 20_000
# Where the child dies: at which call of which function, before or after it did its work.
POINTS = {
    "before the rows are committed": ("ingestion.bulk", "BulkRows.commit", "before"),
    "between the rows and the books": ("ingestion.bulk", "BulkRows.commit", "after"),
    "when the books are copied but not committed": (
        "dlt.destinations.impl.duckdb.duck",
        "DuckDbClient.complete_load",
        "before",
    ),
    "when all is committed": ("dlt.destinations.impl.duckdb.duck", "DuckDbClient.complete_load", "after"),
}
CHILD = """
import os, signal, sys
from importlib import import_module

from ingestion.config import load_regions, load_settings
from ingestion.pipeline import ingest

module, name, when, data, regions, key, token, as_of = sys.argv[1:]
owner, method = name.split(".")
owner = getattr(import_module(module), owner)
whole = getattr(owner, method)

def deadly(self, *args, **kwargs):
    if when == "after":
        whole(self, *args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, method, deadly)
settings = load_settings({"OTKLIK_DATA": data, "OTKLIK_REGIONS": regions, "OTKLIK_HMAC_KEY": key,
                          "OTKLIK_AS_OF": as_of, "OTKLIK_TEST_TOKEN": token})
ingest("files", load_regions(settings)["test"], settings)
print("survived")
"""


@pytest.fixture
def folder(deployment: Deployment) -> Path:
    (deployment.root / "in").mkdir()
    columns = {"ticket_id": "Номер", "registered_at": "Дата", "text": "Текст"}
    answers = [{"kind": "final", "at": "Ответ"}]
    mapping = yaml.safe_dump({"columns": columns, "answers": answers}, allow_unicode=True)
    (deployment.root / "mapping.yaml").write_text(mapping, "utf-8")
    deployment.sources["files"] = {"folder": "../in", "mapping": "../mapping.yaml"}
    return deployment.root / "in"


def write(folder: Path, first: int, last: int, name: str) -> None:
    lines = [f"{n};2026-03-{n % 27 + 1:02} 09:30;2026-04-01 10:00;Яма № {n}" for n in range(first, last)]
    (folder / name).write_text("\n".join(["Номер;Дата;Ответ;Текст", *lines, ""]), "utf-8")


def load(deployment: Deployment) -> LoadReport:
    return ingest("files", deployment.region, deployment.settings)


def held(deployment: Deployment) -> list[list[Any]]:
    """What counts, as staging sees it: rows of committed loads, and what the books say of these loads."""
    committed = "_dlt_load_id in (select load_id from raw._dlt_loads where status = 0)"
    tables = ("files_appeals", "files_answers")
    columns = "* exclude (_dlt_load_id, fetched_at)"
    rows = [
        deployment.query(f"select {columns} from raw.{name} where {committed} order by all")
        for name in tables
    ]
    books = f"select resource, sum(landed), count(*) from raw.loads where {committed} and landed > 0"
    return [*rows, deployment.query(f"{books} group by 1 order by 1")]


@pytest.mark.chaos
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_load_loses_and_doubles_nothing(point: str, folder: Path, deployment: Deployment) -> None:
    write(folder, 0, 100, "a.csv")
    load(deployment)
    write(folder, 100, ROWS, "b.csv")
    settings = deployment.settings
    _ = deployment.region  # writes the region's file
    told = (settings.data, settings.regions, KEY, TOKEN, deployment.as_of)
    command = [sys.executable, "-c", CHILD, *POINTS[point], *map(str, told)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr[-2000:]
    # What readers see meanwhile: a load is there as a whole, rows with their books, or not at all.
    rows, answers, books = held(deployment)
    there = ROWS if point == "when all is committed" else 100
    assert (len(rows), len(answers)) == (there, there)
    assert books == [("answers", there, 1 + (there > 100)), ("appeals", there, 1 + (there > 100))]
    load(deployment)
    assert load(deployment).landed == 0
    rows, answers, books = held(deployment)
    assert len({row[1:] for row in rows}) == len(rows) == len(answers) == ROWS
    assert books == [("answers", ROWS, 2), ("appeals", ROWS, 2)]
    # No row without a committed load is left behind.
    for name in ("files_appeals", "files_answers"):
        assert deployment.query(f"select count(*) from raw.{name}") == [(ROWS,)]
