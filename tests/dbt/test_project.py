"""Rules of the dbt project that no single model can keep by itself, over its manifest and files."""

from __future__ import annotations

import csv
import importlib.util
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest

from ingestion.sources import all_tables
from ingestion.tables import SQL_TYPES
from orchestration.dbt_process import advice_on
from tests.dbt.support import PROJECT, Dbt

Node = Mapping[str, Any]

# What DuckDB alone knows, or spells in its own way: it belongs into macros/dialect/, one macro per engine.
DUCKDB_ONLY = (
    "quantile_cont|median|arg_max|arg_min|max_by|min_by|string_agg|list_agg|unnest|string_split|strftime|strptime"
    "|date_diff|datediff|epoch|to_seconds|to_days|regexp_matches|regexp_extract|list_value|struct_pack|range"
    "|generate_series|format|chr|read_parquet"
)
# Working days of the production calendar as published, by year.
WORKING_DAYS = {2019: 247, 2020: 248, 2021: 247, 2022: 247, 2023: 247, 2024: 248, 2025: 247}
# A unique test on one column, or unique_combination on several.
KEY_TESTS = {"unique", "unique_combination"}


@pytest.fixture(scope="module")
def manifest(dbt: Dbt) -> dict[str, Any]:
    """The project's manifest."""
    return dbt.manifest


@pytest.fixture(scope="module")
def models(manifest: Mapping[str, Any]) -> dict[str, Node]:
    """Models by unique id."""
    return {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}


def folder(node: Node) -> str:
    """staging, facts, marts or seeds."""
    return str(node["fqn"][1]) if node["resource_type"] == "model" else "seeds"


def files(pattern: str) -> Iterator[Path]:
    """Files of the project's models."""
    return (PROJECT / "models").rglob(pattern)


def test_data_flows_one_way(manifest: Mapping[str, Any], models: Mapping[str, Node]) -> None:
    allowed = {
        "staging": {"staging", "source"},
        "facts": {"staging", "facts", "seeds"},
        "marts": {"facts", "seeds"},
    }
    wrong = []
    for node in models.values():
        for parent in node["depends_on"]["nodes"]:
            kind = "source" if parent.startswith("source.") else folder(manifest["nodes"][parent])
            if kind not in allowed[folder(node)]:
                wrong.append(f"{node['name']} reads {parent}")
    assert wrong == []


def test_a_staging_model_reads_its_own_source_and_what_all_share(models: Mapping[str, Node]) -> None:
    wrong = []
    for node in models.values():
        own = node["fqn"][2] if folder(node) == "staging" else None
        for parent in node["depends_on"]["nodes"] if own else []:
            name = parent.rpartition(".")[2].removeprefix("stg_")
            known = f"{name}_".startswith((f"{own}_", "operations__", "registry__"))
            if not known and own != "operations":
                wrong.append(f"{node['name']} reads {parent}")
    assert wrong == []


def test_every_description_ends_with_its_grain(
    manifest: Mapping[str, Any], models: Mapping[str, Node]
) -> None:
    described = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "seed"}
    described |= models | manifest["sources"]
    pattern = re.compile(r"Grain: [^.]+\.$")
    wrong = [
        key for key, node in described.items() if not pattern.search(" ".join(node["description"].split()))
    ]
    assert wrong == []


def test_every_grain_is_proven_or_says_why_not(
    manifest: Mapping[str, Any], models: Mapping[str, Node]
) -> None:
    proven = {
        test["attached_node"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test" and (test.get("test_metadata") or {}).get("name") in KEY_TESTS
    }
    unproven = [
        node["name"]
        for key, node in models.items()
        if key not in proven and not node["config"]["meta"].get("no_key_test")
    ]
    assert unproven == []
    seeds = {key for key, node in manifest["nodes"].items() if node["resource_type"] == "seed"}
    assert seeds - proven == set()


def test_every_column_is_documented_and_exists(dbt: Dbt, models: Mapping[str, Node], built: Path) -> None:
    import duckdb

    with duckdb.connect(str(built), read_only=True) as connection:
        found = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() where not internal"
        ).fetchall()
    standing: dict[tuple[str, str], set[str]] = {}
    for schema, table, column in found:
        standing.setdefault((schema, table), set()).add(column)
    wrong = {}
    for node in models.values():
        undescribed = [name for name, column in node["columns"].items() if not column["description"].strip()]
        actual = standing.get((node["schema"], node["name"]), set(node["columns"]))
        difference = actual ^ set(node["columns"])
        if undescribed or difference:
            wrong[node["name"]] = (undescribed, sorted(difference))
    assert wrong == {}


