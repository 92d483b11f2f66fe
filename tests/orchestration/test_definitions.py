"""What Dagster loads: keys, groups, people, checks, jobs and when they run; no server, no street."""

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.partitions.context import partition_loading_context

from ingestion.clock import Window
from ingestion.errors import SourceDown
from orchestration.poll import Polled

ROOT = Path(__file__).parents[2]
STREET = ("raw", "staging", "facts", "marts", "published")
REGION = """
region_id: far
name: Дальний край
time_zone: Asia/Kamchatka
sources: {registry: {folder: registry}}
heat_rule: {method: quantile, measure: rate, minimum: 5, red_share: 0.2, yellow_share: 0.4}
"""


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    from orchestration.definitions import defs

    return defs


@pytest.fixture(scope="module")
def nodes(definitions: dg.Definitions) -> dict[tuple[str, ...], Any]:
    graph = definitions.resolve_asset_graph()
    return {tuple(key.path): graph.get(key) for key in graph.get_all_asset_keys()}


@pytest.fixture
def automation() -> ModuleType:
    from orchestration.defs import automation

    return automation


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings without a region; returns the folder of region files."""
    regions = tmp_path / "regions"
    regions.mkdir()
    monkeypatch.setenv("OTKLIK_DATA", str(tmp_path))
    monkeypatch.setenv("OTKLIK_REGIONS", str(regions))
    monkeypatch.setenv("OTKLIK_HMAC_KEY", "6d0f3a7c19e84b52c7f0a1d95be2836440dd87f1c2a95e3b")
    return regions


def test_a_key_is_schema_and_table_and_the_schema_is_the_group(nodes: dict[tuple[str, ...], Any]) -> None:
    for path, node in nodes.items():
        assert len(path) == 2, path
        assert node.group_name == path[0]
    assert {path[0] for path in nodes} == {*STREET, "seeds", "labels"}


def test_each_asset_says_what_it_is_and_whose(nodes: dict[tuple[str, ...], Any]) -> None:
    for path, node in nodes.items():
        assert len(node.description or "") > 20, path
        assert node.owners, path
        assert node.kinds, path


def test_each_check_says_what_it_asks(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    said = {key: graph.get_check_spec(key).description or "" for key in graph.asset_check_keys}
    assert len(said) > 100
    assert [key.name for key, sentence in said.items() if len(sentence) <= 20] == []
    (key,) = [key for key in said if key.name.startswith("accepted_values_fct_appeals_intake")]
    assert said[key] == "facts.fct_appeals.intake: Only these values: social, pos_message, pos_appeal, other."


def test_the_street_goes_one_way(nodes: dict[tuple[str, ...], Any]) -> None:
    place = {group: number for number, group in enumerate(STREET)} | {"seeds": 1, "labels": 1}
    for path, node in nodes.items():
        for parent in node.parent_keys:
            assert place[parent.path[0]] <= place[path[0]], (parent.path, path)
    # The whole of raw is read before anything is built on it, the books of loads included.
    assert {key.path[0] for key in nodes["raw", "loads"].parent_keys} == {"raw"}


def test_the_gate_stands_before_marts_and_the_audit_before_the_release(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    blocking = [graph.get(key) for key in graph.asset_check_keys if graph.get(key).blocking]
    guarded = {check.key.asset_key.path[0] for check in blocking}
    assert {"facts", "published"} <= guarded
    plan = definitions.resolve_job_def("refresh").graph
    marts, gate, audit = (
        plan.dependency_structure.input_to_upstream_outputs_for_node(name)
        for name in ("marts", "gate", "audit")
    )
    assert "gate" in _upstream(marts)
    assert "facts" in _upstream(gate)
    assert any("candidate" in name for name in _upstream(audit))
    release = plan.dependency_structure.input_to_upstream_outputs_for_node("published__release")
    assert "audit" in _upstream(release)


def test_live_leaves_out_what_is_not_polled(definitions: dg.Definitions) -> None:
    everything = _assets_of(definitions, "refresh")
    live = _assets_of(definitions, "live")
    learnt = {dg.AssetKey(["labels", "models"])}
    assert everything == set(definitions.resolve_asset_graph().get_all_asset_keys()) - learnt
    assert _assets_of(definitions, "train_labels") == learnt
    assert {key.path[-1] for key in everything - live} == {
        "registry_regions",
        "registry_heat_rules",
        "registry_review_periods",
        "registry_territories",
        "registry_authorities",
        "registry_pages",
    }


def test_a_refresh_is_due_in_the_morning_of_the_region(automation: ModuleType, deployment: Path) -> None:
    assert [schedule.name for schedule in automation.schedules()] == ["weekly_maintenance"]
    (deployment / "far.yaml").write_text(REGION, "utf-8")
    _, nightly = automation.schedules()
    assert (nightly.name, nightly.cron_schedule, nightly.execution_timezone) == (
        "refresh_far",
        "30 5 * * *",
        "Asia/Kamchatka",
    )
    # A region's night must not read the other regions.
    assert nightly.evaluate_tick(dg.build_schedule_context()).run_requests[0].run_config == {
        "resources": {"street": {"config": {"region": "far"}}}
    }


def _answer(monkeypatch: pytest.MonkeyPatch, automation: ModuleType, told: Callable[[], Polled]) -> None:
    """Let the sensor find this instead of looking."""
    monkeypatch.setattr(automation, "load_settings", lambda: None)
    monkeypatch.setattr(automation, "poll", lambda _: told())


def _looked(automation: ModuleType, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """What the sensor `poll` says to Dagster."""
    found = automation.look(dg.build_sensor_context(instance=instance))
    assert isinstance(found, dg.RunRequest | dg.SkipReason)
    return found


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
def test_nobody_looks_while_a_run_is_in_progress(
    automation: ModuleType, monkeypatch: pytest.MonkeyPatch, status: dg.DagsterRunStatus
) -> None:
    _answer(monkeypatch, automation, lambda: Polled(3, [], "3 rows have come."))
    with dg.instance_for_test() as instance:
        asked = _looked(automation, instance)
        assert isinstance(asked, dg.RunRequest)
        assert asked.tags["otklik/mode"] == "live"
        run = instance.create_run_for_job(_idle, status=status)
        skipped = _looked(automation, instance)
        assert isinstance(skipped, dg.SkipReason)
        assert run.run_id in (skipped.skip_message or "")


def test_no_run_for_nothing(automation: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    _answer(monkeypatch, automation, lambda: Polled(0))
    with dg.instance_for_test() as instance:
        assert isinstance(_looked(automation, instance), dg.SkipReason)


def test_a_run_that_failed_is_tried_again_in_its_time_or_for_news(
    automation: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Polled(0, [], "7 rows wait in raw.")
    _answer(monkeypatch, automation, lambda: found)
    with dg.instance_for_test() as instance:
        live = dg.job(name="live", executor_def=dg.in_process_executor)(lambda: None)
        run = instance.create_run_for_job(live, status=dg.DagsterRunStatus.STARTED)
        instance.report_run_failed(run)
        skipped = _looked(automation, instance)
        assert isinstance(skipped, dg.SkipReason)
        assert "7 rows wait in raw." in (skipped.skip_message or "")
        found = Polled(1, [], "1 rows have come.")
        assert isinstance(_looked(automation, instance), dg.RunRequest)
        found = Polled(0, [], "7 rows wait in raw.")
        monkeypatch.setattr(automation, "RETRY_SECONDS", 0)
        assert isinstance(_looked(automation, instance), dg.RunRequest)


@pytest.mark.parametrize(
    ("days", "tags", "window"),
    [
        (None, {}, None),
        (("2026-11-10", "2026-11-16"), {}, Window(datetime(2026, 11, 10), datetime(2026, 11, 17))),
        (("2026-11-10", "2026-11-10"), {"otklik/mode": "live"}, None),
    ],
)
def test_a_backfill_is_a_window_and_a_live_run_is_none(
    days: tuple[str, str] | None, tags: dict[str, str], window: Window | None
) -> None:
    from orchestration.defs.ingestion import daily, window_of

    found: list[Window | None] = []

    @dg.asset(partitions_def=daily, backfill_policy=dg.BackfillPolicy.single_run())
    def probe(context: dg.AssetExecutionContext) -> None:
        found.append(window_of(context))

    span = (
        {}
        if days is None
        else dict(
            zip(
                ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end"),
                days,
                strict=True,
            )
        )
    )
    with dg.DagsterInstance.ephemeral() as instance:
        job = dg.Definitions(assets=[probe], jobs=[dg.define_asset_job("one")]).resolve_job_def("one")
        assert job.execute_in_process(instance=instance, tags={**span, **tags}).success
    assert found == [window]


def test_a_failure_is_one_sentence_with_the_innermost_reason() -> None:
    from orchestration.defs.alerts import say_what_failed

    @dg.op
    def read_pos() -> None:
        try:
            raise SourceDown("ПОС does not answer", "look at its address")
        except SourceDown as error:
            raise dg.Failure("step failed") from error

    @dg.job(hooks={say_what_failed}, executor_def=dg.in_process_executor)
    def failing() -> None:
        read_pos()

    with dg.DagsterInstance.ephemeral() as instance:
        result = failing.execute_in_process(instance=instance, raise_on_error=False)
        said = [
            entry.user_message
            for entry in instance.all_logs(result.run_id)
            if entry.user_message.startswith("The step")
        ]
    assert said == [
        f"The step read_pos of run {result.run_id} failed: ПОС does not answer; look at its address."
    ]


def test_workspace_and_dg_load_the_same_location() -> None:
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["dg"]["project"]
    (module,) = [entry["python_module"] for entry in workspace["load_from"]]
    assert module["location_name"] == project["code_location_name"]
    assert module["module_name"] == project["code_location_target_module"]


def test_days_are_listed_as_dagster_lists_them() -> None:
    from orchestration.defs.ingestion import HISTORY_FROM, daily

    theirs = dg.DailyPartitionsDefinition(start_date=HISTORY_FROM, timezone="UTC")
    for moment in ("2019-01-01T12:00", "2019-01-02T00:00", "2024-03-01T23:59:59", "2026-11-22T00:00"):
        now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        with partition_loading_context(effective_dt=now):
            assert daily.get_partition_keys() == theirs.get_partition_keys()
    assert daily.get_partition_keys(now) == theirs.get_partition_keys(now)


def test_runs_queue_up_and_telemetry_is_off() -> None:
    instance = yaml.safe_load((ROOT / "dagster.yaml").read_text("utf-8"))
    assert instance["run_coordinator"]["config"]["max_concurrent_runs"] == 1
    assert instance["telemetry"]["enabled"] is False
    assert instance["nux"]["enabled"] is False


@dg.job(executor_def=dg.in_process_executor)
def _idle() -> None:
    """Nothing."""


def _assets_of(definitions: dg.Definitions, job: str) -> set[dg.AssetKey]:
    return set(definitions.resolve_job_def(job).asset_layer.executable_asset_keys)


def _upstream(inputs: Any) -> set[str]:
    return {output.node_name for outputs in inputs.values() for output in outputs}


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("", "/published/current/quality.html#appeals%20exist"),
        ("https://centre.test/report/", "https://centre.test/quality.html#appeals%20exist"),
    ],
)
def test_a_check_leads_to_its_line_on_the_quality_page(
    deployment: Path, monkeypatch: pytest.MonkeyPatch, address: str, page: str
) -> None:
    from orchestration.defs.quality import to_check_result
    from orchestration.defs.resources import Street
    from quality.records import CheckResult

    (deployment / "far.yaml").write_text(REGION, "utf-8")
    monkeypatch.setenv("OTKLIK_REPORT_URL", address)
    result = CheckResult("gate", "appeals exist", "facts.a", "expect", "critical", True, 3, 0, "Why.")
    with Street().yield_for_execution(dg.build_init_resource_context()) as street:
        shown = to_check_result(result, dg.AssetKey(["facts", "a"]), street).metadata["quality_page"].value

    assert str(shown).endswith(page)


def test_the_lag_is_that_of_the_oldest_source() -> None:
    from orchestration.defs.publish import lag_minutes

    marks = [{"fetched_at": "2026-11-20T18:00:00Z"}, {"fetched_at": "2026-11-20T18:59:00Z"}]
    assert lag_minutes({"as_of": "2026-11-20T19:00:00Z", "watermarks": marks}) == 60
    assert lag_minutes({"as_of": "2026-11-20T17:00:00Z", "watermarks": marks}) == 0
    assert lag_minutes({"as_of": "2026-11-20T19:00:00Z", "watermarks": []}) == 0
    old = {"source": "labels", "fetched_at": "2026-11-01T00:00:00Z"}
    assert lag_minutes({"as_of": "2026-11-20T19:00:00Z", "watermarks": [old, *marks]}) == 60, "no source"
