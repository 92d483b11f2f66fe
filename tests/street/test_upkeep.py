"""The worst day of a deployment: everything but raw is gone, or the whole folder is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ingestion.config import load_settings
from ingestion.errors import UsageError, WarehouseError
from ingestion.lock import warehouse_lock
from orchestration.street import Wish, run_street
from orchestration.upkeep import backup, rebuild, restore
from tests.street.conftest import Deployment

pytestmark = pytest.mark.chaos


def test_raw_alone_gives_the_same_release_again(deployment: Deployment) -> None:
    before, first = deployment.files(), deployment.shelf.current_manifest()
    assert first is not None
    for schema in ("staging", "facts", "marts"):
        deployment.warehouse(f"drop schema {schema} cascade")
    for lost in (deployment.shelf.releases, deployment.data / "dbt", deployment.data / "dlt"):
        shutil.rmtree(lost)
    deployment.shelf.current.unlink()

    outcome = rebuild(load_settings(), first["as_of"])

    assert outcome.failures == []
    assert deployment.changes(before) == []
    again = deployment.shelf.current_manifest()
    assert again is not None
    assert again["id"] == first["id"]
    assert {t: e["files"] for t, e in again["tables"].items()} == {
        t: e["files"] for t, e in first["tables"].items()
    }


_BLOCK, _HEADERS = 262_144, 3 * 4096  # bytes of DuckDB's file format


def damage(deployment: Deployment, table: str, column: str) -> None:
    """Overwrite some bytes in the middle of a block that the column lies in."""
    told = deployment.warehouse(
        f"select min(block_id) from pragma_storage_info('{table}')"
        f" where column_name = '{column}' and segment_type <> 'VALIDITY' and block_id >= 0 and count > 0"
    )
    with (deployment.data / "warehouse.duckdb").open("r+b") as file:
        file.seek(_HEADERS + told[0][0] * _BLOCK + 1000)
        file.write(b"\xff\x00\xaa\x77")


def test_damage_outside_raw_is_named_and_rebuilt(deployment: Deployment) -> None:
    settings, before = load_settings(), deployment.files()
    damage(deployment, "facts.fct_appeals", "appeal_id")  # which the tests of every run read
    refused = deployment.run(full_refresh=False)
    assert len(refused.failures) == 1
    assert "warehouse.duckdb is damaged" in refused.failures[0]
    assert deployment.files() == before
    assert rebuild(settings).failures == []
    assert deployment.changes(before) == []
    assert deployment.run().failures == []


def test_damaged_raw_is_named_and_restored(deployment: Deployment, tmp_path: Path) -> None:
    settings, before = load_settings(), deployment.files()
    made = backup(settings, tmp_path / "backup")
    damage(deployment, "raw.pos_appeals", "pos_id")
    refused = run_street(settings, Wish(reading=False, full_refresh=True))
    assert len(refused.failures) == 1
    assert (
        "warehouse.duckdb is damaged, and nothing was published; run `otklik rebuild`" in refused.failures[0]
    )
    with pytest.raises(WarehouseError, match=r"raw rows in .* are damaged.* `otklik restore DIR`"):
        rebuild(settings)
    assert deployment.files() == before
    restore(settings, made.folder)
    assert deployment.run().failures == []
    assert deployment.changes(before) == []


def test_a_backup_brings_a_lost_deployment_back(deployment: Deployment, tmp_path: Path) -> None:
    settings = load_settings()
    with warehouse_lock(settings, "a test"), pytest.raises(Exception, match="a test"):
        backup(settings, tmp_path / "busy", wait=0)
    assert not (tmp_path / "busy").exists()
    made = backup(settings, tmp_path / "backup")
    before = deployment.files()
    with pytest.raises(UsageError, match="exists already"):
        backup(settings, made.folder)

    settings.warehouse.write_bytes(b"not a database any more")
    shutil.rmtree(deployment.shelf.root)
    restored = restore(settings, made.folder)

    assert restored.files == made.files
    assert deployment.changes(before) == []
    assert deployment.query("select count(*) from marts.territories_daily")
    outcome = deployment.run()
    assert outcome.failures == []
    assert deployment.changes(before) == []
    assert not outcome.is_new


def test_a_damaged_backup_is_named_and_changes_nothing(deployment: Deployment, tmp_path: Path) -> None:
    settings = load_settings()
    made = backup(settings, tmp_path / "backup")
    (made.folder / "inbox" / "journal.sqlite").write_bytes(b"")
    before = deployment.files()
    with pytest.raises(UsageError, match=r"damaged: inbox/journal\.sqlite"):
        restore(settings, made.folder)
    with pytest.raises(UsageError, match="is no backup"):
        restore(settings, tmp_path)
    assert deployment.files() == before
