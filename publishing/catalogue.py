"""What may leave the warehouse: the tables and columns that the dbt project declares published.

Deny by default: a column that no model's yml describes, or one that is marked `published: false`, is not
written, so a new column cannot leak by being forgotten.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from publishing.errors import PublishError


@dataclass(frozen=True)
class PublishedColumn:
    """A column of a published table with the sentence that explains it."""

    name: str
    description: str


@dataclass(frozen=True)
class PublishedTable:
    """A table of the release. `partitioned`: one file per region and month of `local_date`."""

    schema: str
    name: str
    description: str
    columns: tuple[PublishedColumn, ...]
    partitioned: bool

    @property
    def path(self) -> str:
        """schema/name, as it stands in the release."""
        return f"{self.schema}/{self.name}"

    @property
    def column_list(self) -> str:
        """Columns for a select, quoted."""
        return ", ".join(f'"{column.name}"' for column in self.columns)


def published_tables(dbt_manifest: Path) -> list[PublishedTable]:
    """Published tables by schema and name, from dbt's manifest.json. Raises PublishError without it."""
    try:
        nodes = json.loads(dbt_manifest.read_text("utf-8"))["nodes"].values()
    except (OSError, ValueError, KeyError) as error:
        raise PublishError(
            f"dbt's manifest {dbt_manifest} cannot be read", "run `make check`, which parses the dbt project"
        ) from error
    tables = [
        _table(node)
        for node in nodes
        if node["resource_type"] == "model"
        and (node["schema"] == "marts" or node["config"].get("meta", {}).get("published"))
    ]
    return sorted(tables, key=lambda table: table.path)


def _table(node: dict) -> PublishedTable:
    columns = tuple(
        PublishedColumn(name, " ".join(column["description"].split()))
        for name, column in node["columns"].items()
        if _meta(column).get("published", True)
    )
    is_fact = node["name"].startswith("fct_")
    return PublishedTable(
        schema=node["schema"],
        name=node["name"],
        description=" ".join(node["description"].split()),
        columns=columns,
        partitioned=is_fact and "local_date" in node["columns"],
    )


def _meta(column: dict) -> dict:
    return {**(column.get("meta") or {}), **((column.get("config") or {}).get("meta") or {})}
