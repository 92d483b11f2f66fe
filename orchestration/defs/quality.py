"""GATE between facts and marts, AUDIT on the candidate release: blocking asset checks."""

from collections.abc import Callable, Iterator, Sequence

import dagster as dg
import pandas as pd

from orchestration.defs.resources import Street
from orchestration.keys import asset_key
from publishing.release import open_candidate, record_audit
from publishing.report.companions import QUALITY
from quality.records import CheckResult, Expectation, Suite
from quality.suites import AUDIT, GATE
from quality.validate import judge

SEVERITY = {
    "critical": dg.AssetCheckSeverity.ERROR,
    "warning": dg.AssetCheckSeverity.WARN,
    "info": dg.AssetCheckSeverity.WARN,
}


def check_spec(
    expectation: Expectation, asset: dg.AssetKey, deps: Sequence[dg.AssetKey] = ()
) -> dg.AssetCheckSpec:
    """An expectation as an asset check; a critical one stops what comes after."""
    return dg.AssetCheckSpec(
        expectation.name,
        asset=asset,
        additional_deps=[key for key in deps if key != asset],
        description=expectation.why,
        blocking=expectation.severity == "critical",
        metadata={"expectation": expectation.expectation, "table": expectation.table},
    )


def to_check_result(result: CheckResult, asset: dg.AssetKey, street: Street) -> dg.AssetCheckResult:
    """Counts only: failing values may be personal and are never shown."""
    return dg.AssetCheckResult(
        check_name=result.name,
        asset_key=asset,
        passed=result.passed,
        severity=SEVERITY[result.severity],
        description=result.sentence,
        metadata={
            "checked_rows": result.checked,
            "failed_rows": result.failed,
            "quality_page": street.page(QUALITY, result.name),
        },
    )


def gate_asset(expectation: Expectation) -> dg.AssetKey:
    """The asset a gate's expectation is shown at."""
    return asset_key(*expectation.asset_key)


CANDIDATE = asset_key("published", "candidate")
FACT_KEYS = sorted(
    {gate_asset(expectation) for expectation in GATE.expectations}
    | {asset_key("facts", "fct_appeal_events")},
    key=lambda key: key.to_user_string(),
)


@dg.multi_asset_check(
    name="gate",
    specs=[check_spec(expectation, gate_asset(expectation), FACT_KEYS) for expectation in GATE.expectations],
)
def gate(context: dg.AssetCheckExecutionContext, street: Street) -> Iterator[dg.AssetCheckResult]:
    """What facts must be before marts are built on them."""
    import duckdb

    street.begin("gate")
    with duckdb.connect(str(street.engine.built), read_only=True) as connection:
        results = _judge(GATE, street, lambda query: connection.execute(query).df())
    street.write_note(context.run.run_id, "gate", [result.as_dict() for result in results])
    for expectation, result in zip(GATE.expectations, results, strict=True):
        _log(context, street, result)
        yield to_check_result(result, gate_asset(expectation), street)


@dg.multi_asset_check(
    name="audit", specs=[check_spec(expectation, CANDIDATE) for expectation in AUDIT.expectations]
)
def audit(context: dg.AssetCheckExecutionContext, street: Street) -> Iterator[dg.AssetCheckResult]:
    """What the candidate must be before anyone sees it."""
    street.begin("audit")
    with open_candidate(street.shelf, street.settings.memory_limit) as connection:
        results = _judge(AUDIT, street, lambda query: connection.execute(query).df())
    if not any(result.stops for result in results):
        record_audit(street.shelf, [result.as_dict() for result in results])
    for result in results:
        _log(context, street, result)
        yield to_check_result(result, CANDIDATE, street)


def _judge(suite: Suite, street: Street, frames: Callable[[str], pd.DataFrame]) -> list[CheckResult]:
    return judge(suite, frames, street.moment())


def _log(context: dg.AssetCheckExecutionContext, street: Street, result: CheckResult) -> None:
    if not result.passed:
        street.events.warning("check failed", check=result.name, stops=result.stops, said=result.sentence)
    if result.stops:
        context.log.error(result.sentence)
    elif not result.passed:
        context.log.warning(result.sentence)
