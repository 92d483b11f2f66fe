"""Months, years and running sums: what a change, a deadline or mere waiting moves, and nothing is missed."""

from __future__ import annotations

from datetime import date

import pytest

from tests.dbt import rows
from tests.dbt.support import Street


@pytest.mark.scenario
def test_waiting_moves_a_month_that_nothing_else_touches(street: Street) -> None:
    street.load(
        rows.merged(
            rows.incident("w1", "05-05 06:00", answered="05-05 07:00"),
            rows.incident("w2", "05-05 06:00", answered="06-12 06:00"),
            *(rows.incident(f"open {number}", "05-20 06:00") for number in range(3)),
        )
    )
    median = (
        "select km_median_first_answer_minutes from marts.response_times_monthly"
        " where region_id = 'north' and month_start = '2026-05-01' and channel = 'all'"
    )
    street.as_of = "2026-06-13 00:00:00"
    street.build()
    assert street.query(median) == [(38 * 24 * 60.0,)], "the open ones have waited for 24 days only"
    street.as_of = "2026-07-02 00:00:00"
    street.build()  # no new row, no deadline: they have only waited longer than w2
    assert street.query(median) == [(None,)], "three of five still wait after all answers"
    assert street.differences() == {}


@pytest.mark.scenario
def test_a_late_answer_moves_its_month_its_year_and_the_month_after(street: Street) -> None:
    street.load(
        rows.merged(
            rows.pos("m1", "04-20 06:00"),
            rows.pos("m2", "05-20 06:00", answers=[("a", "05-21 06:00", "final")], status="closed"),
            rows.incident("m3", "05-20 06:00"),
        )
    )
    street.build()
    street.load(
        rows.pos(
            "m1",
            "04-20 06:00",
            answers=[("b", "04-22 06:00", "final")],
            status="closed",
            updated="06-01 00:00",
        )
    )
    street.build()
    changes = street.query(
        "select mean_change_on_previous from marts.response_times_monthly"
        " where region_id = 'north' and channel = 'pos' and month_start = '2026-05-01'"
    )
    assert changes == [(-24 * 60.0,)]
    assert street.query(
        "select appeals, appeals_month_before, appeals_change from marts.topics_monthly"
        " where region_id = 'north' and month_start = '2026-05-01' and topic_group = 'roads'"
    ) == [(1, 1, 0)]
    assert street.differences() == {}
    # m2 was registered in March after all: May is empty of it, and March has a month of its own
    street.load(rows.pos("m2", "03-20 06:00", updated="06-02 00:00"))
    street.build()
    assert street.query(
        "select appeals, appeals_month_before, appeals_change from marts.topics_monthly"
        " where region_id = 'north' and month_start = '2026-05-01' and topic_group = 'roads'"
    ) == [(0, 1, -1)], "the topic fell silent in May"
    assert street.query(
        "select month(month_start), appeals, appeals_month_before, appeals_change"
        " from marts.territories_monthly"
        " where region_id = 'north' and territory_id = 't1' and month_start < '2026-06-01' order by 1"
    ) == [(3, 1, 0, 1), (4, 1, 1, 0)]
    assert street.differences() == {}


@pytest.mark.scenario
def test_a_message_of_january_makes_one_chain_of_two_and_its_parting_two_of_one(street: Street) -> None:
    def chains() -> list[tuple[object, ...]]:
        return street.query(
            "select strftime(started_on, '%m-%d'), strftime(ended_on, '%m-%d'), appeals, solved_appeals,"
            " open_appeals from marts.repeat_episodes"
            " where region_id = 'north' and started_on < '2026-04-01' order by 1"
        )

    street.load(rows.merged(*(rows.pos(day, f"{day} 06:00") for day in ("01-01", "03-02", "03-20"))))
    street.build()
    assert chains() == [("03-02", "03-20", 2, 0, 2)]
    # 30 days after the first of them, and 30 before the second, two months on
    street.load(rows.pos("01-31", "01-31 06:00", updated="06-01 06:00"))
    street.build()
    assert chains() == [("01-01", "03-20", 4, 0, 4)]
    assert street.query(
        "select strftime(month_start, '%m'), appeals, repeats from marts.repeats_monthly"
        " where region_id = 'north' and month_start < '2026-04-01'"
    ) == [("03", 2, 2)], "the first 31 days of the data decide nothing"
    answer = [("x", "06-02 06:00", "final")]
    street.load(rows.pos("01-01", "01-01 06:00", answers=answer, status="closed", updated="06-02 06:00"))
    street.build()
    assert chains() == [("01-01", "03-20", 4, 1, 3)], "the appeal that a chain begins with counts in it"
    assert street.differences() == {}
    street.load(rows.pos("01-31", "01-31 06:00", municipality="Лесной район", updated="06-03 06:00"))
    street.build()
    assert chains() == [("03-02", "03-20", 2, 0, 2)]
    assert street.differences() == {}


