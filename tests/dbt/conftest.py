"""The parsed project, once a session, and a small street that each test takes further."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from publishing.catalogue import published_tables
from publishing.release import Shelf
from tests.dbt import rows
from tests.dbt.press import Press
from tests.dbt.support import Dbt, Street, parse


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """The project, parsed."""
    return parse(tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="session")
def built(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of two regions, seeds and models built once: tests copy it."""
    path = tmp_path_factory.mktemp("built") / "warehouse.duckdb"
    street = Street(dbt, path)
    street.load(rows.registry())
    street.load(rows.registry("Europe/Kaliningrad"), region="west")
    street.load(
        rows.merged(
            rows.pos("p1", "06-01 06:00"),
            rows.pos("p2", "06-02 06:00", answers=[("x1", "06-03 06:00", "final")], status="closed"),
            rows.incident("i1", "06-01 06:00", answered="06-01 07:00"),
            rows.incident("i2", "06-09 06:00", municipality="Лесной р-н"),
            {
                "vk_posts": [rows.post(1, "06-01 05:00"), rows.post(2, "06-02 05:00", "citizen")],
                "vk_comments": [
                    rows.comment(11, 1, "06-01 08:00"),
                    rows.comment(12, 1, "06-01 09:00", page=rows.PAGE, thread=11),
                    rows.comment(13, 2, "06-02 09:00", page=rows.PAGE),
                ],
            },
        )
    )
    street.load(rows.merged(rows.pos("p1", "06-01 06:00")), region="west")
    dbt.run(["seed"], path)
    street.build_all()
    return path


@pytest.fixture
def street(dbt: Dbt, built: Path, tmp_path: Path) -> Street:
    """A copy of the built warehouse."""
    path = tmp_path / "warehouse.duckdb"
    shutil.copy(built, path)
    return Street(dbt, path)


@pytest.fixture
def press(street: Street, tmp_path: Path) -> Press:
    """A street whose figures of June were published on 1 August."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(street.dbt.manifest, default=str), "utf-8")
    street.as_of = "2026-08-20 00:00:00"
    street.build()
    ready = Press(street, Shelf(tmp_path / "published"), published_tables(manifest))
    assert ready.publish(1)
    return ready
