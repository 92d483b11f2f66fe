{{ config(materialized='table', post_hook=[]) }}

with

appeals as (
    select * from {{ ref('int_repeats') }}
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

windows as (
    select
        appeals.region_id,
        min(appeals.first_day) as first_day,
        {{ last_day('regions.time_zone') }} as final_day
    from appeals
    inner join regions on appeals.region_id = regions.region_id
    group by appeals.region_id, regions.time_zone
),

numbered as (
    select
        *,
        sum(case when is_repeat then 0 else 1 end) over (
            partition by region_id, territory_id, topic_group, topic_id, place
            order by registered_at, appeal_id
            rows between unbounded preceding and current row
        ) as episode
    from appeals
),

chains as (
    select
        region_id,
        territory_id,
        topic_group,
        topic_id,
        place,
        place_kind,
        episode,
        {{ first_value_by('appeal_id', 'registered_at') }} as episode_id,
        min(local_date) as started_on,
        max(local_date) as ended_on,
        count(*) as appeals,
        sum(case when outcome = 'solved' then 1 else 0 end) as solved_appeals,
        sum(case when answered_at is null then 1 else 0 end) as open_appeals
    from numbered
    group by region_id, territory_id, topic_group, topic_id, place, place_kind, episode
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
        chains.topic_id,
        coalesce(topics.label_ru, 'не определена') as topic_label,
        chains.place_kind,
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
    left join topics on chains.topic_id = topics.topic_id
)

select * from final
