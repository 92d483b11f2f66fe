"""Every identity of the marts is broken by hand once, and the audit's own query refuses the release."""

from __future__ import annotations

import duckdb
import pytest

from tests.dbt import rows
from tests.dbt.press import Press

# What is done to the warehouse, and the identities that have to notice.
BREAKS = {
    "update marts.topics_monthly set appeals = appeals + 1 where appeals > 0": {
        "monthly_topics_add_up_to_the_total"
    },
    "delete from marts.territories_monthly where territory_id = 't1'": {
        "monthly_territories_add_up_to_the_total"
    },
    "update marts.authorities_monthly set appeals = 0": {"monthly_authorities_add_up_to_the_total"},
    "update marts.regions_monthly set appeals = appeals - 1": {"regions_state_the_total"},
    "delete from marts.response_times_monthly where channel = 'pos'": {
        "monthly_channels_add_up_to_the_total"
    },
    "update marts.response_times_yearly set appeals = 7": {"yearly_response_times_cover_the_total"},
    "update marts.backlog_daily set closed_appeals = closed_appeals + 1": {"the_backlog_adds_up"},
    "update marts.backlog_daily set overdue_appeals = 0": {"the_backlog_ends_with_what_is_open"},
    "update marts.territories_current set appeals = appeals + 1": {"the_current_heat_map_counts_its_window"},
    "update marts.authorities_monthly set no_rank_reason = null": {"who_has_no_rank_has_a_reason"},
    "update marts.demographics_monthly set appeals = 3": {"no_small_count_of_people_leaves"},
    "update marts.loads_daily set landed = landed - 1": {"loads_are_accounted_for"},
    "update marts.surveys set share = share / 2": {"surveys_shares_add_up"},
    "delete from marts.review_queue": {"the_queue_is_what_labels_left_open"},
}


@pytest.mark.scenario
def test_every_identity_is_kept_and_noticed_when_it_is_broken(press: Press) -> None:
    street = press.street
    survey = {"survey_id": "s1", "title": "Площадка", "starts_on": "2026-06-01"}
    option = {"survey_id": "s1", "question_id": "1", "question": "Где?", "territory": None}
    young = rows.pos("young", "06-02 06:00")
    young["pos_appeals"][0]["age_group"] = "18-25"
    street.load(
        rows.merged(
            young,
            rows.label(f"vk_comment|{rows.PAGE}|11", None),
            {"surveys_surveys": [survey]},
            {
                "surveys_options": [
                    {**option, "option_id": "1", "option": "Здесь", "votes": 3},
                    {**option, "option_id": "2", "option": "Там", "votes": 1},
                ]
            },
        )
    )
    street.build_all()
    press.candidate(2)
    assert press.refused() == set()
    unbroken = street.path.read_bytes()
    for statement, expected in BREAKS.items():
        with duckdb.connect(str(street.path)) as connection:
            connection.execute(statement)
        press.candidate(2)
        assert expected <= press.refused(), statement
        street.path.write_bytes(unbroken)


@pytest.mark.scenario
def test_what_comes_after_the_last_day_is_no_fault(press: Press) -> None:
    """as_of is midnight in the region: an appeal and an answer of that moment belong to the day after."""
    street = press.street
    street.as_of = "2026-06-10 19:00:00"
    street.load(rows.registry())
    street.load(
        rows.merged(
            rows.pos("at_midnight", "06-10 19:00"),
            rows.pos("answered_at_midnight", "06-02 06:00", answers=[("a", "06-10 19:00", "final")]),
            rows.pos("before", "06-10 18:59"),
        )
    )
    street.build_all()
    press.candidate(2)
    assert press.refused() == set()
