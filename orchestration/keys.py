"""One rule: asset key = [schema, table] = folder of the model = group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

OWNERS = {
    "raw": ["team:data-engineers"],
    "labels": ["team:data-engineers"],
    "staging": ["team:data-engineers"],
    "facts": ["team:data-engineers"],
    "marts": ["team:analysts"],
    "published": ["team:analysts"],
}


def asset_key(schema: str, table: str) -> dg.AssetKey:
    """The key of a table."""
    return dg.AssetKey([schema, table])


def dbt_asset_key(properties: Mapping[str, Any]) -> dg.AssetKey:
    """The key of a dbt node: a source may name its own in meta, everything else is schema and name."""
    declared = properties.get("meta", {}).get("dagster", {}).get("asset_key")
    return dg.AssetKey(declared) if declared else asset_key(properties["schema"], properties["name"])


def group_of(key: dg.AssetKey) -> str:
    """The group of an asset: its schema."""
    return key.path[0]
