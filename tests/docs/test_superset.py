"""deploy/superset without a Superset: its files fit each other, the marts, and the report's definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from publishing.report.build import words
from tests.docs.superset import DASHBOARD, columns_of

# What must never be made of several rows: medians, rates, shares and scores of a mart.
FINISHED = re.compile(r"median|p90|share|per_10k|rank|score|mean_")
METRICS = ("metric", "metrics", "timeseries_limit_metric")
COLUMNS = ("all_columns", "groupby", "x_axis")


def read(folder: str) -> dict[str, dict[str, Any]]:
    """The files below a folder by their names."""
    paths = sorted((DASHBOARD / folder).rglob("*.yaml"))
    return {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in paths}


DATASETS = read("datasets")
CHARTS = read("charts")


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_has_the_columns_of_its_mart(name: str) -> None:
    # A mart that changed: `.venv/bin/python -m tests.docs.superset`
    assert DATASETS[name]["columns"] == columns_of(DATASETS[name])


@pytest.mark.parametrize("name", DATASETS)
def test_a_metric_adds_counts_or_quotes_one_row(name: str) -> None:
    known = {column["column_name"] for column in DATASETS[name]["columns"]}
    for metric in DATASETS[name]["metrics"]:
        expression = metric["expression"]
        assert metric["description"], metric["metric_name"]
        used = [word for word in re.findall(r"\b[a-z_0-9]+\b", expression) if word in known]
        assert used or expression == "count(*)"
        assert not re.search(r"\bavg\b|\bmedian\(", expression)
        if any(FINISHED.search(word) for word in used):
            assert expression.startswith("case when count(*) = 1 then max(")


def test_headline_figures_are_defined_as_in_the_report() -> None:
    definitions = words()["ru"]["definitions"]
    stated = {metric["metric_name"]: metric for metric in DATASETS["appeals_daily"]["metrics"]}
    for metric, definition in (
        *(("appeals", "appeals"), ("on_time_share", "on_time"), ("mean_first_answer_hours", "mean")),
        *(("overdue_appeals", "overdue"), ("solved_share", "solved")),
    ):
        assert stated[metric]["description"] == definitions[definition]


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_asks_what_its_dataset_has(name: str) -> None:
    chart = CHARTS[name]
    (dataset,) = [one for one in DATASETS.values() if one["uuid"] == chart["dataset_uuid"]]
    metrics = {metric["metric_name"] for metric in dataset["metrics"]}
    columns = {column["column_name"] for column in dataset["columns"]}
    asked = chart["params"]
    assert set(_listed(asked, METRICS)) <= metrics
    assert set(_listed(asked, COLUMNS)) <= columns
    subjects = {filter_["subject"] for filter_ in asked["adhoc_filters"] if "subject" in filter_}
    assert subjects <= columns
    assert "region_id" in columns, "the filter by region would pass it by"
    # Rows of a channel 'all' stand beside those of the channels.
    if dataset["table_name"] in ("backlog_daily", "response_times_monthly"):
        assert any(filter_.get("comparator") == "all" for filter_ in asked["adhoc_filters"])


def test_the_dashboard_shows_every_chart_once() -> None:
    (dashboard,) = read("dashboards").values()
    shown = [one["meta"] for one in dashboard["position"].values() if isinstance(one, dict) and "meta" in one]
    charts = [meta["uuid"] for meta in shown if "uuid" in meta]
    assert sorted(charts) == sorted(chart["uuid"] for chart in CHARTS.values())
    known = {dataset["uuid"] for dataset in DATASETS.values()}
    for filter_ in dashboard["metadata"]["native_filter_configuration"]:
        assert {target["datasetUuid"] for target in filter_["targets"] if target} <= known


def test_there_is_no_secret_in_it_and_nothing_may_be_written() -> None:
    (database,) = read("databases").values()
    assert "password" not in database
    assert not re.search(r"//[^/]*:[^/]*@", database["sqlalchemy_uri"])
    assert "access_mode=READ_ONLY" in database["sqlalchemy_uri"]
    assert "enable_external_access=false" in database["sqlalchemy_uri"]
    assert not any(database[right] for right in database if right.startswith("allow_"))


def _listed(asked: dict[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        value = asked.get(key) or []
        yield from [value] if isinstance(value, str) else value
