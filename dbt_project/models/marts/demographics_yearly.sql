{{ config(materialized='table', post_hook=[]) }}

with

topic_groups as (
    select * from {{ ref('topic_groups') }}
),

{{ demographic_months() }},

-- a year in progress would tell each month's cells to who compares two releases
complete_months as (
    select
        months.*,
        {{ period_start('year', 'months.month_start') }} as year_start
    from months
    inner join regions on months.region_id = regions.region_id
    where {{ is_complete('year', period_start('year', 'months.month_start'), 'regions.time_zone') }}
),

years as (
    select
        region_id,
        year_start,
        topic_group,
        age_group,
        sum(appeals) as appeals,
        sum(case when is_suppressed then 1 else 0 end) as hidden_months,
        sum(case when is_suppressed then appeals else 0 end) as hidden_appeals
    from complete_months
    group by region_id, year_start, topic_group, age_group
),

hidden_cells as (
    select
        complete_months.region_id,
        complete_months.year_start,
        complete_months.month_start,
        complete_months.topic_group,
        complete_months.age_group,
        row_number() over (
            partition by complete_months.region_id, complete_months.month_start, complete_months.topic_group
            order by years.appeals, complete_months.age_group
        ) as place,
        coalesce(sum(complete_months.appeals) over (
            partition by complete_months.region_id, complete_months.month_start, complete_months.topic_group
            order by years.appeals, complete_months.age_group
            rows between unbounded preceding and 1 preceding
        ), 0) as appeals_of_smaller
    from complete_months
    inner join years
        on
            complete_months.region_id = years.region_id
            and complete_months.year_start = years.year_start
            and complete_months.topic_group = years.topic_group
            and complete_months.age_group = years.age_group
    where complete_months.is_suppressed
),

-- in every month two hidden cells, with the minimum between them, must belong to ages whose year is hidden as
-- well: what another age's year tells of its hidden months can then always be traded against them
slack as (
    select distinct
        region_id,
        year_start,
        topic_group,
        age_group
    from hidden_cells
    where
        place <= 2
        or appeals_of_smaller < {{ suppression_minimum() }}
),

judged as (
    select
        years.*,
        years.appeals < {{ suppression_minimum() }}
        or years.hidden_months = 1
        or (years.hidden_months > 1 and years.hidden_appeals < {{ suppression_minimum() }})
        or slack.age_group is not null as is_suppressed
    from years
    left join slack
        on
            years.region_id = slack.region_id
            and years.year_start = slack.year_start
            and years.topic_group = slack.topic_group
            and years.age_group = slack.age_group
),

final as (
    select
        judged.region_id,
        judged.year_start,
        judged.topic_group,
        coalesce(topic_groups.label_ru, 'не определена') as topic_group_label,
        judged.age_group as age_range,
        cast(case when not judged.is_suppressed then judged.appeals end as bigint) as appeals,
        judged.is_suppressed
    from judged
    left join topic_groups on judged.topic_group = topic_groups.topic_group
)

select * from final
