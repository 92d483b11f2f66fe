"""AUDIT: what the candidate release must be before anyone sees it. Runs on its Parquet files alone.

The reconciliation identities of the measures stand here: a release that breaks one is refused.
"""

from __future__ import annotations

from quality.records import Expectation, Suite

_ZERO = {"column": "difference", "min_value": 0, "max_value": 0}
# Endings of column names that would carry a person, a text, a link or a place finer than a municipality.
_PERSONAL = (
    "(^|_)(author_key|age_group|text|payload|url|link|phone|email|street|house|address|locality)$|_ref$"
)


def _same_total(mart: str, what: str, extra: str = "") -> str:
    """Days whose total in the mart differs from the facts' countable appeals."""
    return f"""
        select
            coalesce(facts.region_id, marts.region_id) as region_id,
            coalesce(facts.appeals, 0) - coalesce(marts.appeals, 0) as difference
        from (
            select region_id, local_date, count(*) as appeals
            from facts.fct_appeals
            where is_countable
            group by region_id, local_date
        ) as facts
        full join (
            select region_id, local_date, sum({what}) as appeals
            from marts.{mart}
            {extra}
            group by region_id, local_date
        ) as marts
            on facts.region_id = marts.region_id and facts.local_date = marts.local_date
    """  # noqa: S608 - names from this file only


AUDIT = Suite(
    "audit",
    (
        Expectation(
            name="channels_add_up_to_the_total",
            table="marts.channels_daily",
            query=_same_total("channels_daily", "appeals"),
            expectation="expect_column_values_to_be_between",
            arguments=_ZERO,
            why="The sum over channels is the total of the day, or one of the two figures is wrong.",
        ),
        Expectation(
            name="territories_add_up_to_the_total",
            table="marts.territories_daily",
            query=_same_total("territories_daily", "appeals"),
            expectation="expect_column_values_to_be_between",
            arguments=_ZERO,
            why="The sum over territories with the unknown one is the total of the day.",
        ),
        Expectation(
            name="topics_add_up_to_the_total",
            table="marts.topics_daily",
            query=_same_total("topics_daily", "appeals"),
            expectation="expect_column_values_to_be_between",
            arguments=_ZERO,
            why="The sum over topics with the unknown one is the total of the day.",
        ),
        Expectation(
            name="response_times_cover_the_total",
            table="marts.response_times_daily",
            query=_same_total("response_times_daily", "appeals", "where channel = 'all'"),
            expectation="expect_column_values_to_be_between",
            arguments=_ZERO,
            why="The row over all channels covers every appeal of the day.",
        ),
        Expectation(
            name="answered_and_open_add_up",
            table="marts.territories_daily",
            query="""
                select
                    sum(territories.open_appeals) - max(facts.open_appeals) as difference
                from marts.territories_daily as territories
                inner join (
                    select region_id, count(*) filter (where answered_at is null) as open_appeals
                    from facts.fct_appeals
                    where is_countable
                    group by region_id
                ) as facts on territories.region_id = facts.region_id
                group by territories.region_id
            """,
            expectation="expect_column_values_to_be_between",
            arguments=_ZERO,
            why="Open appeals of the territories are the open appeals of the facts.",
        ),
        Expectation(
            name="the_year_review_states_the_total",
            table="marts.year_review",
            query="""
                select review.value - count(appeals.appeal_id) as difference
                from marts.year_review as review
                left join facts.fct_appeals as appeals
                    on
                        appeals.region_id = review.region_id
                        and appeals.is_countable
                        and appeals.local_date >= review.period_from
                        and appeals.local_date < review.period_to
                where review.measure = 'appeals' and review.slice = 'all'
                group by review.region_id, review.period_from, review.period_to, review.value
            """,
            expectation="expect_column_values_to_be_between",
            arguments=_ZERO,
            why="The figure people quote is counted anew from the facts.",
        ),
        Expectation(
            name="shares_lie_between_zero_and_one",
            table="marts.response_times_daily",
            query="select on_time_share from marts.response_times_daily where on_time_share is not null",
            expectation="expect_column_values_to_be_between",
            arguments={"column": "on_time_share", "min_value": 0, "max_value": 1},
            why="A share outside 0-1 means that a numerator counts what its denominator does not.",
        ),
        Expectation(
            name="heat_map_knows_three_levels",
            table="marts.territories_daily",
            query="""
                select distinct heat_level from marts.territories_daily where territory_id <> 'unknown'
            """,
            expectation="expect_column_distinct_values_to_be_in_set",
            arguments={"column": "heat_level", "value_set": ["red", "yellow", "green"]},
            why="The heat map's legend has three levels.",
        ),
        Expectation(
            name="nothing_lies_after_as_of",
            table="facts.fct_appeals",
            query="""
                select count(*) filter (where registered_at > timestamp '{as_of}') as difference
                from facts.fct_appeals
            """,
            expectation="expect_column_values_to_be_between",
            arguments=_ZERO,
            why="A release states what was known at as_of, nothing later.",
        ),
        Expectation(
            name="no_personal_column_leaves",
            table="published.candidate",
            query=f"""
                select count(*) as difference
                from information_schema.columns
                where
                    regexp_matches(lower(column_name), '{_PERSONAL}')
                    and column_name not in ('value_text', 'has_valid_pos_link')
            """,  # noqa: S608 - a pattern from this file
            expectation="expect_column_values_to_be_between",
            arguments=_ZERO,
            why="Texts, links and author keys never leave the warehouse.",
        ),
    ),
)
