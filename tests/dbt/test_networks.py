"""Conversations of networks: what is an appeal, what answers it, and what another source carries too."""

from __future__ import annotations

import pytest

from tests.dbt import rows
from tests.dbt.support import Street

COMPLAINT = "Во дворе дома 5 на улице Мира третий месяц не горит ни один фонарь, дети боятся ходить в школу"


def appeals(street: Street, where: str) -> dict[str, tuple[bool, int]]:
    """Moment of writing → (counted, answers) of the appeals that fit."""
    found = street.query(
        f"""
        select strftime(created_at, '%m-%d %H:%M'), is_countable, responses_count
        from facts.fct_appeals where region_id = 'north' and {where} order by 1
        """
    )
    return {moment: (counted, answers) for moment, counted, answers in found}


@pytest.mark.scenario
def test_a_branch_is_one_appeal_however_deep_and_late_its_replies(street: Street) -> None:
    street.load(
        {
            "vk_messages": [
                rows.message("1", "06-11 06:00"),
                rows.message("2", "06-11 07:00", reply_to="1", page=rows.PAGE),
                rows.message("4", "06-11 09:00", reply_to="3"),
                rows.message("5", "06-11 09:30", reply_to="4", page=rows.PAGE),
                rows.message("6", "06-11 10:00", page=rows.PAGE),
                rows.message("7", "06-11 10:10", reply_to="6"),
                rows.message("8", "06-11 11:00", reply_to="1", page=rows.FOREIGN_PAGE),
            ]
        }
    )
    street.build()
    written = "source = 'vk' and created_at between '2026-06-11' and '2026-06-12'"
    assert appeals(street, written) == {
        "06-11 06:00": (True, 1),  # a page of nobody's is no official answer
        "06-11 09:00": (True, 1),  # what it replies to has not come yet
    }, "a page's own words and the replies to them are no appeals"
    street.load({"vk_messages": [rows.message("3", "06-11 08:00", reply_to="1")]})
    street.build()
    assert appeals(street, written) == {"06-11 06:00": (True, 2)}
    assert street.differences() == {}


@pytest.mark.scenario
def test_words_to_a_bot_after_a_day_of_silence_are_a_new_appeal(street: Street) -> None:
    street.load(
        {
            "vk_messages": [
                rows.message("1", "06-01 06:00", chat="bot1", author="operator"),
                rows.message("2", "06-01 06:30", chat="bot1"),
                rows.message("3", "06-01 06:31", chat="bot1"),
                rows.message("4", "06-04 06:00", chat="bot1", author="operator"),
                rows.message("5", "06-04 08:00", chat="bot1"),
                rows.message("6", "06-06 06:00", chat="bot1", author="service"),
                rows.message("7", "06-06 06:01", chat="bot1"),
            ]
        }
    )
    street.build()
    assert appeals(street, "channel = 'bot_vk'") == {"06-01 06:30": (True, 1), "06-06 06:01": (True, 0)}
    street.load(
        {
            "vk_messages": [
                rows.message("2", "06-01 06:30", chat="bot1", deleted=True),
                rows.message("8", "06-06 05:00", chat="bot1"),
            ]
        }
    )
    street.build()
    assert appeals(street, "channel = 'bot_vk'") == {
        "06-01 06:30": (False, 0),
        "06-01 06:31": (True, 1),
        "06-06 05:00": (True, 0),
    }
    assert street.differences() == {}


@pytest.mark.scenario
def test_a_message_that_incident_carries_too_counts_once(street: Street) -> None:
    late = rows.comment(71, 1, "06-12 06:00") | {"text": COMPLAINT}
    street.load({"vk_comments": [late, rows.comment(72, 1, "06-12 07:00") | {"text": COMPLAINT}]})
    street.build()
    on_the_day = "created_at between '2026-06-12' and '2026-06-14'"
    assert appeals(street, on_the_day) == {"06-12 06:00": (True, 0), "06-12 07:00": (True, 0)}
    entered = rows.incident("i71", "06-13 06:00")
    entered["incident_appeals"][0]["text"] = f"<p>{COMPLAINT.upper()}!</p>"
    street.load(entered)
    street.build()
    assert appeals(street, on_the_day) == {
        "06-12 06:00": (False, 0),  # the earlier of two equal texts was entered, the other was written again
        "06-12 07:00": (True, 0),
        "06-13 06:00": (True, 0),
    }
    assert street.query(
        """
        select kept.source, copy.source from facts.fct_appeals as copy
        inner join facts.fct_appeals as kept on copy.duplicate_of = kept.appeal_id
        """
    ) == [("incident", "vk")]
    assert street.differences() == {}
    corrected = rows.incident("i71", "06-13 06:00")
    corrected["incident_appeals"][0]["text"] = "О другом: автобус номер пять не пришёл к поликлинике утром"
    street.load(corrected)
    street.build()
    assert appeals(street, on_the_day)["06-12 06:00"] == (True, 0)
    assert street.differences() == {}
