"""Cost follows the change, and the result is the one that a full refresh gives.

Each run of dbt costs seconds, so the cases that must be rare in a deployment are marked `scenario`.
"""

from __future__ import annotations

import pytest

from tests.dbt import rows
from tests.dbt.support import MARTS, Street

FACTS = ("fct_appeals", "fct_responses", "fct_appeal_events")


def days(street: Street, region: str = "north") -> dict[str, int]:
    """Countable appeals by day, as the mart of channels states them."""
    found = street.query(
        f"""
        select strftime(local_date, '%m-%d'), cast(sum(appeals) as integer)
        from marts.channels_daily where region_id = '{region}' group by 1 order by 1
        """
    )
    return dict(found)


def test_a_late_answer_moves_an_old_slice_and_that_one_only(street: Street) -> None:
    before = street.query("select * from marts.response_times_daily where local_date <> '2026-06-01'")
    street.load(rows.incident("i9", "06-12 06:00"), finished=False)
    street.load(
        rows.pos("p1", "06-01 06:00", answers=[("x9", "06-10 06:00", "final")], updated="06-10 06:00")
    )
    street.build()
    assert "06-12" not in days(street), "a load that is not finished is not seen"
    assert street.query(
        "select answered_appeals from marts.response_times_daily"
        " where region_id = 'north' and channel = 'pos' and local_date = '2026-06-01'"
    ) == [(1,)]
    after = street.query("select * from marts.response_times_daily where local_date <> '2026-06-01'")
    assert sorted(before) == sorted(after)
    assert street.differences() == {}


@pytest.mark.scenario
def test_a_corrected_registration_empties_one_day_and_fills_another(street: Street) -> None:
    assert days(street)["06-09"] == 1
    street.load(rows.incident("i2", "06-11 06:00", municipality="Лесной р-н"))
    street.build()
    assert "06-09" not in days(street)
    assert days(street)["06-11"] == 1
    assert street.query("select count(*) from marts.territories_daily where local_date = '2026-06-09'") == [
        (0,)
    ]
    assert street.differences() == {}


@pytest.mark.scenario
def test_an_appeal_is_overdue_from_the_moment_its_deadline_has_passed(street: Street) -> None:
    overdue = "select cast(sum(overdue_appeals) as integer) from marts.topics_daily where region_id = 'west'"
    (due,) = street.query(
        "select strftime(due_at, '%Y-%m-%d %H:%M:%S') from facts.fct_appeals where region_id = 'west'"
    )
    assert street.query(overdue) == [(0,)]
    street.as_of = due[0]
    street.build(*MARTS)
    assert street.query(overdue) == [(0,)], "the last moment of the term is still in time"
    street.as_of = "2026-07-02 00:00:00"
    street.build()
    assert street.query(overdue) == [(1,)]
    assert street.differences() == {}


def test_a_mart_that_is_built_alone_sees_the_deadlines_that_have_passed(street: Street) -> None:
    overdue = "select cast(sum(overdue_appeals) as integer) from marts.topics_daily where region_id = 'west'"
    street.build(*MARTS)
    assert street.query(overdue) == [(0,)]
    street.as_of = "2026-07-02 00:00:00"
    street.build("topics_daily")
    assert street.query(overdue) == [(1,)]
    street.build()
    assert street.differences() == {}


@pytest.mark.scenario
def test_a_new_spelling_of_a_municipality_moves_its_appeals(street: Street) -> None:
    unknown = "select count(*) from facts.fct_appeals where source = 'incident' and territory_id is null"
    assert street.query(unknown) == [(1,)]
    street.load(rows.registry(aliases={"t2": "Лесной р-н"}))
    street.build_all()
    assert street.query(unknown) == [(0,)]
    assert street.query(
        "select appeals from marts.territories_daily where local_date = '2026-06-09' and territory_id = 't2'"
    ) == [(1,)]
    assert street.differences() == {}


@pytest.mark.scenario
def test_what_left_the_registry_takes_no_appeals(street: Street) -> None:
    street.load(
        rows.registry(territories=["t1", "t3"], aliases={"t3": "Лесной район|Лесной р-н"}, periods=[])
    )
    street.build_all()
    assert street.query("select distinct territory_id from facts.fct_appeals where source = 'incident'") == [
        ("t3",)
    ]
    assert street.query(
        "select count(*) from marts.territories_daily where region_id = 'north' and territory_id = 't2'"
    ) == [(0,)]
    assert street.query("select count(*) from marts.year_review where region_id = 'north'") == [(0,)]
    assert street.differences() == {}


