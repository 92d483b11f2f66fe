"""Which engine builds, what it needs, and what a lake that stands must not keep."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from ingestion.config import Settings
from ingestion.erasures import Erasures, book_of, write_book
from ingestion.errors import ConfigError
from ingestion.lake import carry
from ingestion.warehouse import opened
from orchestration import engine
from orchestration.cli import app
from orchestration.engine import Engine, SparkEngine, refuse_without_spark
from tests.dbt import rows
from tests.dbt.support import Dbt, Street
from tests.ingestion.support import Deployment


def test_an_engine_nobody_knows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = Deployment(tmp_path)
    assert deployment.region.region_id == "test"
    for name, value in (("DATA", "data"), ("REGIONS", "regions")):
        monkeypatch.setenv(f"OTKLIK_{name}", str(tmp_path / value))
    monkeypatch.setenv("OTKLIK_HMAC_KEY", deployment.settings.hmac_key.get_secret_value())
    said = CliRunner().invoke(app, ["run", "--target", "flink"])
    assert said.exit_code == 2
    assert "There is no engine 'flink'" in said.stderr


def test_spark_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="make spark"):
        refuse_without_spark()
    monkeypatch.setattr(engine, "find_spec", lambda name: object())
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="Java 17"):
        refuse_without_spark()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch()
    refuse_without_spark()


def test_spark_leaves_its_tables_in_the_lake(tmp_path: Path) -> None:
    settings = Deployment(tmp_path).settings.model_copy(update={"lake": tmp_path / "elsewhere"})
    spark = SparkEngine(settings)
    assert spark.built == settings.data / "lake.duckdb"
    assert spark.variables()["OTKLIK_LAKE"] == str(tmp_path / "elsewhere")
    assert Engine(settings).built == settings.warehouse


def test_what_was_erased_does_not_stay_in_a_lake_that_spark_left(tmp_path: Path) -> None:
    settings: Settings = Deployment(tmp_path).settings
    settings.data.mkdir()
    with opened(settings) as warehouse:
        warehouse.prepare(settings.pseudonyms())
    Street(Dbt(None, settings.data), settings.warehouse).load(rows.pos("p1", "06-01 06:00"))
    carry(settings, str(settings.lake_folder))
    tables = settings.lake_folder / "tables"
    (tables / "facts").mkdir(parents=True)

    Engine(settings).prepare()
    assert tables.exists()
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("delete from raw.pos_appeals")
    write_book(book_of(settings.data), Erasures(count=1, identity=settings.pseudonyms().identities()[-1]))
    Engine(settings).prepare()
    assert not tables.exists()
    assert not list((settings.lake_folder / "raw").glob("pos_appeals/*.parquet"))
