"""Labels: told between landing and the models, of what came; the models that tell them, once a week.

Nothing of the room labels/ is imported before a region asks for it, so that live runs stay fast without it.
"""

from collections.abc import Iterator

import dagster as dg

from ingestion.config import Region, Settings, load_regions, load_settings
from ingestion.errors import ConfigError
from ingestion.pipeline import LoadReport
from ingestion.sources import ANSWERS, COPIES, LABELS, MADE, SOURCES
from orchestration.defs.alerts import say_what_failed
from orchestration.defs.ingestion import table_spec
from orchestration.defs.resources import Street
from orchestration.keys import OWNERS, asset_key

LOCK_WAIT_SECONDS = 3600
MODELS = asset_key("labels", "models")
NOT_WORSE = "not_worse_than_the_model_in_force"
COUNTS = ("received", "landed", "skipped_unchanged", "erased")
LEARNT_FROM = ("pos_appeals", "incident_appeals")


@dg.multi_asset(
    name="label_messages",
    description=LABELS.description,
    specs=[
        table_spec(table, None).replace_attributes(
            deps=[asset_key("raw", one.name) for source in SOURCES.values() for one in source.tables]
        )
        for made in MADE
        for table in made.tables
    ],
)
def label_messages(street: Street) -> Iterator[dg.MaterializeResult]:
    """Label what came, find copies and look at answers in regions whose file asks for it; else nothing."""
    reports: dict[str, list[LoadReport | None]] = {made.name: [] for made in MADE}
    for region in street.regions_to_label():
        from orchestration.label_messages import label_region

        street.begin("labels", region=region.name)
        reports[LABELS.name].append(label_region(street.settings, region, street.run_id))
        if region.labels and region.labels.copies:
            from orchestration.find_copies import find_copies_of_region

            street.begin("copies", region=region.name)
            reports[COPIES.name].append(find_copies_of_region(street.settings, region, street.run_id))
        if region.labels and region.labels.answers:
            from orchestration.look_at_answers import look_at_answers_of_region

            street.begin("answers", region=region.name)
            reports[ANSWERS.name].append(look_at_answers_of_region(street.settings, region, street.run_id))
    rows = street.row_counts()
    for made in MADE:
        tallies = [one for report in reports[made.name] if report for one in report.resources.values()]
        for table in made.tables:
            yield dg.MaterializeResult(
                asset_key=asset_key("raw", table.name),
                metadata={
                    **{name: sum(getattr(tally, name) for tally in tallies) for name in COUNTS},
                    "regions": len(reports[made.name]),
                    "dagster/row_count": rows.get(f"raw.{table.name}", 0),
                },
            )


def labelled_regions(settings: Settings) -> list[Region]:
    """Regions whose file asks for labels."""
    return [region for region in load_regions(settings).values() if region.labels is not None]


@dg.asset(
    key=MODELS,
    group_name="labels",
    deps=[asset_key("raw", name) for name in LEARNT_FROM],
    kinds={"python"},
    owners=OWNERS["labels"],
    check_specs=[
        dg.AssetCheckSpec(
            NOT_WORSE,
            asset=MODELS,
            description="A model that tells the newest texts worse than the one in force is not used.",
        )
    ],
)
def models(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Models of topics, learnt anew from what ПОС and «Инцидент» have labelled; in force if not worse.

    Grain: one per region that asks for labels.
    """
    from labels.errors import TooFewTexts
    from orchestration.labelling import train_region

    settings = load_settings()
    metadata: dict[str, dg.MetadataValue] = {}
    worse: list[str] = []
    for region in labelled_regions(settings):
        try:
            trained = train_region(settings, region.region_id, LOCK_WAIT_SECONDS)
        except TooFewTexts as error:
            # A young region is told by the list of words meanwhile.
            metadata[region.region_id] = dg.MetadataValue.text(str(error))
            continue
        context.log.info(f"{region.region_id}: {trained.label_version} is in force")
        metadata[region.region_id] = dg.MetadataValue.json(trained.as_dict())
        if trained.candidate and not trained.promoted:
            worse.append(region.region_id)
    return dg.MaterializeResult(
        metadata=metadata,
        check_results=[
            dg.AssetCheckResult(
                check_name=NOT_WORSE,
                passed=not worse,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"The new model of {', '.join(worse)} is worse; the one before stays in force."
                if worse
                else "Every model in force is the best there is.",
            )
        ],
    )


training = dg.define_asset_job(
    "train_labels",
    selection=dg.AssetSelection.assets(MODELS),
    description="Learn anew what topics sound like; the next run labels by the better model.",
    hooks={say_what_failed},
)


def schedules() -> Iterator[dg.ScheduleDefinition]:
    """Every Sunday, where a region asks for labels."""
    try:
        asked = labelled_regions(load_settings())
    except ConfigError:
        return
    if asked:
        yield dg.ScheduleDefinition(
            name="weekly_training",
            job=training,
            cron_schedule="0 4 * * 0",
            execution_timezone="UTC",
            description="Every Sunday at 04:00 UTC.",
        )


assets = [label_messages, models]