@pytest.mark.scenario
def test_a_run_that_died_before_the_marts_loses_no_slice(street: Street) -> None:
    street.load(rows.incident("i2", "06-11 06:00"))
    street.build(skip=MARTS)
    assert "06-09" in days(street), "the marts have not been built"
    street.load(rows.pos("p3", "06-15 06:00"))
    street.build()
    assert "06-09" not in days(street)
    assert days(street)["06-15"] == 1
    assert street.differences() == {}


@pytest.mark.scenario
def test_a_run_that_died_between_two_facts_loses_no_answer(street: Street) -> None:
    street.load(
        rows.pos("p1", "06-01 06:00", answers=[("x9", "06-10 06:00", "final")], updated="06-10 06:00")
    )
    street.build(skip=[*FACTS[1:], *MARTS])
    street.build(*MARTS)  # somebody builds the marts alone
    street.build()
    assert street.query("select count(*) from facts.fct_responses where source = 'pos'") == [(2,)]
    assert street.differences() == {}


@pytest.mark.scenario
def test_marts_built_between_the_log_and_the_fact_read_the_log_again(street: Street) -> None:
    street.load(rows.incident("i2", "06-11 06:00"))
    street.build(skip=[*FACTS, *MARTS])  # dies after the log
    street.build(*MARTS)
    assert "06-09" in days(street), "the fact still says so"
    street.build()
    assert "06-09" not in days(street)
    assert street.differences() == {}


@pytest.mark.scenario
def test_a_full_refresh_that_died_before_the_marts_loses_no_slice(street: Street) -> None:
    street.load(rows.incident("i2", "06-11 06:00"))
    street.build(refresh=True, skip=MARTS)
    street.build()
    assert "06-09" not in days(street)
    assert street.differences() == {}


@pytest.mark.scenario
def test_the_log_is_pruned_of_what_every_mart_has_read(street: Street) -> None:
    street.load(rows.pos("p3", "06-15 06:00"))
    street.build()
    street.load(rows.pos("p4", "06-16 06:00"))
    street.build()
    entries = street.query("select distinct strftime(local_date, '%m-%d') from facts.int_slice_changes")
    assert entries == [("06-16",)], "only the entries of the last run are left"
    street.query("delete from facts.street_progress where model = 'topics_daily'")
    street.query("insert into facts.street_progress values ('gone_daily', 1, '2026-01-01', 'other rules')")
    street.query("update marts.topics_daily set appeals = 77")
    street.load(rows.pos("p5", "06-17 06:00"))
    street.build()
    assert street.differences() == {}, "a mart that has lost its place is rebuilt whole"
    assert street.query("select distinct fingerprint from facts.street_progress") == [("tests",)]


@pytest.mark.scenario
def test_a_wall_post_that_comes_after_its_comments_takes_them_along(street: Street) -> None:
    street.load(
        {
            "vk_comments": [
                rows.comment(31, 3, "06-05 06:00"),
                rows.comment(32, 3, "06-05 07:00", page=rows.PAGE, thread=31),
            ]
        }
    )
    street.build()
    assert days(street)["06-05"] == 1, "nothing says yet that a citizen wrote the post"
    street.load({"vk_posts": [rows.post(3, "06-04 06:00", "citizen")]})
    street.build()
    assert "06-05" not in days(street)
    assert days(street)["06-04"] == 1
    assert street.query(
        "select count(*) from facts.fct_responses r anti join facts.fct_appeals a using (appeal_id)"
    ) == [(0,)]
    assert street.differences() == {}


@pytest.mark.scenario
def test_a_comment_that_vk_says_was_deleted_leaves_its_day_until_it_is_restored(street: Street) -> None:
    before = days(street)["06-01"]
    gone = {"owner_id": rows.PAGE, "post_id": 1, "comment_id": 11}
    street.load({"vk_comment_removals": [gone]})
    street.build()
    assert days(street)["06-01"] == before - 1
    assert street.query(
        "select is_countable, registered_at from facts.fct_appeals"
        " join staging.stg_vk__comments on comment_key = appeal_id where comment_id = 11"
    ) == [(False, rows.utc("06-01 08:00"))]
    street.load({"vk_comments": [rows.comment(11, 1, "06-01 08:00")]})
    street.build()
    assert days(street)["06-01"] == before
    assert street.differences() == {}