def test_contracts_are_enforced_where_consumers_are(models: Mapping[str, Node]) -> None:
    loose = [
        node["name"]
        for node in models.values()
        if (node["name"].startswith("fct_") or folder(node) == "marts")
        and not node["config"]["contract"]["enforced"]
    ]
    assert loose == []


def test_every_seed_says_where_it_comes_from(manifest: Mapping[str, Any]) -> None:
    silent = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "seed" and "provenance" not in node["description"]
    ]
    assert silent == []


def test_every_singular_test_says_what_it_holds(manifest: Mapping[str, Any]) -> None:
    silent = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and "test_metadata" not in node and not node["description"]
    ]
    assert silent == []


def test_one_yml_beside_each_model_names_it_and_nothing_else(models: Mapping[str, Node]) -> None:
    sql = {path.with_suffix("") for path in files("*.sql")}
    yml = {path.with_suffix("") for path in files("*.yml") if not path.name.startswith("_")}
    assert sql == yml
    elsewhere = [
        node["name"]
        for node in models.values()
        if Path(node["patch_path"].partition("://")[2]).stem != node["name"]
    ]
    assert elsewhere == []


def test_models_speak_no_engines_dialect() -> None:
    names = re.compile(rf"\b({DUCKDB_ONLY})\s*\(|::|\bqualify\b|\bilike\b|\bexclude\s*\(", re.IGNORECASE)
    assert names.search("select STRFTIME (day, '%d')"), "the rule finds what it looks for"
    found = {}
    for path in (*files("*.sql"), *(PROJECT / "macros").glob("*.sql")):
        text = re.sub(r"\{#.*?#\}|--[^\n]*", "", path.read_text("utf-8"), flags=re.DOTALL)
        text = re.sub(r"\bin range\([^)]*\)", "", text)  # Jinja's, not SQL's
        if match := names.search(text):
            found[path.name] = match.group(0)
    assert found == {}


def test_sources_are_documented_as_ingestion_defines_them(manifest: Mapping[str, Any]) -> None:
    documented = {
        source["name"]: {name: column["data_type"].upper() for name, column in source["columns"].items()}
        for source in manifest["sources"].values()
    }
    documented.pop("_dlt_loads")  # dlt's own table
    defined = {
        table.name: {
            **{column.name: SQL_TYPES[column.type] for column in table.all_columns},
            "_dlt_load_id": "VARCHAR",
        }
        for table in all_tables()
    }
    assert documented == defined


def _calendar_script() -> ModuleType:
    specification = importlib.util.spec_from_file_location(
        "production_calendar", PROJECT / "seeds" / "production_calendar.py"
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_calendar_is_what_its_script_gives() -> None:
    with (PROJECT / "seeds" / "production_calendar.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.reader(file))[1:]
    assert written == [[str(value) for value in row] for row in _calendar_script().calendar_rows()]


def test_the_calendar_has_the_published_number_of_working_days() -> None:
    counted = dict.fromkeys(WORKING_DAYS, 0)
    for day, _, _, seconds in _calendar_script().calendar_rows():
        if day.year in counted and seconds:
            counted[day.year] += 1
    assert counted == WORKING_DAYS


def test_every_mart_column_has_a_russian_label(models: Mapping[str, Node]) -> None:
    unlabelled = [
        f"{node['name']}.{name}"
        for node in models.values()
        for name, column in node["columns"].items()
        if folder(node) == "marts" and not column["config"]["meta"].get("label_ru")
    ]
    assert unlabelled == []


def test_dbt_keeps_to_the_limit_of_memory(dbt: Dbt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTKLIK_MEMORY_LIMIT", "1GB")
    shown = dbt.run(
        ["show", "--inline", "select current_setting('memory_limit') as said"], tmp_path / "one.duckdb"
    )
    assert shown[0].agate_table.columns["said"][0] == "953.6 MiB"


def test_a_lack_of_memory_names_the_setting() -> None:
    limited = duckdb.connect(config={"memory_limit": "10MB", "temp_directory": ""})
    with limited, pytest.raises(duckdb.OutOfMemoryException) as caught:
        limited.execute("create table t as select md5(cast(range as varchar)) as x from range(2000000)")
    assert "OTKLIK_MEMORY_LIMIT" in advice_on(str(caught.value))
    assert advice_on("model.otklik.fct_appeals: Binder Error") == ""
