{{ config(materialized='table', post_hook=[]) }}

with

appeals as (
    select
        *,
        {{ period_start('month', 'local_date') }} as month_start,
        case when place_kind <> 'territory' then 1 else 0 end as is_placed
    from {{ ref('int_repeats') }}
    where is_decided
),

territories as (
    select * from {{ ref('dim_territories') }}
),

topic_groups as (
    select * from {{ ref('topic_groups') }}
),

counted as (
    select
        region_id,
        month_start,
        territory_id,
        topic_group,
        count(*) as appeals,
        sum(case when is_repeat then 1 else 0 end) as repeats,
        sum(is_placed) as placed_appeals,
        sum(case when is_repeat then is_placed else 0 end) as placed_repeats
    from appeals
    group by region_id, month_start, territory_id, topic_group
),

final as (
    select
        counted.region_id,
        counted.month_start,
        counted.territory_id,
        territories.name as territory_name,
        counted.topic_group,
        topic_groups.label_ru as topic_group_label,
        cast(counted.appeals as bigint) as appeals,
        cast(counted.repeats as bigint) as repeats,
        {{ share_of('counted.repeats', 'counted.appeals') }} as repeat_share,
        cast(counted.placed_appeals as bigint) as placed_appeals,
        cast(counted.placed_repeats as bigint) as placed_repeats,
        {{ share_of('counted.placed_repeats', 'counted.placed_appeals') }} as placed_repeat_share
    from counted
    left join territories
        on
            counted.region_id = territories.region_id
            and counted.territory_id = territories.territory_id
    left join topic_groups on counted.topic_group = topic_groups.topic_group
)

select * from final
