"""Columns of Superset's datasets, as dbt describes the marts they stand on. After a change of a mart:

.venv/bin/python -m tests.docs.superset
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy" / "superset" / "dashboard"
_GROUPED = ("varchar", "date", "boolean")
_MOMENTS = ("date", "timestamp")


def columns_of(dataset: dict[str, Any]) -> list[dict[str, Any]]:
    """The columns that a dataset's mart has; calculated ones of the dataset follow as they are."""
    marts = re.findall(r"marts\.(\w+)", dataset["sql"]) if dataset["sql"] else [dataset["table_name"]]
    stored = [
        {
            "column_name": column["name"],
            "verbose_name": column["config"]["meta"]["label_ru"],
            "description": column["description"],
            "type": column["data_type"].upper(),
            "is_dttm": column["data_type"] in _MOMENTS,
            "groupby": column["data_type"] in _GROUPED,
            "filterable": True,
            "expression": None,
        }
        for column in _marts()[marts[0]]
    ]
    return stored + [column for column in dataset["columns"] if column["expression"] is not None]


@cache
def _marts() -> dict[str, list[dict[str, Any]]]:
    found = {}
    for path in (ROOT / "dbt_project" / "models" / "marts").glob("*.yml"):
        for model in yaml.safe_load(path.read_text("utf-8"))["models"]:
            found[model["name"]] = model["columns"]
    return found


def main() -> int:
    """Write the columns into the datasets' files; exit code 0."""
    for path in (DASHBOARD / "datasets").rglob("*.yaml"):
        dataset = yaml.safe_load(path.read_text("utf-8"))
        content = {**dataset, "columns": columns_of(dataset)}
        path.write_text(
            yaml.dump(content, Dumper=_Lines, allow_unicode=True, sort_keys=False, width=110), "utf-8"
        )
    return 0


class _Lines(yaml.SafeDumper):
    """Text of several lines, which SQL is, stays so."""


_Lines.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, "|" if "\n" in text else None
    ),
)

if __name__ == "__main__":
    sys.exit(main())
