{{ config(materialized='table', post_hook=[]) }}

with

flows as (
    select * from {{ ref('int_backlog_flows') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

calendar as (
    select * from {{ ref('dim_calendar') }}
),

moved as (
    select
        region_id,
        channel,
        happened_on,
        sum(opened) as opened,
        sum(answered) as answered,
        sum(became_overdue) as became_overdue
    from flows
    group by region_id, channel, happened_on
    union all
    select
        region_id,
        'all' as channel,
        happened_on,
        sum(opened) as opened,
        sum(answered) as answered,
        sum(became_overdue) as became_overdue
    from flows
    group by region_id, happened_on
),

beginnings as (
    select
        region_id,
        channel,
        min(happened_on) as first_day
    from moved
    group by region_id, channel
),

-- a day on which nothing moved carries its backlog, too
days as (
    select
        beginnings.region_id,
        beginnings.channel,
        calendar.local_date
    from beginnings
    inner join regions on beginnings.region_id = regions.region_id
    inner join calendar
        on
            beginnings.region_id = calendar.region_id
            and beginnings.first_day <= calendar.local_date
            and {{ last_day('regions.time_zone') }} >= calendar.local_date
),

running as (
    select
        days.region_id,
        days.local_date,
        days.channel,
        coalesce(moved.opened, 0) as opened,
        coalesce(moved.answered, 0) as answered,
        sum(coalesce(moved.opened, 0) - coalesce(moved.answered, 0)) over passed as still_open,
        sum(coalesce(moved.became_overdue, 0)) over passed as overdue
    from days
    left join moved
        on
            days.region_id = moved.region_id
            and days.channel = moved.channel
            and days.local_date = moved.happened_on
    window passed as (
        partition by days.region_id, days.channel order by days.local_date
        rows between unbounded preceding and current row
    )
),

final as (
    select
        region_id,
        local_date,
        channel,
        cast(coalesce(
            lag(still_open) over (partition by region_id, channel order by local_date), 0
        ) as bigint) as carried_over_appeals,
        cast(opened as bigint) as opened_appeals,
        cast(answered as bigint) as closed_appeals,
        cast(still_open as bigint) as open_appeals,
        cast(overdue as bigint) as overdue_appeals
    from running
)

select * from final
