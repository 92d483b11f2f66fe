"""A published month never changes silently: what changed stands in marts.restatements."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from publishing.catalogue import PublishedTable, published_tables
from publishing.release import (
    Provenance,
    Shelf,
    build_candidate,
    open_candidate,
    open_release,
    point_current,
    put_in_place,
    record_audit,
)
from publishing.restatements import RESTATEMENTS
from quality.closed_months import unexplained
from tests.dbt import rows
from tests.dbt.support import Street

AUGUST = "2026-08-20 00:00:00"


@dataclass
class Press:
    """The publish step on a street's warehouse."""

    street: Street
    shelf: Shelf
    tables: list[PublishedTable]

    def candidate(self, day: int, rules: str = "rules") -> None:
        """Build the candidate of a day in August."""
        provenance = Provenance(datetime(2026, 8, day), "commit", rules)
        build_candidate(self.street.path, self.shelf, self.tables, provenance)

    def publish(self, day: int, rules: str = "rules") -> bool:
        """Build and put in place; whether the release is new."""
        self.candidate(day, rules)
        record_audit(self.shelf, [])
        manifest, is_new = put_in_place(self.shelf)
        point_current(self.shelf, manifest["id"])
        return is_new

    def restated(self, day: int) -> dict[tuple[str, str], tuple[Any, Any, str]]:
        """What the release of a day restates of June in the north: (metric, slice) → old, new, reason."""
        with open_release(self.shelf.current) as connection:
            found = connection.execute(
                "select metric, slice, old, new, reason from marts.restatements"
                " where region_id = 'north' and period = '2026-06-01' and as_of = ?",
                [datetime(2026, 8, day)],
            ).fetchall()
        return {(metric, cut): (old, new, reason) for metric, cut, old, new, reason in found}

    def unexplained(self) -> int:
        """What the audit asks of the candidate."""
        with open_candidate(self.shelf) as connection:
            ((count,),) = connection.execute(unexplained()).fetchall()
        return int(count)


@pytest.fixture
def press(street: Street, tmp_path: Path) -> Iterator[Press]:
    """A street whose figures of June were published on 1 August."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(street.dbt.manifest, default=str), "utf-8")
    street.as_of = AUGUST
    street.build()
    ready = Press(street, Shelf(tmp_path / "published"), published_tables(manifest))
    assert ready.publish(1)
    return ready


def test_a_closed_month_changes_only_with_a_row(press: Press) -> None:
    street = press.street
    assert not press.publish(2), "the same figures are no new release"

    # an outcome
    solved = rows.pos("p2", "06-02 06:00", answers=[("x1", "06-03 06:00", "final")], status="closed")
    solved["pos_appeals"][0]["outcome"] = "not_solved"
    street.load(solved)
    street.build()
    press.publish(3)
    assert press.restated(3)["regions_monthly.solved_share", "all"] == (1, 0, "correction")

    # a topic
    moved = rows.pos("p1", "06-01 06:00")
    moved["pos_appeals"][0]["category"] = "ЖКХ"
    street.load(moved)
    street.build()
    press.publish(4)
    topics = press.restated(4)
    assert topics["topics_monthly.appeals", "topic_group=roads;topic_id=unknown"] == (2, 1, "correction")
    assert {reason for _, _, reason in topics.values()} == {"correction"}
    assert "regions_monthly.appeals" not in {metric for metric, _ in topics}

    # an appeal that came late, and one that was taken away
    street.load(
        rows.merged(
            rows.incident("i5", "06-20 06:00"),
            {"vk_comments": [rows.comment(11, 1, "06-01 08:00", deleted=True)]},
        )
    )
    street.build()
    press.publish(5)
    late = press.restated(5)
    assert late["topics_monthly.appeals", "topic_group=unknown;topic_id=unknown"][2] == "late_data|erasure"

    # a late answer alone
    street.load(rows.incident("i5", "06-20 06:00", answered="08-05 06:00"))
    street.build()
    press.publish(6)
    assert press.restated(6)["regions_monthly.mean_first_answer_minutes", "all"][2] == "later_answers"

    # the date from which a rule holds
    street.query(
        "update seeds.response_regimes set valid_from = '2026-07-01'"
        " where regime like 'social%' and clock = 'first'"
    )
    street.build("path:models/facts", refresh=True)
    street.build(refresh=True)
    press.publish(7, "other rules")
    ruled = press.restated(7)
    assert ruled["response_times_monthly.on_time_share", "channel=incident"][2] == "rules|correction"

    # older rows are carried over, and every one names the release that said otherwise
    with open_release(press.shelf.current) as connection:
        kept = connection.execute(
            "select count(distinct as_of), count(distinct replaced_release), bool_and(replaced_release < ?)"
            " from marts.restatements",
            [press.shelf.current.resolve().name],
        ).fetchall()
    assert kept == [(5, 5, True)]


def test_the_audit_refuses_what_was_not_told(press: Press) -> None:
    press.street.load(rows.incident("i5", "06-20 06:00"))
    press.street.build()
    press.candidate(3)
    assert press.unexplained() == 0
    target = press.shelf.candidate / f"{RESTATEMENTS.path}.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"create table kept as select * from '{target}' where metric not like 'regions%'")
        connection.execute(f"copy kept to '{target}' (format parquet)")
    assert press.unexplained() > 0
