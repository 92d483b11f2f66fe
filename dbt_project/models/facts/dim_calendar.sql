with

production_calendar as (
    select * from {{ ref('production_calendar') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

days as (
    select
        regions.region_id,
        calendar.local_date,
        calendar.day_kind,
        calendar.working_seconds > 0 as is_working_day,
        calendar.opens_at_second,
        calendar.working_seconds
    from production_calendar as calendar
    cross join regions
),

final as (
    select
        region_id,
        local_date,
        {{ week_start('local_date') }} as week_start,
        cast(date_trunc('month', local_date) as date) as month_start,
        day_kind,
        is_working_day,
        cast(opens_at_second as bigint) as opens_at_second,
        cast(working_seconds as bigint) as working_seconds,
        cast((sum(working_seconds) over running) - working_seconds as bigint) as working_seconds_before,
        cast(sum(case when is_working_day then 1 else 0 end) over running as bigint) as working_days_through
    from days
    window running as (
        partition by region_id order by local_date
        rows between unbounded preceding and current row
    )
)

select * from final
