{{ config(materialized='table', post_hook=[]) }}

with

appeals as (
    select * from {{ ref('fct_appeals') }}
    where
        is_countable
        and topic_group is not null
        and territory_id is not null
        and coalesce(kind, 'complaint') <> 'thanks'
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

beginnings as (
    select
        region_id,
        min(local_date) as first_day
    from appeals
    group by region_id
),

windows as (
    select
        beginnings.region_id,
        beginnings.first_day,
        {{ last_day('regions.time_zone') }} as final_day
    from beginnings
    inner join regions on beginnings.region_id = regions.region_id
),

grouped as (
    select
        *,
        coalesce(topic_id, 'unknown') as topic,
        coalesce(place_key, 'territory') as place
    from appeals
),

in_order as (
    select
        *,
        lag(local_date) over (
            partition by region_id, territory_id, topic_group, topic, place order by registered_at, appeal_id
        ) as day_before
    from grouped
),

numbered as (
    select
        *,
        sum(case when {{ add_days('day_before', 31) }} >= local_date then 0 else 1 end) over (
            partition by region_id, territory_id, topic_group, topic, place
            order by registered_at, appeal_id
            rows between unbounded preceding and current row
        ) as episode
    from in_order
),

chains as (
    select
        region_id,
        territory_id,
        topic_group,
        topic,
        place,
        episode,
        {{ first_value_by('appeal_id', 'registered_at') }} as episode_id,
        min(local_date) as started_on,
        max(local_date) as ended_on,
        count(*) as appeals,
        sum(case when outcome = 'solved' then 1 else 0 end) as solved_appeals,
        sum(case when answered_at is null then 1 else 0 end) as open_appeals
    from numbered
    group by region_id, territory_id, topic_group, topic, place, episode
    having count(*) > 1
),

final as (
    select
        chains.region_id,
        chains.episode_id,
        chains.territory_id,
        territories.name as territory_name,
        chains.topic_group,
        topic_groups.label_ru as topic_group_label,
        chains.topic as topic_id,
        coalesce(topics.label_ru, 'не определена') as topic_label,
        {{ dbt.split_part('chains.place', "'|'", 1) }} as place_kind,
        chains.started_on,
        chains.ended_on,
        cast(chains.appeals as bigint) as appeals,
        cast(chains.appeals - 1 as bigint) as repeats,
        cast(chains.solved_appeals as bigint) as solved_appeals,
        cast(chains.open_appeals as bigint) as open_appeals,
        {{ add_days('windows.first_day', 31) }} >= chains.started_on as starts_before_window,
        {{ add_days('chains.ended_on', 31) }} > windows.final_day as may_continue
    from chains
    inner join windows on chains.region_id = windows.region_id
    left join territories
        on
            chains.region_id = territories.region_id
            and chains.territory_id = territories.territory_id
    left join topic_groups on chains.topic_group = topic_groups.topic_group
    left join topics on chains.topic = topics.topic_id
)

select * from final
