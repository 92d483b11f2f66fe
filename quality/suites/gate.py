"""GATE: what facts must be before marts are built on them. Distribution, volume, vocabularies.

Shape (keys, types, references) is dbt's part and is not tested twice.
"""

from __future__ import annotations

from quality.records import Expectation, Suite

_LOADS = """
    select
        source || '.' || resource as resource,
        sum(received - landed - quarantined - skipped_unchanged - coalesce(erased, 0)) as difference
    from raw.loads
    where _dlt_load_id in (select load_id from raw._dlt_loads where status = 0)
    group by 1
"""

# By the newest loads that together brought 20 objects: a long past must not hide that a format has changed,
# and a delivery that was mended must not be held up by the one before.
_SET_ASIDE = """
    with loads as (
        select
            region_id,
            source || '.' || resource as resource,
            load_seq,
            quarantined,
            landed + quarantined as objects
        from raw.loads
        where
            landed + quarantined > 0
            and _dlt_load_id in (select load_id from raw._dlt_loads where status = 0)
    ),

    counted as (
        select
            *,
            sum(objects) over (
                partition by region_id, resource order by load_seq desc
                rows between unbounded preceding and 1 preceding
            ) as brought_later
        from loads
    )

    select
        region_id || ' ' || resource as resource,
        sum(quarantined) * 1.0 / sum(objects) as quarantined_share
    from counted
    where coalesce(brought_later, 0) < 20
    group by 1
    having sum(objects) >= 20
"""

# Networks tell neither kind nor topic, nor a place beyond their page's; Open311's words are the city's.
_SHARES = """
    select
        region_id || ' ' || source as part,
        avg(case when is_labelled and territory_id is null then 1.0 else 0.0 end) as unplaced_share,
        avg(case when is_labelled and topic_group is null then 1.0 else 0.0 end) as unlabelled_share,
        avg(case when registered_at > timestamp '{as_of}' then 1.0 else 0.0 end) as future_share,
        avg(case when first_response_at < registered_at then 1.0 else 0.0 end) as answered_before_share,
        avg(case when closed_at < registered_at then 1.0 else 0.0 end) as closed_before_share,
        avg(case when first_answer_minutes < 1 then 1.0 else 0.0 end) as instant_share
    from (
        select
            *,
            -- what the source says itself; what was guessed may be as open as the text is
            kind is not null and not coalesce(kind_from_label, false) and source <> 'open311' as is_labelled
        from facts.fct_appeals
    )
    group by 1
"""

# Of these it is decided which answers are official and which are interim (facts/int_responses_*).
_ANSWERING = ("pos", "vk", "incident", "ok", "telegram", "max", "viber", "files", "open311")

_NORMAL_DAYS = """
    select
        region_id,
        max(appeals) / greatest(median(appeals), 1.0) as peak_over_median
    from (
        select region_id, local_date, count(*) as appeals
        from facts.fct_appeals
        group by region_id, local_date
    )
    group by region_id
"""

