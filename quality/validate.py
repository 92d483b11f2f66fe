"""The one file that imports Great Expectations.

GX takes 6-14 s to import, so it is imported inside the function that needs it, and all expectations of a
suite are judged in one call. On DuckDB through SQLAlchemy every expectation of GX 1.24 fails, so it is fed
pandas frames of just the columns needed.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from quality.records import CheckResult, Expectation, Suite

if TYPE_CHECKING:
    import pandas as pd

    Frames = Callable[[str], pd.DataFrame]


_CONNECT = "pyspark.sql.connect"


def warm_up() -> threading.Thread:
    """Import GX in the background, while another process (dbt, a source) does the work.

    The process waits for it at its end: one that ends amid the import of a native library aborts.
    """
    thread = threading.Thread(target=_import_gx, name="import-gx")
    thread.start()
    return thread


def judge(suite: Suite, frames: Frames, as_of: datetime) -> list[CheckResult]:
    """Judge every expectation of a suite, in its order.

    `frames` runs SQL and gives a pandas frame; equal queries run once. An expectation whose query or
    evaluation raises is reported as failed with the error's class, so that no check passes by breaking.
    """
    try:
        if suite.before:
            frames(suite.before)
    except Exception as error:  # noqa: BLE001 - as below: nothing passes because it could not be asked
        return [_result(suite, each, passed=False, error=type(error).__name__) for each in suite.expectations]
    gx = _import_gx()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    # one asset for all frames: GX writes its whole configuration anew for each
    asset = context.data_sources.add_pandas(name=suite.name).add_dataframe_asset(name="frames")
    whole = asset.add_batch_definition_whole_dataframe("all")
    held: dict[str, Any] = {}
    results = []
    for expectation in suite.expectations:
        query = expectation.query.replace("{as_of}", as_of.isoformat(sep=" "))
        try:
            if query not in held:
                frame = frames(query)
                held[query] = whole.get_batch({"dataframe": frame}), len(frame)
            batch, rows = held[query]
            results.append(_judge_one(suite, expectation, batch, rows))
        except Exception as error:  # noqa: BLE001 - whatever breaks a check is a failed check, named
            results.append(_result(suite, expectation, passed=False, error=type(error).__name__))
    return results


def _judge_one(suite: Suite, expectation: Expectation, batch: Any, rows: int) -> CheckResult:
    from great_expectations.expectations.metadata_types import FailureSeverity
    from great_expectations.expectations.registry import get_expectation_impl

    implementation = get_expectation_impl(expectation.expectation)
    severity = FailureSeverity(expectation.severity)
    outcome = batch.validate(implementation(severity=severity, **expectation.arguments))
    raised = outcome.exception_info.get("raised_exception") if outcome.exception_info else False
    counts = outcome.result or {}
    passed = bool(outcome.success)
    return _result(
        suite,
        expectation,
        passed=passed,
        checked=int(counts.get("element_count", rows)),
        failed=0 if passed else int(counts.get("unexpected_count", 1)),
        error="the expectation raised" if raised else None,
    )


def _result(
    suite: Suite,
    expectation: Expectation,
    *,
    passed: bool,
    checked: int = 0,
    failed: int = 0,
    error: str | None = None,
) -> CheckResult:
    return CheckResult(
        suite=suite.name,
        name=expectation.name,
        table=expectation.table,
        expectation=expectation.expectation,
        severity=expectation.severity,
        passed=passed,
        checked=checked,
        failed=failed,
        why=expectation.why,
        error=error,
    )


def _import_gx() -> ModuleType:
    """GX without telemetry, and without Spark Connect where pyspark is installed.

    GX imports all of pyspark that there is, and pyspark's Connect ends a process whose main program is no
    file, taking it for a doctest.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    hidden = sys.modules.setdefault(_CONNECT, cast("ModuleType", None)) is None
    try:
        return importlib.import_module("great_expectations")
    finally:
        if hidden:
            sys.modules.pop(_CONNECT, None)
