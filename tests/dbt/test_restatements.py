"""A published month never changes silently: what changed stands in marts.restatements."""

from __future__ import annotations

import duckdb
import pytest

from publishing.release import open_release
from publishing.restatements import RESTATEMENTS
from tests.dbt import rows
from tests.dbt.press import Press


@pytest.mark.scenario
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


@pytest.mark.scenario
def test_the_audit_refuses_what_was_not_told(press: Press) -> None:
    press.street.load(rows.incident("i5", "06-20 06:00"))
    press.street.build()
    press.candidate(3)
    assert press.refused() == set()
    target = press.shelf.candidate / f"{RESTATEMENTS.path}.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"create table kept as select * from '{target}' where metric not like 'regions%'")
        connection.execute(f"copy kept to '{target}' (format parquet)")
    assert press.refused() == {"closed_months_are_restated_openly"}
