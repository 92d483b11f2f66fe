{{ config(materialized='table', post_hook=[]) }}

with

topic_days as (
    select * from {{ ref('int_topics_daily') }}
    where
        topic_group <> 'unknown'
        and territory_id <> 'unknown'
),

regions as (
    select * from {{ ref('dim_regions') }}
),

territories as (
    select * from {{ ref('dim_territories') }}
),

topic_groups as (
    select * from {{ ref('topic_groups') }}
),

topics as (
    select * from {{ ref('dim_topics') }}
),

weeks as (
    {{ whole_numbers(8) | indent(4) }}
),

-- an outbreak that spreads over several topics of a group shows in the group alone
cube as (
    select
        region_id,
        local_date,
        topic_group,
        topic_id,
        territory_id,
        appeals
    from topic_days
    where topic_id <> 'unknown'
    union all
    select
        region_id,
        local_date,
        topic_group,
        'all' as topic_id,
        territory_id,
        sum(appeals) as appeals
    from topic_days
    group by region_id, local_date, topic_group, territory_id
),

terms as (
    {{ whole_numbers(120) | indent(4) }}
),

beginnings as (
    select
        region_id,
        min(local_date) as first_day
    from topic_days
    group by region_id
),

-- every day of the last eight weeks, as far as the data go back
with_past as (
    select
        cube.*,
        beginnings.first_day,
        coalesce(sum(cube.appeals) over (
            partition by cube.region_id, cube.topic_group, cube.topic_id, cube.territory_id
            order by {{ days_between('beginnings.first_day', 'cube.local_date') }}
            range between 56 preceding and 1 preceding
        ), 0) as appeals_before
    from cube
    inner join beginnings on cube.region_id = beginnings.region_id
),

suspects as (
    select
        *,
        cast(appeals_before as double)
        / {{ days_between('greatest(' ~ add_days('local_date', -56) ~ ', first_day)', 'local_date') }}
            as appeals_per_day
    from with_past
    where appeals >= 5
),

-- the same weekday of these weeks; a day nobody wrote counts as nought
days_before as (
    select
        suspects.region_id,
        suspects.local_date,
        suspects.topic_group,
        suspects.topic_id,
        suspects.territory_id,
        suspects.appeals,
        suspects.appeals_per_day,
        {{ add_days('suspects.local_date', '-7 * (weeks.number + 1)') }} as day_before
    from suspects
    cross join weeks
    where {{ add_days('suspects.local_date', '-7 * (weeks.number + 1)') }} >= suspects.first_day
),

weekdays as (
    select
        days_before.region_id,
        days_before.local_date,
        days_before.topic_group,
        days_before.topic_id,
        days_before.territory_id,
        days_before.appeals,
        days_before.appeals_per_day,
        {{ quantile('cast(coalesce(cube.appeals, 0) as double)', 0.5) }} as median_appeals
    from days_before
    left join cube
        on
            days_before.region_id = cube.region_id
            and days_before.day_before = cube.local_date
            and days_before.topic_group = cube.topic_group
            and days_before.topic_id = cube.topic_id
            and days_before.territory_id = cube.territory_id
    group by
        days_before.region_id, days_before.local_date, days_before.topic_group, days_before.topic_id,
        days_before.territory_id, days_before.appeals, days_before.appeals_per_day
    -- fewer than four weeks say too little of what is usual
    having count(*) >= 4
),

-- a median of few small counts is easily too low: never below the mean of all days, nor below the minimum
expectations as (
    select
        *,
        greatest(median_appeals, appeals_per_day, {{ expected_minimum() }}) as expected
    from weekdays
),

unusual as (
    select
        *,
        cast(appeals as double) as observed
    from expectations
    where appeals > expected
),

{{ poisson_tails(
    'unusual',
    ['region_id', 'local_date', 'topic_group', 'topic_id', 'territory_id', 'appeals', 'expected'],
    'observed',
    'expected',
    'terms'
) }},

alarming as (
    select
        *,
        row_number() over (
            partition by region_id, topic_group, topic_id, territory_id order by local_date
        ) as place
    from poisson_tails
    where chance < 0.0001
),

-- consecutive days have one day in common from which they count
signals as (
    select
        region_id,
        topic_group,
        topic_id,
        territory_id,
        min(local_date) as started_on,
        max(local_date) as ended_on,
        {{ first_value_by('local_date', '-appeals * 10000 + place') }} as peaked_on,
        max(appeals) as peak_appeals,
        sum(appeals) as appeals,
        sum(expected) as expected,
        min(chance) as least_chance
    from alarming
    group by region_id, topic_group, topic_id, territory_id, {{ add_days('local_date', '-place') }}
),

final as (
    select
        signals.region_id,
        signals.territory_id,
        territories.name as territory_name,
        signals.topic_group,
        topic_groups.label_ru as topic_group_label,
        signals.topic_id,
        coalesce(topics.label_ru, 'все темы группы') as topic_label,
        signals.started_on,
        signals.peaked_on,
        signals.ended_on,
        signals.ended_on = {{ last_day('regions.time_zone') }} as may_continue,
        cast(signals.appeals as bigint) as appeals,
        signals.expected as expected_appeals,
        cast(signals.peak_appeals as bigint) as peak_appeals,
        signals.least_chance
    from signals
    inner join regions on signals.region_id = regions.region_id
    left join territories
        on
            signals.region_id = territories.region_id
            and signals.territory_id = territories.territory_id
    left join topic_groups on signals.topic_group = topic_groups.topic_group
    left join topics on signals.topic_id = topics.topic_id
)

select * from final
