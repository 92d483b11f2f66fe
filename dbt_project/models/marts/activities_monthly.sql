{{ config(materialized='table', post_hook=[]) }}

with

activities as (
    select * from {{ ref('fct_activities') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

final as (
    select
        activities.region_id,
        {{ period_start('month', 'activities.held_on') }} as month_start,
        activities.kind,
        cast(sum(activities.items) as bigint) as activities,
        cast(sum(activities.audience) as bigint) as audience,
        cast(count(distinct activities.territory_id) as integer) as territories
    from activities
    inner join regions on activities.region_id = regions.region_id
    -- a plan is no activity yet
    where activities.held_on <= {{ last_day('regions.time_zone') }}
    group by activities.region_id, {{ period_start('month', 'activities.held_on') }}, activities.kind
)

select * from final
