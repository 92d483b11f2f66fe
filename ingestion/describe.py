"""dbt's description of a source's raw tables, as YAML: python -m ingestion.describe SOURCE

A starting point for dbt_project/models/staging/<source>/_<source>__sources.yml; a test keeps the two equal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from ingestion.sources import find_source
from ingestion.tables import SQL_TYPES, RawTable

_HEAD = """version: 2

sources:
  - name: raw
    description: Append-only log of everything received; every version of every object.
    schema: raw
    tables:"""


def described(source: str) -> str:
    """The YAML text of one source's tables. Raises UsageError when there is no such source."""
    tables = find_source(source).tables
    return "\n".join([_HEAD, *(line for table in tables for line in _lines(table))]) + "\n"


def _lines(table: RawTable) -> Iterator[str]:
    what, _, rows = table.description.rstrip(".").partition(": one row per ")
    grain = f"Grain: {rows.replace(' and ', ' × ') or 'row'}."
    yield f"      - name: {table.name}"
    yield f"        description: {_quoted(f'{what}. {grain}')}"
    yield f"        meta: {{dagster: {{asset_key: [raw, {table.name}]}}}}"
    yield "        columns:"
    for column in table.all_columns:
        yield _column(column.name, SQL_TYPES[column.type].lower(), column.description)
    yield _column("_dlt_load_id", "varchar", "Load that brought the row.")


def _column(name: str, data_type: str, description: str) -> str:
    return f"          - {{name: {name}, data_type: {data_type}, description: {_quoted(description)}}}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


if __name__ == "__main__":
    sys.stdout.write(described(sys.argv[1]))
