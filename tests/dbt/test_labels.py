"""Labels arrive as ordinary changes, and restatements tell them by a reason of their own."""

from __future__ import annotations

import pytest

from tests.dbt import rows
from tests.dbt.press import Press
from tests.dbt.support import Street

pytestmark = pytest.mark.scenario
COMMENT = f"vk_comment|{rows.PAGE}|11"


def test_a_label_moves_its_message_as_a_full_refresh_would(street: Street) -> None:
    topics = (
        "select topic_group, cast(sum(appeals) as integer) from marts.topics_daily "
        "where region_id = 'north' and local_date = '2026-06-01' group by 1 order by 1"
    )
    waiting = "select local_date, channel, missing, messages from marts.review_queue order by all"
    before = street.query(topics)
    assert ("unknown", 1) in before
    assert street.query(waiting) == []

    street.load(rows.label(COMMENT, None))
    street.build()
    assert street.query(topics) == before
    assert [(channel, missing, count) for _, channel, missing, count in street.query(waiting)] == [
        ("vk", "topic", 1)
    ]
    assert street.differences() == {}

    street.load(rows.label(COMMENT, "housing", "v2"), finished=False)
    street.load(rows.label(COMMENT, "roads", "v3"))
    street.load(rows.label("pos|p1", "ecology", "v3"))
    street.build()
    assert ("unknown", 1) not in street.query(topics)
    assert "ecology" not in dict(street.query(topics)), "ПОС has said what it is about"
    assert street.query(waiting) == []
    assert street.query(
        "select label_version, topic_from_label from facts.fct_appeals "
        "where label_version is not null order by 2"
    ) == [("v3", False), ("v3", True)]
    assert street.differences() == {}


def test_relabelling_is_told_apart_from_corrections(press: Press) -> None:
    street = press.street
    street.load(rows.label(COMMENT, "housing"))
    street.build()
    press.publish(2)
    told = press.restated(2)
    assert told["topics_monthly.appeals", "topic_group=housing;topic_id=unknown"][2] == "labels"
    assert {reason for _, _, reason in told.values()} == {"labels"}

    street.load(rows.label(COMMENT, "roads", "v2"))
    street.build()
    press.publish(3)
    assert {reason for _, _, reason in press.restated(3).values()} == {"labels"}

    # What a source corrects is a correction, whatever was labelled beside it.
    moved = rows.pos("p1", "06-01 06:00")
    moved["pos_appeals"][0]["category"] = "ЖКХ"
    street.load(moved)
    street.build()
    press.publish(4)
    assert {reason for _, _, reason in press.restated(4).values()} == {"correction"}

    street.load(rows.label(COMMENT, "waste", "v3"))
    moved["pos_appeals"][0]["category"] = "Дороги"
    street.load(moved)
    street.build()
    press.publish(5)
    assert {reason for _, _, reason in press.restated(5).values()} == {"correction|labels"}


def test_a_place_that_a_text_names_is_nobodys_score(street: Street) -> None:
    """The map shows it; the scorecard of the municipality's head does not count it."""
    mention = {
        "owner_id": 77,
        "post_id": 5,
        "author_key": "c" * 32,
        "created_at": rows.utc("06-03 06:00"),
        "query": "Озёрск",
    }
    scores = (
        "select territory_id, appeals, rank from marts.territories_monthly "
        "where region_id = 'north' order by all"
    )
    street.load({"vk_mentions": [mention]})
    street.build()
    before = street.query(scores)
    street.load(rows.label("vk_post|77|5", "roads", territory_id="t2"))
    street.build()
    assert street.query(scores) == before
    assert street.query(
        "select cast(appeals as integer) from marts.territories_daily "
        "where region_id = 'north' and territory_id = 't2' and local_date = '2026-06-03'"
    ) == [(1,)]
    assert street.differences() == {}
