{{ config(materialized='table', post_hook=[]) }}

with

appeals as (
    select * from {{ ref('int_repeats') }}
),

months as (
    select * from {{ ref('int_repeat_months') }}
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
        min(appeals.local_date) as first_day,
        {{ last_day('regions.time_zone') }} as final_day
    from appeals
    inner join regions on appeals.region_id = regions.region_id
    group by appeals.region_id, regions.time_zone
),

-- a month goes on with the chain whose newest appeal its first repeat repeats
linked as (
    select
        *,
        case
            when
                repeated_appeal_id = lag(newest_appeal_id) over (
                    partition by region_id, territory_id, topic_group, topic_id, place
                    order by month_start
                )
                then 0
            else 1
        end as begins
    from months
),

numbered as (
    select
        *,
        sum(begins) over (
            partition by region_id, territory_id, topic_group, topic_id, place
            order by month_start
            rows between unbounded preceding and current row
        ) as episode
    from linked
),

-- the appeal that a chain begins with repeats nothing, so that its first repeat tells of it
chains as (
    select
        region_id,
        territory_id,
        topic_group,
        topic_id,
        place,
        place_kind,
        episode,
        max(case when begins = 1 then repeated_appeal_id end) as episode_id,
        max(case when begins = 1 then repeated_date end) as started_on,
        max(ended_on) as ended_on,
        sum(repeats) as repeats,
        sum(solved_repeats)
        + sum(case when begins = 1 and repeated_outcome = 'solved' then 1 else 0 end) as solved_appeals,
        sum(open_repeats)
        + sum(case when begins = 1 and repeated_answered_at is null then 1 else 0 end) as open_appeals
    from numbered
    group by region_id, territory_id, topic_group, topic_id, place, place_kind, episode
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
        cast(chains.repeats + 1 as bigint) as appeals,
        cast(chains.repeats as bigint) as repeats,
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
