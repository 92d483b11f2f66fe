"""`otklik labels`: training on a warehouse's labelled appeals, evaluation, mistakes in a sentence."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from ingestion.config import load_settings
from ingestion.sources import all_tables
from ingestion.tables import create_statement
from labels.training import current
from orchestration.cli import app
from orchestration.labelling import TopicTree, labelled, models_folder
from tests.labels.appeals import SEEDS, appeals

MARCH = datetime(2026, 3, 1)
REGION = """
region_id: far
name: Дальний край
time_zone: Asia/Kamchatka
sources: {registry: {folder: registry}}
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment of one region that nobody has read."""
    regions = tmp_path / "regions"
    regions.mkdir()
    (regions / "far.yaml").write_text(REGION, "utf-8")
    monkeypatch.setenv("OTKLIK_DATA", str(tmp_path))
    monkeypatch.setenv("OTKLIK_REGIONS", str(regions))
    monkeypatch.setenv("OTKLIK_HMAC_KEY", "6d0f3a7c19e84b52c7f0a1d95be2836440dd87f1c2a95e3b")
    monkeypatch.setenv("OTKLIK_LANG", "en")
    return tmp_path


def land(data: Path, table: str, rows: list[dict[str, object]], load: str, seq: int, status: int = 0) -> None:
    """Rows of one load straight into raw."""
    with duckdb.connect(str(data / "warehouse.duckdb")) as warehouse:
        warehouse.execute("CREATE SCHEMA IF NOT EXISTS raw")
        for one in all_tables():
            warehouse.execute(create_statement(one, "raw"))
        warehouse.execute("CREATE TABLE IF NOT EXISTS raw._dlt_loads (load_id VARCHAR, status BIGINT)")
        warehouse.execute("INSERT INTO raw._dlt_loads VALUES (?, ?)", [load, status])
        book: dict[str, object] = {"source": "x", "resource": "x", "load_seq": seq, "mode": "live"}
        book |= dict.fromkeys(
            ("received", "landed", "quarantined", "skipped_unchanged", "requests", "retries"), 0
        )
        for name, row in (("loads", book), *((table, row) for row in rows)):
            full = {"region_id": "far", "_dlt_load_id": load, "fetched_at": MARCH, **row}
            names, marks = ", ".join(full), ", ".join("?" * len(full))
            warehouse.execute(f"INSERT INTO raw.{name} ({names}) VALUES ({marks})", list(full.values()))


def pos(
    number: str, text: str | None, category: str | None, subcategory: str = "", day: int = 0
) -> dict[str, object]:
    at = MARCH + timedelta(days=day)
    return {
        "pos_id": number,
        "registered_at": at,
        "updated_at": at,
        "status": "registered",
        "text": text,
        "category": category,
        "subcategory": subcategory,
    }


def incident(number: str, text: str, group: str, day: int) -> dict[str, object]:
    return {
        "incident_id": number,
        "layout": 1,
        "file_name": "f",
        "row_number": 1,
        "created_at": MARCH + timedelta(days=day),
        "text": text,
        "topic_group": group,
    }


def test_examples_are_the_newest_version_of_finished_loads_in_the_words_of_the_tree(data: Path) -> None:
    first = [
        pos("1", "Яма", "Дороги", "★ Ямы и выбоины", day=2),
        pos("2", "Нет тепла", "ЖКХ", "что-то новое"),
        pos("3", "Что это", "Неведомое"),
        pos("4", None, "Дороги"),
        pos("5", "Без темы", None),
    ]
    land(data, "pos_appeals", first, "a", 1)
    land(data, "pos_appeals", [pos("1", "Яма у школы", "Дороги", "Ямы и выбоины", day=2)], "b", 2)
    land(data, "pos_appeals", [pos("1", "Не дошло", "ЖКХ", day=2)], "c", 3, status=1)
    land(data, "incident_appeals", [incident("9", "Мусор", "Мусор/Свалки/ТКО", 1)], "d", 4)
    land(data, "pos_appeals", [{**pos("8", "Чужое", "ЖКХ"), "region_id": "near"}], "e", 5)
    found = [(at, one.text, one.topic_group, one.topic) for at, one in labelled(load_settings(), "far")]
    assert found == [
        (MARCH, "Нет тепла", "housing", ""),
        (MARCH + timedelta(days=2), "Яма у школы", "roads", "roads-01"),
        (MARCH + timedelta(days=1), "Мусор", "waste", ""),
    ]


def test_training_puts_a_model_in_force_and_says_so(data: Path) -> None:
    names = {"roads": "Дороги", "housing": "ЖКХ", "waste": "Мусор и ТКО", "improvement": "Благоустройство"}
    told = [one for one in appeals(500, seed=3) if one.topic_group in names]
    rows = [pos(str(n), one.text, names[one.topic_group], day=n) for n, one in enumerate(told)]
    land(data, "pos_appeals", rows, "a", 1)
    done = CliRunner().invoke(app, ["labels", "train", "--region", "far", "--json"])
    assert done.exit_code == 0, done.output
    outcome = json.loads(done.output)
    assert outcome["promoted"]
    assert outcome["learnt_from"] + outcome["held_out"] == len(told)
    assert outcome["accuracy"]["topic_group"] > 0.5
    version, model = current(models_folder(load_settings(), "far"))
    assert version == outcome["label_version"]
    assert model is not None
    (label,) = model.label(["Мусор не вывозят, контейнеры переполнены"])
    assert label.topic_group == "waste"

    again = CliRunner().invoke(app, ["labels", "train", "--region", "far"])
    assert again.exit_code == 0, again.output
    assert "There are too few new appeals to compare by" in again.output


def test_evaluation_prints_what_was_promised(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "appeals.csv"
    lines = [f'"{one.text.replace(chr(34), "")}";{one.topic_group}' for one in appeals(150, seed=6)]
    path.write_text("text;topic_group\n" + "\n".join(lines), "utf-8")
    done = CliRunner().invoke(app, ["labels", "evaluate", str(path), "--folds", "3"])
    assert done.exit_code == 0, done.output
    for words in (
        "Cross-validation in 3 parts",
        "accuracy 0.",
        "F1: weighted 0.",
        "Confidence from",
        "Taken for",
    ):
        assert words in done.output
    told = CliRunner().invoke(app, ["labels", "evaluate", str(path), "--folds", "3", "--json"])
    (score,) = json.loads(told.stdout)
    assert score["texts"] == 150
    assert f"accuracy {score['accuracy']:.3f}" in done.output, "the same file gives the same figures"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["train", "--region", "nowhere"], 2, "There is no region 'nowhere'"),
        (["train", "--region", "far"], 2, "read the sources first"),
        (["evaluate", "absent.csv"], 2, "check the path"),
        (["evaluate", "absent.csv", "--model", "absent"], 1, "train the model anew"),
    ],
)
def test_a_mistake_is_one_sentence(data: Path, arguments: list[str], code: int, words: str) -> None:
    answer = CliRunner().invoke(app, ["labels", *arguments])
    assert answer.exit_code == code, answer.output
    assert words in answer.output


def test_the_tree_knows_the_spellings_of_the_sources() -> None:
    tree = TopicTree.read(SEEDS)
    assert tree.find("Здравоохранение/Медицина", "«Запись к врачу»") == ("healthcare", "healthcare-01")
    assert tree.find("  дороги", "нет такой") == ("roads", "")
    assert tree.find("", "") is None
