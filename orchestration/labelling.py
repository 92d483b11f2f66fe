"""Models of labels, trained on what a region's own ПОС and «Инцидент» have labelled.

Reads the warehouse and writes <data>/labels/<region>. Where the region's file asks for labels, the next run
tells them by what stands there (orchestration/label_messages.py).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ingestion.config import Settings, find_region, load_regions
from ingestion.errors import UsageError
from ingestion.lock import warehouse_lock
from labels.in_force import models_of
from labels.model import Example
from labels.training import Trained, train_and_promote
from orchestration.dbt_manifest import DBT_PROJECT_DIR

LOCK_WAIT_SECONDS = 30
# The newest version of each appeal, from loads that are finished; ties go to the later reading.
_LABELLED = """
WITH loads AS (
    SELECT loads._dlt_load_id, max(loads.load_seq) AS load_seq
    FROM raw.loads AS loads
    INNER JOIN raw._dlt_loads AS finished ON loads._dlt_load_id = finished.load_id AND finished.status = 0
    GROUP BY 1
), versions AS (
    SELECT {moment} AS told_at, {key} AS key, {group} AS topic_group, {topic} AS topic, received.text,
        row_number() OVER (
            PARTITION BY {key} ORDER BY loads.load_seq DESC, received.fetched_at DESC
        ) AS version_rank
    FROM raw.{table} AS received INNER JOIN loads USING (_dlt_load_id)
    WHERE received.region_id = $region
)
SELECT told_at, topic_group, topic, text FROM versions
WHERE version_rank = 1 AND told_at IS NOT NULL AND text <> '' AND topic_group <> ''
ORDER BY told_at, key
"""
_TABLES = (
    {
        "table": "pos_appeals",
        "key": "pos_id",
        "moment": "registered_at",
        "group": "category",
        "topic": "subcategory",
    },
    {
        "table": "incident_appeals",
        "key": "incident_id",
        "moment": "created_at",
        "group": "topic_group",
        "topic": "topic",
    },
)


def train_region(settings: Settings, region_id: str, wait: float = LOCK_WAIT_SECONDS) -> Trained:
    """Train on a region's labelled appeals; the labels are ids of the topic tree (seeds/topics.csv).

    The warehouse is held while its appeals are read; a run that is writing is waited for, `wait` seconds.
    """
    find_region(load_regions(settings), region_id)
    with warehouse_lock(settings, "a training of labels", wait=wait):
        examples = list(labelled(settings, region_id))
    return train_and_promote(examples, models_folder(settings, region_id))


def models_folder(settings: Settings, region_id: str) -> Path:
    """Where the models of a region stand."""
    return models_of(settings.data, region_id)


def labelled(settings: Settings, region_id: str) -> Iterator[tuple[datetime, Example]]:
    """Moment (naive UTC), masked text and label of each appeal whose topic group the tree knows."""
    import duckdb

    if not settings.warehouse.exists():
        raise UsageError("There is no warehouse to learn from yet", "read the sources first: `otklik run`")
    tree = TopicTree.read(DBT_PROJECT_DIR / "seeds")
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        standing = {
            row[0]
            for row in connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'raw'"
            ).fetchall()
        }
        for columns in _TABLES:
            if not {columns["table"], "loads", "_dlt_loads"} <= standing:
                continue
            statement = _LABELLED.format(**columns)
            for at, group, topic, text in connection.execute(statement, {"region": region_id}).fetchall():
                known = tree.find(group, topic or "")
                if known:
                    yield at, Example(text, *known)


class TopicTree:
    """Topic groups and topics by the spellings of the sources, as facts.int_appeals_clocked finds them."""

    def __init__(self, groups: dict[str, str], topics: dict[tuple[str, str], str]) -> None:
        self._groups, self._topics = groups, topics

    @classmethod
    def read(cls, seeds: Path) -> TopicTree:
        """From the seeds topic_groups.csv and topics.csv."""
        groups: dict[str, str] = {}
        for row in _rows(seeds / "topic_groups.csv"):
            for spelling in (row["label_ru"], *row["spellings"].split("|")):
                groups[_name_key(spelling)] = row["topic_group"]
        topics = {
            (row["topic_group"], _name_key(row["label_ru"])): row["topic_id"]
            for row in _rows(seeds / "topics.csv")
        }
        return cls(groups, topics)

    def find(self, group: str, topic: str) -> tuple[str, str] | None:
        """(topic_group, topic_id); without a topic that the tree knows it is empty. None: no such group."""
        known = self._groups.get(_name_key(group))
        return (known, self._topics.get((known, _name_key(topic)), "")) if known else None


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _name_key(spelling: str) -> str:
    """The macro name_key (dbt_project/macros/facts.sql) in Python."""
    key = spelling.lower().replace("ё", "е")
    for mark in ("★", "«", "»", '"'):
        key = key.replace(mark, "")
    return key.replace("  ", " ").strip(" ")
