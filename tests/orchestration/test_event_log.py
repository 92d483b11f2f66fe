"""Dagster's books on connections that stay open: nothing lost, and any Dagster reads them."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef

from orchestration.demo import write_dagster_settings
from orchestration.event_log import EventLog, event_log_settings

SPECS = [dg.AssetSpec(f"asset_{number}") for number in range(4)]


@dg.multi_asset(specs=SPECS, check_specs=[dg.AssetCheckSpec("is_good", asset=spec.key) for spec in SPECS])
def _made() -> Iterator[dg.MaterializeResult[None]]:
    for spec in SPECS:
        good = dg.AssetCheckResult(asset_key=spec.key, check_name="is_good", passed=True)
        yield dg.MaterializeResult(asset_key=spec.key, check_results=[good])


@contextmanager
def _instance(home: Path, *, ours: bool) -> Iterator[dg.DagsterInstance]:
    overrides = {"event_log_storage": event_log_settings(home)} if ours else {}
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=overrides)) as instance:
        yield instance


def _run(instance: dg.DagsterInstance) -> str:
    defs = dg.Definitions([_made], jobs=[dg.define_asset_job("all")], executor=dg.in_process_executor)
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return defs.resolve_job_def("all").execute_in_process(instance=instance, run_config=quiet).run_id


def _told(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    return [entry.get_dagster_event().event_type_value for entry in instance.all_logs(run_id)]


def test_dagsters_own_storage_reads_what_ours_wrote(tmp_path: Path) -> None:
    with _instance(tmp_path, ours=True) as instance:
        assert isinstance(instance.event_log_storage, EventLog)
        run_id = _run(instance)
        ours = _told(instance, run_id)
    with _instance(tmp_path, ours=False) as instance:
        assert _told(instance, run_id) == ours
        assert ours.count("ASSET_MATERIALIZATION") == ours.count("ASSET_CHECK_EVALUATION") == len(SPECS)
        event = instance.get_latest_materialization_event(SPECS[0].key)
        assert event is not None
        assert event.run_id == run_id


def test_a_file_that_was_deleted_is_begun_anew(tmp_path: Path) -> None:
    with _instance(tmp_path, ours=True) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, EventLog)
        run_id = _run(instance)
        for path in Path(storage.path_for_shard(run_id)).parent.glob(f"{run_id}.db*"):
            path.unlink()
        assert _told(instance, run_id) == []


@pytest.mark.scenario
def test_more_runs_than_files_kept_open_from_many_threads(tmp_path: Path) -> None:
    with _instance(tmp_path, ours=True) as instance:
        run_ids = [_run(instance) for _ in range(10)]
        told: dict[str, int] = {}
        threads = [
            threading.Thread(target=lambda run_id=run_id: told.update({run_id: len(_told(instance, run_id))}))
            for run_id in run_ids
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(told) == set(run_ids)
        assert len(set(told.values())) == 1
        open_files = {os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.exists()}
        assert sum(name.startswith(str(tmp_path)) and name.endswith(".db") for name in open_files) <= 8


def test_the_web_page_uses_it_too(tmp_path: Path) -> None:
    write_dagster_settings(tmp_path)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as instance:
        assert isinstance(instance.event_log_storage, EventLog)
    settings = yaml.safe_load((tmp_path / "dagster.yaml").read_text("utf-8"))
    assert settings["run_coordinator"]["config"]["max_concurrent_runs"] == 1


@pytest.mark.parametrize("home", ["with space", "кириллица"])
def test_any_folder_name_will_do(tmp_path: Path, home: str) -> None:
    (tmp_path / home).mkdir()
    with _instance(tmp_path / home, ours=True) as instance:
        assert _told(instance, _run(instance))
