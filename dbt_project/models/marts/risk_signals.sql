{{ config(materialized='table', post_hook=[]) }}

with

days as (
    select * from {{ ref('int_topics_daily') }}
    where
        topic_group <> 'unknown'
        and territory_id <> 'unknown'
),

alarms as (
    select * from {{ ref('int_alarms') }}
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

terms as (
    {{ whole_numbers(120) | indent(4) }}
),

beginnings as (
    select
        region_id,
        min(local_date) as first_day
    from days
    group by region_id
),

-- a day of a region's first eight weeks is judged by those days before it that there are
topic_days as (
    select
        days.*,
        beginnings.first_day
    from days
    inner join beginnings on days.region_id = beginnings.region_id
    where days.local_date < {{ add_days('beginnings.first_day', 56) }}
),

{{ alarming_days('topic_days', 'weeks', 'terms') }},

later_alarms as (
    select alarms.*
    from alarms
    inner join beginnings on alarms.region_id = beginnings.region_id
    where alarms.local_date >= {{ add_days('beginnings.first_day', 56) }}
),

alarming as (
    select
        region_id,
        local_date,
        topic_group,
        topic_id,
        territory_id,
        cast(appeals as bigint) as appeals,
        expected,
        chance
    from alarming_days
    union all
    select
        region_id,
        local_date,
        topic_group,
        topic_id,
        territory_id,
        appeals,
        expected,
        chance
    from later_alarms
),

numbered as (
    select
        *,
        row_number() over (
            partition by region_id, topic_group, topic_id, territory_id order by local_date
        ) as place
    from alarming
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
    from numbered
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
