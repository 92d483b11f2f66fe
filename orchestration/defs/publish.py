"""marts and facts → candidate → (audit) → release and serving copy."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from ingestion.clock import parse_utc
from ingestion.erasures import book_of, read_book
from orchestration.dbt_manifest import DBT_MANIFEST
from orchestration.defs.quality import CANDIDATE
from orchestration.defs.resources import ROOT, Street, git_commit
from orchestration.defs.transform import facts, marts
from orchestration.keys import OWNERS, asset_key
from publishing.confirmed import confirm, read_candidate
from publishing.postgres import publish
from publishing.release import Provenance, build_candidate, point_current, put_in_place, retire
from publishing.report.borders import Borders
from publishing.report.build import FOLDER, INDEX, report_on
from publishing.report.companions import QUALITY
from publishing.serving import build_serving
from publishing.watermarks import sources_read

PUBLISHED_FACTS = [key for key in facts.keys if key.path[-1].startswith(("fct_", "dim_"))]


@dg.asset(
    key=CANDIDATE,
    deps=[*marts.keys, *PUBLISHED_FACTS],
    group_name="published",
    kinds={"parquet"},
    owners=OWNERS["published"],
)
def candidate(context: dg.AssetExecutionContext, street: Street) -> dg.MaterializeResult:
    """The next release as Parquet files, built beside the current one; nobody reads it before its audit.

    Grain: one per run.
    """
    street.begin("candidate")
    provenance = Provenance(
        as_of=street.moment(),
        git_commit=git_commit(),
        fingerprint=street.rules,
        checks=street.read_notes(context.run_id),
        erasures=read_book(book_of(street.settings.data)).count,
    )
    manifest = build_candidate(
        street.engine.built, street.shelf, street.published(), provenance, street.settings.memory_limit
    )
    files = [file for table in manifest["tables"].values() for file in table["files"]]
    return dg.MaterializeResult(
        metadata={
            "release_id": manifest["id"],
            "as_of": manifest["as_of"],
            "files": len(files),
            "bytes": sum(file["bytes"] for file in files),
            "dagster/row_count": sum(table["rows"] for table in manifest["tables"].values()),
        }
    )


@dg.asset(
    key=asset_key("published", "report"),
    deps=[CANDIDATE],
    group_name="published",
    kinds={"html"},
    owners=OWNERS["published"],
)
def report(street: Street) -> dg.MaterializeResult:
    """The audited candidate as pages for people: they open from a file and ask no address.

    Grain: one per region and release; none where the figures are those already published.
    """
    street.begin("report")
    borders = {
        region_id: Borders(region.borders.file, region.borders.key)
        for region_id, region in street.regions.items()
        if region.borders is not None
    }
    tiles_because: list[str] = []
    measures = ROOT / "docs" / "measures.md"
    pages = report_on(street.shelf, street.published(), DBT_MANIFEST, measures, borders, tiles_because.append)
    for sentence in tiles_because:
        street.events.warning("tiles instead of borders", said=sentence)
    return dg.MaterializeResult(
        metadata={
            "pages": len(pages),
            "bytes": sum(page.stat().st_size for page in pages),
            "report": street.page(f"{FOLDER}/{INDEX}"),
            **({"tiles_instead_of_borders": "\n".join(tiles_because)} if tiles_because else {}),
        }
    )


@dg.asset(
    key=asset_key("published", "release"),
    deps=[CANDIDATE, report],
    group_name="published",
    kinds={"parquet", "duckdb"},
    owners=OWNERS["published"],
)
def release(street: Street) -> dg.MaterializeResult:
    """The audited release with its manifest, and serving.duckdb swapped in one step for analysts and BI.

    Grain: one per set of figures and as_of.
    """
    street.begin("release")
    shelf = street.shelf
    candidate = read_candidate(shelf)
    manifest, is_new = put_in_place(shelf)
    serving = build_serving(shelf, manifest, street.published())
    point_current(shelf, manifest["id"])
    confirm(shelf, manifest["id"], candidate)
    retired = retire(shelf, street.settings.keep_releases)
    street.events.info("released", release=manifest["id"], is_new=is_new, as_of=manifest["as_of"])
    return dg.MaterializeResult(
        metadata={
            "release_id": manifest["id"],
            "is_new": is_new,
            "serving": dg.MetadataValue.path(str(serving)),
            "lag_minutes": lag_minutes(manifest),
            "quality_page": street.page(QUALITY),
            "front_page": street.page(INDEX),
            "retired": len(retired),
        }
    )


def lag_minutes(manifest: Mapping[str, Any]) -> float:
    """Minutes from the oldest source's last load to the moment the figures are stated for."""
    read = [parse_utc(mark["fetched_at"]) for mark in sources_read(manifest)]
    return max((parse_utc(manifest["as_of"]) - min(read)).total_seconds() / 60, 0.0) if read else 0.0


@dg.asset(
    key=asset_key("published", "postgres"),
    deps=[release],
    group_name="published",
    kinds={"postgres"},
    owners=OWNERS["published"],
)
def postgres(street: Street) -> dg.MaterializeResult:
    """The current release in PostgreSQL, changed rows only, in one transaction; nothing where none is set up.

    Grain: one per release.
    """
    url = street.settings.postgres_url
    if url is None:
        return dg.MaterializeResult(metadata={"is_configured": False})
    street.begin("postgres")
    delivered = publish(
        url.get_secret_value(), street.shelf, street.published(), street.settings.postgres_schemas
    )
    return dg.MaterializeResult(
        metadata={
            "is_configured": True,
            "release_id": delivered.release_id,
            "changed_tables": delivered.tables,
            "dagster/row_count": delivered.rows,
        }
    )


assets = [candidate, report, release, postgres]
