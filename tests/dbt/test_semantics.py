"""The semantic models are valid, and a metric asked through MetricFlow is the figure of the mart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt.support import Dbt

YEARLY = (
    "appeals",
    "answered_appeals",
    "overdue_appeals",
    "judged_appeals",
    "on_time_share",
    "mean_first_answer_minutes",
    "median_first_answer_minutes",
    "p90_first_answer_minutes",
)


class Renderer:
    """What MetricFlow has to know of DuckDB to write SQL; the SQL is run by whoever asked."""

    def __init__(self) -> None:
        from metricflow.protocols.sql_client import SqlEngine
        from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer

        self.sql_engine_type, self.sql_plan_renderer = SqlEngine.DUCKDB, DuckDbSqlPlanRenderer()


@pytest.fixture(scope="module")
def semantics(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The project's semantic manifest as MetricFlow takes it."""
    from dbt.contracts.graph.semantic_manifest import SemanticManifest
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest

    path = tmp_path_factory.mktemp("semantics") / "semantic_manifest.json"
    SemanticManifest(dbt.parsed.deepcopy()).write_json_to_file(str(path))
    return parse_manifest_from_dbt_generated_manifest(path.read_text("utf-8"))


def asked(semantics: Any, built: Path, metrics: list[str], group_by: list[str]) -> dict[tuple[Any, ...], Any]:
    """Values of the metrics by the values of the dimensions, through SQL that MetricFlow writes."""
    from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    engine = MetricFlowEngine(SemanticManifestLookup(semantics), Renderer())
    request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=group_by)
    statement = engine.explain(request).sql_statement.sql
    with duckdb.connect(str(built), read_only=True) as connection:
        answer = connection.execute(statement)
        places = {column[0]: place for place, column in enumerate(answer.description or [])}
        return {
            tuple(_day(row[places[name]]) for name in group_by): [row[places[name]] for name in metrics]
            for row in answer.fetchall()
        }


def _day(value: Any) -> Any:
    return value.date() if hasattr(value, "date") else value


def stated(built: Path, keys: list[str], figures: list[str], source: str) -> dict[tuple[Any, ...], Any]:
    """The same from a mart."""
    with duckdb.connect(str(built), read_only=True) as connection:
        rows = connection.execute(f"select {', '.join([*keys, *figures])} from {source}").fetchall()
    return {tuple(row[: len(keys)]): list(row[len(keys) :]) for row in rows}


def agree(found: dict[tuple[Any, ...], Any], expected: dict[tuple[Any, ...], Any]) -> None:
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        for value, figure in zip(found[key], values, strict=True):
            assert value == (None if figure is None else pytest.approx(figure, rel=1e-9)), key


def test_the_semantic_models_are_valid(semantics: Any) -> None:
    from metricflow_semantic_interfaces.validations.semantic_manifest_validator import (
        SemanticManifestValidator,
    )

    found = SemanticManifestValidator[Any]().validate_semantic_manifest(semantics)
    assert [issue.as_readable_str() for issue in found.all_issues] == []


def test_metrics_of_a_year_are_the_marts(semantics: Any, built: Path) -> None:
    found = asked(semantics, built, list(YEARLY), ["region", "metric_time__year"])
    mart = "marts.response_times_yearly where channel = 'all'"
    assert len(found) == 2
    agree(found, stated(built, ["region_id", "year_start"], list(YEARLY), mart))


def test_metrics_by_topic_and_month_are_the_marts(semantics: Any, built: Path) -> None:
    figures = ["appeals", "solved_appeals", "closed_appeals", "solved_share"]
    found = asked(semantics, built, figures, ["region", "metric_time__month", "appeal__topic_group"])
    sums = [f"sum({name})" for name in figures[:3]]
    share = "sum(solved_appeals) / nullif(sum(closed_appeals), 0)"
    mart = "marts.topics_monthly group by all having sum(appeals) > 0"
    agree(found, stated(built, ["region_id", "month_start", "topic_group"], [*sums, share], mart))


def test_the_backlog_of_a_month_is_its_last_days(semantics: Any, built: Path) -> None:
    found = asked(semantics, built, ["open_appeals"], ["region", "metric_time__month"])
    month = "cast(date_trunc('month', local_date) as date)"
    last_day = f"max(local_date) over (partition by region_id, {month})"
    mart = f"(select *, {month} as month, {last_day} as last_day from marts.backlog_daily)"
    wanted = "where channel = 'all' and local_date = last_day"
    agree(found, stated(built, ["region_id", "month"], ["open_appeals"], f"{mart} {wanted}"))


def test_every_metric_has_a_label_and_a_description(semantics: Any) -> None:
    bare = [metric.name for metric in semantics.metrics if not (metric.label and metric.description)]
    assert len(semantics.metrics) > 10
    assert bare == []
