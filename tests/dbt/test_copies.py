"""Copies and campaigns arrive as ordinary changes; a duplicate has its own reason in restatements."""

from __future__ import annotations

import pytest

from tests.dbt import rows
from tests.dbt.press import Press
from tests.dbt.support import Street

pytestmark = pytest.mark.scenario
COPIES = (
    "select author_key, is_countable, duplicate_reason, campaign_id from facts.fct_appeals "
    "where campaign_id is not null or duplicate_reason is not null order by all"
)


def comment(number: int, author: str, created: str = "06-03 08:00") -> dict[str, object]:
    return {**rows.comment(number, 1, created), "author_key": author}


def copies(*numbers: int, cluster: str | None = "c") -> dict[str, list[dict[str, object]]]:
    return {"copies": [row for number in numbers for row in rows.copy(ref(number), cluster)["copies"]]}


def ref(number: int) -> str:
    return f"vk_comment|{rows.PAGE}|{number}"


def test_a_late_message_makes_a_campaign_of_earlier_ones_as_a_full_refresh_would(street: Street) -> None:
    street.load({"vk_comments": [comment(number, f"author{number}") for number in range(21, 25)]})
    street.load(copies(21, 22, 23, 24))
    street.build()
    assert street.query(COPIES) == []
    assert street.query("select * from marts.campaigns") == []
    appeals = "select count(*) from facts.fct_appeals where is_countable"
    ((before,),) = street.query(appeals)

    # The fifth author tells of itself alone, and the four belong to the campaign as well.
    street.load({"vk_comments": [comment(25, "author25"), comment(26, "author25", "06-04 08:00")]})
    street.load(copies(25, 26))
    street.build()
    assert street.query(COPIES) == [
        *((f"author{number}", True, None, "c") for number in range(21, 25)),
        ("author25", False, "author", "c"),
        ("author25", True, None, "c"),
    ]
    assert street.query(appeals) == [(before + 1,)]
    assert street.query("select messages, authors, is_suppressed, channels from marts.campaigns") == [
        (5, None, True, 1)
    ]
    assert street.differences() == {}

    # What counted is deleted: its copy counts again. Its author stays one of five.
    street.load({"vk_comments": [{**comment(25, "author25"), "is_deleted": True}]})
    street.build()
    assert street.query(appeals) == [(before + 1,)]
    assert [row for row in street.query(COPIES) if row[2]] == []
    assert street.differences() == {}

    # One of the crowd leaves: the others are told anew, and are no crowd.
    street.load({"vk_comments": [{**comment(21, "author21"), "is_deleted": True}]})
    street.load({"copies": [*copies(21, cluster=None)["copies"], *copies(22, 23, 24, 26)["copies"]]})
    street.build()
    assert street.query(COPIES) == []
    assert street.query("select * from marts.campaigns") == []
    assert street.differences() == {}


def test_one_persons_copy_is_neither_erased_nor_late(press: Press) -> None:
    street = press.street
    street.load({"vk_comments": [comment(31, "me", "06-01 08:00"), comment(32, "me", "06-01 09:00")]})
    street.build()
    press.publish(2)
    assert {reason for _, _, reason in press.restated(2).values()} == {"late_data"}

    street.load(copies(31, 32))
    street.build()
    press.publish(3)
    assert {reason for _, _, reason in press.restated(3).values()} == {"labels"}

    street.load(copies(31, 32, cluster=None))
    street.build()
    press.publish(4)
    assert {reason for _, _, reason in press.restated(4).values()} == {"labels"}
