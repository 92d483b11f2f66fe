"""What `otklik maintain` deletes, what it leaves, and that it says so; nobody's figures change."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from ingestion.config import load_settings
from orchestration.cli import app
from orchestration.maintenance import LOG_BYTES, maintain
from orchestration.operations import read_status
from orchestration.street import dagster_instance
from tests.street.conftest import Deployment

pytestmark = pytest.mark.chaos
YEAR = timedelta(days=365)


def test_what_is_past_its_time_goes_and_nothing_else(deployment: Deployment) -> None:
    settings = load_settings()
    before = deployment.files()
    # A killed run's half-built serving file, a log that grew, and a release that another one has replaced.
    (deployment.shelf.root / ".serving-4242.duckdb").write_bytes(bytes(1000))
    log = settings.data / "logs" / "street.log"
    log.write_bytes(b"first line\n" + b"x" * 99 + b"\n" + b"a later line\n" * (LOG_BYTES // 13 + 1))
    with dagster_instance(settings) as instance:
        for _ in range(12):
            instance.create_run_for_job(_job(), status=_success())
    later = datetime.now(UTC).replace(tzinfo=None) + YEAR

    told = maintain(settings, dry_run=True, now=later)
    assert deployment.files() == before
    counts = {one.what: one.count for one in told}
    # Thirteen runs: that of the deployment and these; the newest ten stay.
    assert counts["runs"] == 3
    assert counts["leftovers"] == counts["logs"] == 1
    held = deployment.warehouse("select count(*) from raw.quarantine where payload is not null")[0][0]
    assert counts["quarantine"] == held > 0
    assert counts["working_files"] == len(list((settings.data / "dlt").iterdir())) > 0

    assert maintain(settings, now=later) == told
    assert {one.what: one.count for one in maintain(settings, now=later)} == dict.fromkeys(counts, 0)
    assert log.stat().st_size <= LOG_BYTES
    assert log.read_bytes().startswith(b"a later line\n")
    assert len(list((settings.data / "quality").iterdir())) == 0
    assert deployment.files() == before
    left = deployment.warehouse("select count(payload), count(reason) from raw.quarantine")
    assert left[0][0] == 0
    assert left[0][1] >= held
    assert read_status(settings).sources
    again = deployment.run()
    assert again.failures == []
    assert not again.is_new
    assert deployment.files() == before


def test_the_command_says_what_would_go(deployment: Deployment) -> None:
    done = CliRunner().invoke(app, ["maintain", "--dry-run", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["dry_run"]
    assert [one["what"] for one in told["removed"]][:3] == ["releases", "runs", "quarantine"]
    assert "Would be deleted: old releases: 0" in CliRunner().invoke(app, ["maintain", "--dry-run"]).output


def _job():  # type: ignore[no-untyped-def]
    from orchestration.definitions import defs

    return defs.resolve_job_def("maintenance")


def _success():  # type: ignore[no-untyped-def]
    from dagster import DagsterRunStatus

    return DagsterRunStatus.SUCCESS