@pytest.mark.scenario
def test_months_far_apart_are_rebuilt_each_for_itself(street: Street) -> None:
    months = [f"{year}-{month:02}-15" for year in (2024, 2025) for month in range(1, 13, 2)] + ["2026-01-15"]
    street.load(rows.merged(*(rows.pos(day, f"{day} 06:00") for day in months)))
    street.build()
    assert street.query(
        "select count(*) from marts.topics_monthly where region_id = 'north' and appeals = 1"
        " and month_start < '2026-02-01'"
    ) == [(len(months),)], "more spans than are named one by one"
    assert street.differences() == {}
    late = [months[number] for number in (0, 5, 12)]
    street.load(
        rows.merged(
            *(
                rows.pos(
                    day, f"{day} 06:00", answers=[(day, "2026-06-02 06:00", "final")], updated="06-02 06:00"
                )
                for day in late
            )
        )
    )
    street.build()
    assert street.query(
        "select month_start from marts.territories_monthly"
        " where region_id = 'north' and territory_id = 't1' and answered_appeals = 1"
        " and month_start < '2026-02-01' order by 1"
    ) == [(date.fromisoformat(day).replace(day=1),) for day in late]
    assert street.differences() == {}


@pytest.mark.scenario
def test_what_was_usual_eight_weeks_before_moves_a_signal_two_months_on(street: Street) -> None:
    def expected(topic: str = "all") -> list[tuple[object, ...]]:
        return street.query(
            "select strftime(started_on, '%m-%d'), appeals, round(expected_appeals, 3)"
            " from marts.risk_signals"
            f" where region_id = 'north' and topic_group = 'roads' and topic_id = '{topic}' order by 1"
        )

    def flood(day: str, appeals: int) -> dict[str, list[rows.Row]]:
        return rows.merged(*(rows.pos(f"{day} {number}", f"{day} 06:00") for number in range(appeals)))

    street.load(rows.merged(rows.pos("s1", "01-05 06:00"), flood("02-10", 8), flood("06-25", 8)))
    street.as_of = "2026-07-10 00:00:00"
    street.build()
    # 36 days are known before 10 February; p1 and p2 came in the weeks before 25 June
    assert expected() == [("02-10", 8, 0.5), ("06-25", 8, 0.5)]
    street.load(flood("04-30", 33))
    street.build()
    assert expected() == [("02-10", 8, 0.5), ("04-30", 33, 0.5), ("06-25", 8, round(35 / 56, 3))]
    assert street.differences() == {}


@pytest.mark.scenario
def test_the_backlog_adds_up_every_day_and_ends_with_what_is_open(street: Street) -> None:
    street.load(rows.pos("b1", "05-01 06:00", answers=[("x", "06-05 06:00", "final")], updated="06-05 06:00"))
    street.as_of = "2026-07-20 12:00:00"
    street.build()
    broken = street.query(
        """
        select count(*) from marts.backlog_daily
        where carried_over_appeals + opened_appeals <> closed_appeals + open_appeals or open_appeals < 0
        """
    )
    assert broken == [(0,)]
    overdue = street.query(
        """
        select strftime(local_date, '%m-%d'), open_appeals, overdue_appeals from marts.backlog_daily
        where region_id = 'north' and channel = 'pos' and local_date between '2026-05-30' and '2026-06-06'
        """
    )
    # b1 is due at the end of 31 May, answered on 5 June; p1 came on 1 June, p2 on the 2nd, answered next day
    assert sorted(overdue) == [
        *(("05-30", 1, 0), ("05-31", 1, 0), ("06-01", 2, 1), ("06-02", 3, 1)),
        *(("06-03", 2, 1), ("06-04", 2, 1), ("06-05", 1, 0), ("06-06", 1, 0)),
    ]
    last = street.query(
        "select open_appeals, overdue_appeals from marts.backlog_daily where region_id = 'north'"
        " and channel = 'all' order by local_date desc limit 1"
    )
    facts = street.query(
        """
        select
            count(*) filter (where answered_at is null),
            count(*) filter (where answered_at is null and due_at < '2026-07-20 12:00:00')
        from facts.fct_appeals where is_countable and region_id = 'north'
        """
    )
    assert last == facts
    assert street.differences() == {}


@pytest.mark.scenario
def test_guards_see_what_was_done_to_an_appeal(street: Street) -> None:
    street.load(
        rows.pos("g1", "05-01 06:00", answers=[("x", "05-05 06:00", "interim")], updated="05-05 06:00")
    )
    changed = rows.pos("g1", "05-01 06:00", answers=[("x", "05-05 06:00", "interim")], updated="05-30 06:00")
    changed["pos_appeals"][0]["subcategory"] = "Разметка и знаки"
    street.build()
    shares = (
        "select interim_without_final_share, topic_changed_late_share, edited_dates_share"
        " from marts.authorities_monthly where region_id = 'north' and month_start = '2026-05-01'"
    )
    street.as_of = "2026-05-31 00:00:00"
    street.load(changed)
    street.build()
    assert street.query(shares) == [(0, 1, 0)], (
        "its deadline has not passed, and the topic changed two days before it"
    )
    street.as_of = "2026-07-01 00:00:00"
    street.build()
    assert street.query(shares) == [(1, 1, 0)]
    assert street.differences() == {}
