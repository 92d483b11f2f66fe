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
    """A column of a published table: its name, the sentence that explains it, its Russian label if any."""

    name: str
    description: str
    label_ru: str = ""

    @property
    def comment(self) -> str:
        """Label and sentence, as readers of the database see them."""
        return f"{self.label_ru}. {self.description}" if self.label_ru else self.description


@dataclass(frozen=True)
class PublishedTable:
    """A table of the release.

    partitioned: one file per region and month of `local_date`. is_volatile: about the street's own work, so
    that a change of it alone is no reason for a new release. key: the columns of its grain, proven by a test.
    """

    schema: str
    name: str
    description: str
    columns: tuple[PublishedColumn, ...]
    partitioned: bool
    is_volatile: bool = False
    key: tuple[str, ...] = ()

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
        nodes = json.loads(dbt_manifest.read_text("utf-8"))["nodes"]
    except (OSError, ValueError, KeyError) as error:
        raise PublishError(
            f"dbt's manifest {dbt_manifest} cannot be read", "run `make check`, which parses the dbt project"
        ) from error
    keys = {
        node.get("attached_node"): tuple(node["test_metadata"]["kwargs"]["columns"])
        for node in nodes.values()
        if (node.get("test_metadata") or {}).get("name") == "unique_combination"
    }
    tables = [
        _table(node, keys.get(unique_id, ()))
        for unique_id, node in nodes.items()
        if node["resource_type"] == "model"
        and (node["schema"] == "marts" or node["config"].get("meta", {}).get("published"))
    ]
    return sorted(tables, key=lambda table: table.path)


def _table(node: dict, key: tuple[str, ...]) -> PublishedTable:
    columns = tuple(
        PublishedColumn(name, " ".join(column["description"].split()), str(_meta(column).get("label_ru", "")))
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
        is_volatile=bool(node["config"].get("meta", {}).get("volatile")),
        key=key,
    )


def _meta(column: dict) -> dict:
    return {**(column.get("meta") or {}), **((column.get("config") or {}).get("meta") or {})}
