"""AUDIT: what the candidate release must be before anyone sees it. Runs on its Parquet files alone.

The reconciliation identities of the measures stand here: a release that breaks one is refused.
"""

from __future__ import annotations

from quality.closed_months import unexplained
from quality.records import Expectation, Suite

_ZERO = {"column": "difference", "min_value": 0, "max_value": 0}
# Endings of column names that would carry a person, a text, a link or a place finer than a municipality.
_PERSONAL = (
    "(^|_)(author_key|age_group|text|payload|url|link|phone|email|street|house|address|locality)$|_ref$"
)


# What most identities hold the marts against. Of ten million appeals each look at the files takes seconds.
_COUNTED = """
    create or replace temp table counted_appeals as
    select
        region_id,
        local_date,
        source,
        coalesce(topic_group, 'unknown') as topic_group,
        count(*) as appeals,
        count(*) filter (where answered_at is null) as open_appeals
    from facts.fct_appeals
    where is_countable
    group by all
"""


def _same_total(mart: str, what: str, extra: str = "") -> str:
    """Days whose total in the mart differs from the facts' countable appeals."""
    return f"""
        select
            coalesce(facts.region_id, marts.region_id) as region_id,
            coalesce(facts.appeals, 0) - coalesce(marts.appeals, 0) as difference
        from (
            select region_id, local_date, sum(appeals) as appeals
            from counted_appeals
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


def _same_period_total(mart: str, unit: str, extra: str = "", what: str = "appeals") -> str:
    """Periods whose total in the mart differs from the facts' countable appeals."""
    return f"""
        select coalesce(facts.appeals, 0) - coalesce(marts.appeals, 0) as difference
        from (
            select
                region_id,
                cast(date_trunc('{unit}', local_date) as date) as period,
                sum(appeals) as appeals
            from counted_appeals
            group by all
        ) as facts
        full join (
            select region_id, {unit}_start as period, sum({what}) as appeals
            from marts.{mart}
            {extra}
            group by all
        ) as marts
            on facts.region_id = marts.region_id and facts.period = marts.period
    """  # noqa: S608 - names from this file only


def _reconciled(name: str, mart: str, query: str, why: str) -> Expectation:
    """An identity whose `difference` is nought in every row."""
    return Expectation(
        name=name,
        table=f"marts.{mart}",
        query=query,
        expectation="expect_column_values_to_be_between",
        arguments=_ZERO,
        why=why,
    )