@pytest.mark.scenario
def test_a_deleted_post_leaves_its_day(street: Street) -> None:
    posts = "select cast(sum(posts) as integer) from facts.fct_gospublics where local_date = '2026-06-01'"
    assert street.query(posts) == [(1,)]
    street.load({"vk_posts": [rows.post(1, "06-01 05:00", deleted=True)]})
    street.build()
    assert street.query(posts) == [(0,)]
    assert street.differences() == {}


@pytest.mark.scenario
def test_a_region_that_its_registry_follows_is_counted_then(street: Street) -> None:
    street.load(
        rows.merged(
            rows.pos("p1", "06-03 06:00"), {"vk_communities": [{"owner_id": rows.PAGE, "members_count": 10}]}
        ),
        region="south",
    )
    street.load(rows.pos("p9", "06-03 06:00"))
    street.build()
    assert days(street, "south") == {}
    street.load(rows.registry("Europe/Moscow"), region="south")
    street.build_all()
    assert days(street, "south") == {"06-03": 1}
    assert street.query("select members_count from facts.fct_gospublics where region_id = 'south'") == [(10,)]
    assert street.differences() == {}


@pytest.mark.scenario
def test_authorities_that_share_a_name_multiply_nothing(street: Street) -> None:
    twin = {"authority_id": "a2", "name": "Администрация Озёрска", "level": "institution", "ogrn": rows.OGRN}
    street.load(rows.registry(authorities=[twin]))
    street.build_all()
    found = street.query(
        "select source, count(*), count(authority_id) from facts.fct_appeals"
        " where region_id = 'north' group by 1 order by 1"
    )
    assert found == [("incident", 2, 0), ("pos", 2, 2), ("vk", 2, 2)]
    assert street.differences() == {}


@pytest.mark.scenario
def test_an_interim_answer_stays_when_the_final_one_takes_its_place(street: Street) -> None:
    told = "Промежуточный ответ"
    street.load(rows.incident("i7", "06-02 06:00", answered="06-03 06:00", step=told))
    street.load(rows.incident("i8", "06-02 06:00", answered="06-03 06:00", step=told))
    street.build()
    answers = (
        "select strftime(responded_at, '%m-%d'), is_interim, is_first, is_final from facts.fct_responses"
        " join facts.fct_appeals using (appeal_id) where fct_appeals.source = 'incident'"
        " and registered_at = '2026-06-02 06:00:00' order by all"
    )
    assert street.query(answers) == [("06-03", True, True, False)] * 2
    # One export dates the final answer, the other one leaves the first date and tells the closing.
    street.load(
        rows.incident("i7", "06-02 06:00", answered="06-08 06:00", step="Готово", closed="06-09 06:00")
    )
    street.load(
        rows.incident("i8", "06-02 06:00", answered="06-03 06:00", step="Готово", closed="06-09 06:00")
    )
    street.build()
    interim = ("06-03", True, True, False)
    finals = [("06-08", False, False, True), ("06-09", False, False, True)]
    assert street.query(answers) == [interim, interim, *finals]
    assert street.differences() == {}


@pytest.mark.scenario
def test_who_answers_is_of_the_kind_it_was_then(street: Street) -> None:
    """A management company became an institution on 6 June; what it answered before stays commercial."""
    utility = {
        "authority_id": "u1",
        "name": "УК Уют",
        "authority_kind": "commercial",
        "level": "institution",
        "fetched_at": rows.utc("06-01 00:00"),
    }
    street.load(rows.registry(authorities=[utility]))
    changed = {**utility, "authority_kind": "institution", "fetched_at": rows.utc("06-06 00:00")}
    street.load(rows.registry(authorities=[changed]))
    for number, answered in enumerate(("05-30 06:00", "06-05 06:00", "06-07 06:00")):
        one = rows.incident(f"u{number}", "05-29 06:00", answered=answered, executor="УК Уют")
        street.load(one)
    street.build_all()
    found = street.query(
        "select strftime(responded_at, '%m-%d'), authority_kind from facts.fct_responses"
        " where authority_id = 'u1' order by 1"
    )
    assert found == [("05-30", "commercial"), ("06-05", "commercial"), ("06-07", "institution")]
    assert street.differences() == {}
