"""Everything Dagster loads: see `defs/` for each concern."""

import dagster as dg

from orchestration.defs import automation, ingestion, labels, publish, quality, resources, transform

defs = dg.Definitions(
    assets=[*ingestion.assets, *labels.assets, transform.facts, transform.marts, *publish.assets],
    asset_checks=[quality.gate, quality.audit],
    jobs=automation.jobs,
    schedules=list(automation.schedules()),
    sensors=[automation.look, automation.alerts],
    resources={"street": resources.Street()},
    executor=dg.in_process_executor,
)