_ROLL_UPS = (
    _reconciled(
        "monthly_topics_add_up_to_the_total",
        "topics_monthly",
        _same_period_total("topics_monthly", "month"),
        "The sum over topics with the unknown one is the total of the month.",
    ),
    _reconciled(
        "monthly_territories_add_up_to_the_total",
        "territories_monthly",
        _same_period_total("territories_monthly", "month"),
        "The sum over territories with the unknown one is the total of the month.",
    ),
    _reconciled(
        "monthly_authorities_add_up_to_the_total",
        "authorities_monthly",
        _same_period_total("authorities_monthly", "month"),
        "The sum over authorities with the unknown one is the total of the month.",
    ),
    _reconciled(
        "regions_state_the_total",
        "regions_monthly",
        _same_period_total("regions_monthly", "month"),
        "A region's month is counted anew from the facts.",
    ),
    _reconciled(
        "monthly_channels_add_up_to_the_total",
        "response_times_monthly",
        _same_period_total("response_times_monthly", "month", "where channel <> 'all'"),
        "The sum over channels is the total of the month.",
    ),
    _reconciled(
        "yearly_response_times_cover_the_total",
        "response_times_yearly",
        _same_period_total("response_times_yearly", "year", "where channel = 'all'"),
        "The row over all channels covers every appeal of the year.",
    ),
    _reconciled(
        "the_backlog_adds_up",
        "backlog_daily",
        """
            select carried_over_appeals + opened_appeals - closed_appeals - open_appeals as difference
            from marts.backlog_daily
            union all
            select today.carried_over_appeals - yesterday.open_appeals
            from marts.backlog_daily as today
            inner join marts.backlog_daily as yesterday
                on
                    today.region_id = yesterday.region_id
                    and today.channel = yesterday.channel
                    and today.local_date = yesterday.local_date + 1
        """,
        "Opened and carried over is closed and still open, and what a day leaves the next one takes over.",
    ),
    _reconciled(
        "the_backlog_ends_with_what_is_open",
        "backlog_daily",
        """
            with last_days as (
                select
                    region_id,
                    time_zone,
                    cast(
                        ((timestamp '{as_of}' - interval 1 second) at time zone 'UTC') at time zone time_zone
                        as date
                    ) as last_day
                from facts.dim_regions
            ),
            regions as (
                select
                    *,
                    (cast(last_day + 1 as timestamp) at time zone time_zone) at time zone 'UTC' as day_after
                from last_days
            ),
            -- sources whose clock is ahead tell of what comes after the last day
            appeals as (
                select
                    appeals.region_id,
                    appeals.answered_at,
                    appeals.due_at,
                    appeals.answered_at >= regions.day_after as answered_after,
                    appeals.due_at < regions.day_after as due_before
                from facts.fct_appeals as appeals
                inner join regions on appeals.region_id = regions.region_id
                where appeals.is_countable and appeals.local_date <= regions.last_day
            ),
            facts as (
                select
                    region_id,
                    count(*) as opened,
                    count(*) filter (where answered_at is null or answered_after) as still_open,
                    count(*) filter (
                        where
                            (answered_at is null and due_at < timestamp '{as_of}')
                            or (answered_after and due_before and answered_at > due_at)
                    ) as overdue
                from appeals
                group by region_id
            ),
            backlog as (
                select
                    region_id,
                    sum(opened_appeals) as opened,
                    arg_max(open_appeals, local_date) as still_open,
                    arg_max(overdue_appeals, local_date) as overdue
                from marts.backlog_daily
                where channel = 'all'
                group by region_id
            )
            select
                abs(facts.opened - coalesce(backlog.opened, 0))
                + abs(facts.still_open - coalesce(backlog.still_open, 0))
                + abs(facts.overdue - coalesce(backlog.overdue, 0)) as difference
            from facts
            left join backlog on facts.region_id = backlog.region_id
        """,
        "Its last day has the open and overdue appeals that the facts have at as_of.",
    ),
    _reconciled(
        "the_current_heat_map_counts_its_window",
        "territories_current",
        """
            select current.appeals - coalesce(sum(facts.appeals), 0) as difference
            from (
                select region_id, min(period_from) as since, min(period_to) as until, sum(appeals) as appeals
                from marts.territories_current
                group by region_id
            ) as current
            left join counted_appeals as facts
                on
                    facts.region_id = current.region_id
                    and facts.local_date >= current.since
                    and facts.local_date < current.until
            group by current.region_id, current.appeals
        """,
        "Territories with the unknown one are all appeals of the 30 days.",
    ),
    _reconciled(
        "who_has_no_rank_has_a_reason",
        "authorities_monthly",
        """
            select
                case
                    when (rank is null) = (no_rank_reason is null) then 1
                    when judged_appeals < 30 and rank is not null then 1
                    else 0
                end as difference
            from (
                select rank, no_rank_reason, judged_appeals from marts.authorities_monthly
                union all
                select rank, no_rank_reason, judged_appeals from marts.territories_monthly
            )
        """,
        "People are paid by ranks: each is there with 30 judged appeals, or its absence is explained.",
    ),
    _reconciled(
        "the_queue_is_what_labels_left_open",
        "review_queue",
        """
            select count(*) - (select coalesce(sum(messages), 0) from marts.review_queue) as difference
            from facts.fct_appeals
            where is_countable and label_version is not null
                and (kind is null or (needs_answer and topic_group is null))
        """,
        "A message that no machine could read and nobody is told to read is lost.",
    ),
    _reconciled(
        "no_small_count_of_people_leaves",
        "demographics_monthly",
        """
            select
                case
                    when min(appeals) < 10 then 1
                    when count(*) filter (where is_suppressed) = 1 then 1
                    when count(*) filter (where is_suppressed and appeals is not null) > 0 then 1
                    else 0
                end as difference
            from marts.demographics_monthly
            group by region_id, month_start, topic_group
            union all
            select case when appeals < 10 or is_suppressed and appeals is not null then 1 else 0 end
            from marts.demographics_yearly
        """,
        "A count below ten is nobody's business, and one hidden cell is told by its row's total.",
    ),
    _reconciled(
        "hidden_counts_hide_behind_enough_others",
        "demographics_monthly",
        """
            select
                case when hidden.cells > 0 and facts.appeals - hidden.told between 0 and 9
                    and hidden.told > 0 then 1 else 0 end as difference
            from (
                select
                    region_id,
                    month_start,
                    topic_group,
                    count(*) filter (where is_suppressed) as cells,
                    coalesce(sum(appeals), 0) as told
                from marts.demographics_monthly
                group by all
            ) as hidden
            inner join (
                select
                    region_id,
                    cast(date_trunc('month', local_date) as date) as month_start,
                    topic_group,
                    sum(appeals) as appeals
                from counted_appeals
                where source = 'pos'
                group by all
            ) as facts using (region_id, month_start, topic_group)
        """,
        "What a row hides together is ten at least, or the whole row: its total is known from the facts.",
    ),
    _reconciled(
        "loads_are_accounted_for",
        "loads_daily",
        "select received - landed - quarantined - skipped_unchanged - erased as difference "
        "from marts.loads_daily",
        "A row received but neither landed, set aside nor known is lost.",
    ),
    _reconciled(
        "activities_are_those_of_the_facts",
        "activities_monthly",
        """
            select
                coalesce((
                    select sum(items) from facts.fct_activities
                    where held_on < (select max(month_start) from marts.activities_monthly)
                ), 0) - coalesce((
                    select sum(activities) from marts.activities_monthly
                    where month_start < (select max(month_start) from marts.activities_monthly)
                ), 0) as difference
        """,
        "Activities of the months before the newest one are counted anew from the facts.",
    ),
    _reconciled(
        "surveys_shares_add_up",
        "surveys",
        """
            select round(abs(sum(share) - 1), 6) as difference
            from marts.surveys
            where question_votes > 0
            group by survey_key, question_id, territory_id
        """,
        "Shares of a question's answers add up to one.",
    ),
    _reconciled(
        "closed_months_are_restated_openly",
        "restatements",
        unexplained(),
        "A month that is over changed without a row in restatements: nobody could tell why a figure moved.",
    ),
)

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
        _reconciled(
            "what_filters_add_is_the_total",
            "appeals_daily",
            _same_total("appeals_daily", "appeals"),
            "The sum over channels, territories and topic groups is the total of the day.",
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
                    select region_id, sum(open_appeals) as open_appeals
                    from counted_appeals
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
                select review.value - coalesce(sum(appeals.appeals), 0) as difference
                from marts.year_review as review
                left join counted_appeals as appeals
                    on
                        (appeals.region_id = review.region_id or review.region_id = 'all')
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
                select count(*) as difference
                from facts.fct_appeals
                where registered_at > timestamp '{as_of}'
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
        *_ROLL_UPS,
    ),
    before=_COUNTED,
)
