"""raw → staging → facts | marts: two dbt steps, so that a gate can stand between them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets

from orchestration.dbt_manifest import DBT_MANIFEST, project_state
from orchestration.dbt_process import Finished
from orchestration.defs.resources import Street, prepare_dbt
from orchestration.keys import OWNERS, dbt_asset_key, group_of
from orchestration.standing import Standing, read_standing, write_standing
from publishing.report.companions import QUALITY, TABLES, meaning_of
from quality.validate import warm_up

# The daily sums stand on the facts and so come after the gate, with the marts that read them.
DAILY_SUMS = "tag:after_gate"
FACTS = "path:seeds path:models/staging path:models/facts"
MARTS = f"path:models/marts {DAILY_SUMS}"
# Where dagster-dbt notes the dbt node that a spec stands for.
NODE = "dagster_dbt/unique_id"
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

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """With the sentence that the quality page has for it; dbt's own names of tests say little."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None or spec.description:
            return spec
        what, why = meaning_of(self.get_resource_props(manifest, unique_id), manifest["nodes"])
        return spec._replace(description=f"{what}: {why}" if why else what)


translator = Translator(settings=DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))


def build(context: dg.AssetExecutionContext, street: Street, part: str) -> Iterator[Any]:
    """Run dbt and give its events, with row counts; the results of its tests are written down."""
    street.engine.prepare()
    selected, standing, kept = selection(context), None, list[Finished]()
    notes_what_stands = part == "facts" and street.engine.keeps_what_stands and is_whole(context)
    if notes_what_stands and not street.must_rebuild() and (known := what_stands(street)):
        standing, due, kept = known
        selected = frozenset(node.unique_id for node in due)
    # what came is tested with every run, all that stands once a day
    today = street.moment().date()
    tested_today = standing is not None and standing.tested_on == today
    outcome = street.dbt.build(
        selected, refresh=street.must_rebuild(), tests="changed" if tested_today else "all"
    )
    finished = standing.with_news(outcome.finished, kept) if standing else outcome.finished
    if not outcome.sentence:
        street.engine.show()
        if part == "marts":
            street.engine.settle()
        if notes_what_stands:
            write_standing(street.engine.built, _rules(street), finished, today)
    unchanged = {node.unique_id for node in kept}
    rows = street.row_counts()
    asset_keys, check_keys = _keys_by_node(context)
    for node in finished:
        stood = {"unchanged": True} if node.unique_id in unchanged else {}
        if node.unique_id in asset_keys and node.status == "success":
            key = asset_keys[node.unique_id]
            count = rows.get(".".join(key.path))
            counted = {} if count is None else {"dagster/row_count": count}
            defined = (
                {"definition": street.page(TABLES, ".".join(key.path))} if key.path[0] == "marts" else {}
            )
            yield dg.MaterializeResult(
                asset_key=key, metadata={**node.metadata(), **counted, **defined, **stood}
            )
        elif node.unique_id in check_keys and node.status != "skipped":
            yield dg.AssetCheckResult(
                asset_key=check_keys[node.unique_id].asset_key,
                check_name=check_keys[node.unique_id].name,
                passed=node.status == "pass",
                severity=dg.AssetCheckSeverity.WARN if node.status == "warn" else dg.AssetCheckSeverity.ERROR,
                metadata={
                    **node.metadata(),
                    **stood,
                    "failed_rows": node.failures,
                    "quality_page": street.page(QUALITY, node.unique_id),
                },
            )
    tests = [node for node in finished if node.kind == "test"]
    street.write_note(
        context.run_id,
        f"dbt_{part}",
        [{"name": node.unique_id, "status": node.status, "failed": node.failures} for node in tests],
    )
    if outcome.sentence:
        raise dg.Failure(f"dbt could not build the {part}: {outcome.sentence}", allow_retries=False)


def what_stands(street: Street) -> tuple[Standing, list[Finished], list[Finished]] | None:
    """The last build: what of it is due, and what no load since can have changed. None where all are due."""
    found = read_standing(street.engine.built, _rules(street))
    if found is None:
        return None
    standing, came = found
    manifest = json.loads(DBT_MANIFEST.read_bytes())
    tables = street.row_counts()
    due, kept = standing.split(manifest, came, street.moment().date())
    built = [node for node in kept if node.kind in ("model", "seed")]
    if any(relation_of(manifest["nodes"][node.unique_id]) not in tables for node in built):
        return None  # somebody took a table away by hand
    return standing, due, kept


def relation_of(node: Mapping[str, Any]) -> str:
    """schema.table of a model or a seed."""
    return f"{node['schema']}.{node['alias']}"


def _rules(street: Street) -> str:
    return f"{street.rules} {project_state()}"


def is_whole(context: dg.AssetExecutionContext) -> bool:
    """Whether this step shall make all of its part."""
    definition = context.assets_def
    return (
        definition.keys_by_output_name == definition.node_keys_by_output_name
        and definition.check_specs_by_output_name == definition.node_check_specs_by_output_name
    )


def selection(context: dg.AssetExecutionContext) -> list[str] | frozenset[str]:
    """What this step shall make: dbt's arguments for all of its part, or the nodes that were chosen."""
    if is_whole(context):
        tags = context.op.tags
        excluded = tags.get("dagster_dbt/exclude")
        return [
            "--select",
            *tags["dagster_dbt/select"].split(),
            *(["--exclude", excluded] if excluded else []),
        ]
    return frozenset(unique_id for keys in _keys_by_node(context) for unique_id in keys)


def _keys_by_node(
    context: dg.AssetExecutionContext,
) -> tuple[dict[str, dg.AssetKey], dict[str, dg.AssetCheckKey]]:
    """Keys of the assets and the checks that this step shall make, by dbt's unique_id."""
    definition = context.assets_def
    assets = {
        spec.metadata[NODE]: spec.key for spec in definition.specs if spec.key in context.selected_asset_keys
    }
    checks = {
        spec.metadata[NODE]: spec.key
        for spec in definition.check_specs
        if spec.key in context.selected_asset_check_keys
    }
    return assets, checks


@dbt_assets(
    manifest=project.manifest_path,
    project=project,
    select=FACTS,
    exclude=DAILY_SUMS,
    dagster_dbt_translator=translator,
    name="facts",
)
def facts(context: dg.AssetExecutionContext, street: Street) -> Iterator[Any]:
    """Staging and facts, from what loads touched."""
    street.begin("facts")
    warm_up()  # the gate's slow import, in a thread of its own while dbt works
    yield from build(context, street, "facts")


@dbt_assets(
    manifest=project.manifest_path,
    project=project,
    select=MARTS,
    dagster_dbt_translator=translator,
    name="marts",
)
def marts(context: dg.AssetExecutionContext, street: Street) -> Iterator[Any]:
    """Marts, from the slices that facts touched."""
    street.begin("marts")
    yield from build(context, street, "marts")
