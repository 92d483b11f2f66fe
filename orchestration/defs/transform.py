"""raw → staging → facts | marts: two dbt steps, so that a gate can stand between them."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from orchestration.defs.resources import Street, prepare_dbt, steps
from orchestration.keys import OWNERS, dbt_asset_key, group_of
from quality.validate import warm_up

# The daily sums stand on the facts and so come after the gate, with the marts that read them.
DAILY_SUMS = "tag:after_gate"
FACTS = "path:seeds path:models/staging path:models/facts"
MARTS = f"path:models/marts {DAILY_SUMS}"
project = prepare_dbt()


class Translator(DagsterDbtTranslator):
    """Keys, groups and owners by the one rule of orchestration.keys."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return dbt_asset_key(dbt_resource_props)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return group_of(self.get_asset_key(dbt_resource_props))

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return OWNERS.get(self.get_group_name(dbt_resource_props), OWNERS["staging"])

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return dbt_resource_props["description"]


translator = Translator(settings=DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))


def run_environment(street: Street) -> dict[str, str]:
    """What one run hands to dbt: the warehouse, as_of, the rules' fingerprint."""
    return {
        "OTKLIK_WAREHOUSE": str(street.settings.warehouse.resolve()),
        "OTKLIK_RUN_AS_OF": street.moment().isoformat(sep=" "),
        "OTKLIK_RUN_FINGERPRINT": street.rules,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_LOG_LEVEL_FILE": "warn",
    }


def build(context: dg.AssetExecutionContext, dbt: DbtCliResource, street: Street, part: str) -> Iterator[Any]:
    """Run dbt and give its events, with row counts; the results of its tests are written down."""
    os.environ.update(run_environment(street))
    # Unit tests judge the SQL, not the data: they belong to `make test`.
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if street.must_rebuild():
        arguments.append("--full-refresh")
    # One target folder per part, kept between runs: dbt's parsed project is found again, nothing piles up.
    target = street.settings.data.resolve() / "dbt" / part
    target.mkdir(parents=True, exist_ok=True)
    invocation = dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
    events = list(invocation.stream())
    rows = street.row_counts()
    yield from (_with_row_count(event, rows, context) for event in events)
    street.write_note(
        context.run_id, f"dbt_{part}", _test_results(invocation.get_artifact("run_results.json"))
    )
    if not invocation.is_successful():
        raise dg.Failure(f"dbt could not build the {part}: {_first_failure(invocation)}", allow_retries=False)


@dbt_assets(
    manifest=project.manifest_path,
    project=project,
    select=FACTS,
    exclude=DAILY_SUMS,
    dagster_dbt_translator=translator,
    name="facts",
)
def facts(context: dg.AssetExecutionContext, dbt: DbtCliResource, street: Street) -> Iterator[Any]:
    """Staging and facts, from what loads touched."""
    steps.info("facts")
    warm_up()  # the gate's slow import, while dbt works in its own process
    yield from build(context, dbt, street, "facts")


@dbt_assets(
    manifest=project.manifest_path,
    project=project,
    select=MARTS,
    dagster_dbt_translator=translator,
    name="marts",
)
def marts(context: dg.AssetExecutionContext, dbt: DbtCliResource, street: Street) -> Iterator[Any]:
    """Marts, from the slices that facts touched."""
    steps.info("marts")
    yield from build(context, dbt, street, "marts")


def _with_row_count(event: Any, rows: Mapping[str, int], context: dg.AssetExecutionContext) -> Any:
    if not isinstance(event, dg.Output):
        return event
    key = context.asset_key_for_output(event.output_name)
    count = rows.get(".".join(key.path))
    return event if count is None else event.with_metadata({**event.metadata, "dagster/row_count": count})


def _test_results(run_results: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": result["unique_id"], "status": result["status"], "failed": result["failures"] or 0}
        for result in run_results["results"]
        if result["unique_id"].startswith(("test.", "unit_test."))
    ]


def _first_failure(invocation: Any) -> str:
    results = invocation.get_artifact("run_results.json")["results"]
    for result in results:
        if result["status"] in ("error", "fail"):
            return f"{result['unique_id']}: {' '.join(str(result['message']).split())[:300]}"
    return "see the run's log"
