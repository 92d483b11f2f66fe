{{ config(materialized='table', post_hook=[]) }}

with

appeals as (
    select * from {{ ref('int_repeats') }}
),

-- apart from `appeals`: what is used in two places is kept whole before it is narrowed
days as (
    select
        region_id,
        local_date
    from {{ ref('int_repeats') }}
),

months as (
    select * from {{ ref('int_repeats_monthly') }}
),

territories as (
    select * from {{ ref('dim_territories') }}
),

topic_groups as (
    select * from {{ ref('topic_groups') }}
),

beginnings as (
    select
        region_id,
        {{ add_days('min(local_date)', 31) }} as last_undecided_day
    from days
    group by region_id
),

early_starts as (
    select distinct
        months.region_id,
        months.month_start,
        beginnings.last_undecided_day
    from months
    inner join beginnings on months.region_id = beginnings.region_id
    where months.month_start <= beginnings.last_undecided_day
),

-- of the months that begin within the first 31 days only the days after them count
early as (
    select appeals.*
    from appeals
    inner join early_starts
        on
            appeals.region_id = early_starts.region_id
            and appeals.month_start = early_starts.month_start
    where appeals.local_date > early_starts.last_undecided_day
),

early_months as (
    {{ repeat_counts('early') | indent(4) }}
),

-- named one by one: where months are folders the table has a column more
later_months as (
    select
        months.region_id,
        months.month_start,
        months.territory_id,
        months.topic_group,
        months.appeals,
        months.repeats,
        months.placed_appeals,
        months.placed_repeats
    from months
    inner join beginnings on months.region_id = beginnings.region_id
    where months.month_start > beginnings.last_undecided_day
),

counted as (
    select * from early_months
    union all
    select * from later_months
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
