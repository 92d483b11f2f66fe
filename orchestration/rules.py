"""The fingerprint of the rules that figures depend on: when it changes, everything is rebuilt."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from ingestion.config import Region

_RULES = ("dbt_project.yml", "models/**/*.sql", "macros/**/*.sql", "seeds/*.csv")


def fingerprint(dbt_project: Path, regions: Mapping[str, Region]) -> str:
    """Hash of models, macros, seeds and of each region's time zone and heat rules, 16 hex characters.

    A figure never mixes two versions of the rules: incremental models are valid only under one of them.
    """
    digest = hashlib.sha256()
    for path in _rule_files(dbt_project):
        digest.update(path.relative_to(dbt_project).as_posix().encode())
        digest.update(path.read_bytes())
    for region_id, region in sorted(regions.items()):
        heat = ",".join(rule.model_dump_json() for rule in region.heat_rule)
        digest.update(f"{region_id} {region.time_zone} {heat}".encode())
    return digest.hexdigest()[:16]


def built_under_other_rules(warehouse: Path, current: str) -> bool:
    """Whether a table stands in the warehouse that was built under another fingerprint."""
    import duckdb

    if not warehouse.exists():
        return False
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        standing = connection.execute(
            "select 1 from information_schema.tables "
            "where table_schema = 'facts' and table_name = 'street_progress'"
        ).fetchone()
        if not standing:
            return False
        found = connection.execute("select distinct fingerprint from facts.street_progress").fetchall()
    return any(row != (current,) for row in found)


def _rule_files(dbt_project: Path) -> Iterable[Path]:
    return sorted(path for pattern in _RULES for path in dbt_project.glob(pattern))
