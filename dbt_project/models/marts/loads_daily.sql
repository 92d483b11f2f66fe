{{ config(materialized='table', post_hook=[]) }}

with

loads as (
    select * from {{ ref('int_loads') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

summed as (
    select
        region_id,
        source,
        local_date,
        count(distinct load_id) as loads,
        sum(received) as received,
        sum(landed) as landed,
        sum(quarantined) as quarantined,
        sum(skipped_unchanged) as skipped_unchanged,
        sum(erased) as erased,
        sum(requests) as requests,
        sum(retries) as retries,
        max(fetched_at) as last_fetched_at
    from loads
    group by region_id, source, local_date
),

-- how old what we know of the source was when the day ended, or at as_of on the last one
aged as (
    select
        summed.*,
        least(
            {{ utc_time(
                'cast(' ~ add_days('summed.local_date', 1) ~ ' as timestamp)', 'regions.time_zone'
            ) }},
            {{ as_of() }}
        ) as day_ended_at
    from summed
    inner join regions on summed.region_id = regions.region_id
),

final as (
    select
        region_id,
        source,
        local_date,
        cast(loads as bigint) as loads,
        cast(received as bigint) as received,
        cast(landed as bigint) as landed,
        cast(quarantined as bigint) as quarantined,
        cast(skipped_unchanged as bigint) as skipped_unchanged,
        cast(erased as bigint) as erased,
        cast(requests as bigint) as requests,
        cast(retries as bigint) as retries,
        last_fetched_at,
        cast(greatest({{ seconds_between('last_fetched_at', 'day_ended_at') }}, 0) as double) / 60 as lag_minutes
    from aged
)

select * from final