GATE = Suite(
    "gate",
    (
        Expectation(
            name="every_received_row_is_accounted_for",
            table="raw.quarantine",
            query=_LOADS,
            expectation="expect_column_values_to_be_in_set",
            arguments={"column": "difference", "value_set": [0]},
            why="A row received but neither landed nor set aside is lost; find its load in raw.loads.",
        ),
        Expectation(
            name="few_rows_are_quarantined",
            table="raw.quarantine",
            query=_SET_ASIDE,
            expectation="expect_column_values_to_be_between",
            arguments={"column": "quarantined_share", "min_value": 0, "max_value": 0.2},
            why="A fifth of what came last set aside means a changed format; read raw.quarantine.reason.",
        ),
        Expectation(
            name="appeals_exist",
            table="facts.fct_appeals",
            query="select count(*) as appeals from facts.fct_appeals",
            expectation="expect_column_values_to_be_between",
            arguments={"column": "appeals", "min_value": 1},
            why="An empty fact means that no source delivered; publishing it would blank every figure.",
        ),
        Expectation(
            name="channels_are_known",
            table="facts.fct_appeals",
            query="""
                select appeals.channel, max(case when channels.channel is null then 0 else 1 end) as is_known
                from facts.fct_appeals as appeals
                left join facts.dim_channels as channels on appeals.channel = channels.channel
                group by appeals.channel
            """,
            expectation="expect_column_values_to_be_in_set",
            arguments={"column": "is_known", "value_set": [1]},
            why="A channel without a row in dim_channels would be missing from every total by channel.",
        ),
        Expectation(
            name="statuses_are_known",
            table="facts.fct_appeals",
            query="select distinct status from facts.fct_appeals",
            expectation="expect_column_values_to_be_in_set",
            arguments={
                "column": "status",
                "value_set": ["registered", "assigned", "in_work", "answered", "closed", "rejected"],
            },
            why="A new status may mean answered or not; decide it in the source's staging model first.",
        ),
        Expectation(
            name="copies_point_to_what_counts",
            table="facts.fct_appeals",
            query="""
                select count(*) as lost
                from facts.fct_appeals as copies
                left join facts.fct_appeals as kept
                    on copies.region_id = kept.region_id and copies.duplicate_of = kept.appeal_id
                where copies.duplicate_reason in ('author', 'text') and not coalesce(kept.is_countable, false)
            """,
            expectation="expect_column_values_to_be_between",
            arguments={"column": "lost", "min_value": 0, "max_value": 0},
            why="A person whose messages are all taken for copies would count nowhere.",
        ),
        Expectation(
            name="no_appeal_from_the_future",
            table="facts.fct_appeals",
            query=_SHARES,
            expectation="expect_column_values_to_be_between",
            arguments={"column": "future_share", "min_value": 0, "max_value": 0},
            why="An appeal registered after as_of means a wrong time zone or a wrong as_of.",
        ),
        Expectation(
            name="no_answer_before_its_appeal",
            table="facts.fct_appeals",
            query=_SHARES,
            expectation="expect_column_values_to_be_between",
            arguments={"column": "answered_before_share", "min_value": 0, "max_value": 0.001},
            why="Answers before their appeals make times negative; mostly a wrong zone in one source.",
        ),
        Expectation(
            name="no_closing_before_its_appeal",
            table="facts.fct_appeals",
            query=_SHARES,
            expectation="expect_column_values_to_be_between",
            arguments={"column": "closed_before_share", "min_value": 0, "max_value": 0.001},
            why="Closed before it was registered: dates of an export were read in the wrong order.",
        ),
        Expectation(
            name="most_appeals_have_a_territory",
            table="facts.fct_appeals",
            query=_SHARES,
            expectation="expect_column_values_to_be_between",
            arguments={"column": "unplaced_share", "min_value": 0, "max_value": 0.1},
            severity="warning",
            why="Unknown spellings of municipalities empty the heat map; add them to territories' aliases.",
        ),
        Expectation(
            name="most_appeals_have_a_topic_group",
            table="facts.fct_appeals",
            query=_SHARES,
            expectation="expect_column_values_to_be_between",
            arguments={"column": "unlabelled_share", "min_value": 0, "max_value": 0.1},
            severity="warning",
            why="Unknown spellings of topic groups; add them to seeds/topic_groups.csv.",
        ),
        Expectation(
            name="few_answers_within_a_minute",
            table="facts.fct_appeals",
            query=_SHARES,
            expectation="expect_column_values_to_be_between",
            arguments={"column": "instant_share", "min_value": 0, "max_value": 0.05},
            severity="warning",
            why="Answers within a minute are mostly written before the appeal is entered; look who does so.",
        ),
        Expectation(
            name="no_day_out_of_proportion",
            table="facts.fct_appeals",
            query=_NORMAL_DAYS,
            expectation="expect_column_values_to_be_between",
            arguments={"column": "peak_over_median", "min_value": 0, "max_value": 20},
            severity="warning",
            why="A day twenty times the median is an import dated to one day, or a real disaster: look.",
        ),
        Expectation(
            name="responses_belong_to_known_sources",
            table="facts.fct_responses",
            query="select distinct source from facts.fct_responses",
            expectation="expect_column_values_to_be_in_set",
            arguments={"column": "source", "value_set": [*_ANSWERING]},
            why="A source whose answers are new must first say which of them are interim and official.",
        ),
        Expectation(
            name="page_days_are_not_negative",
            table="facts.fct_gospublics",
            query="""
                select least(
                    min(coalesce(members_count, 0)), min(posts), min(views), min(likes), min(reposts)
                ) as smallest
                from facts.fct_gospublics
                having count(*) > 0
            """,
            expectation="expect_column_values_to_be_between",
            arguments={"column": "smallest", "min_value": 0},
            why="Negative counts of a page spoil its score; the network changed the meaning of a field.",
        ),
    ),
)
