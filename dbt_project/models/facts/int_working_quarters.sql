with

calendar as (
    select * from {{ ref('dim_calendar') }}
),

quarters as (
    {{ whole_numbers(96) | indent(4) }}
),

-- every quarter of an hour that is worked, numbered through the years: the inverse of the calendar, so that
-- "540 working minutes later" is an equality join
final as (
    select
        calendar.region_id,
        cast(floor(calendar.working_seconds_before / 900) as bigint) + quarters.number as quarter_number,
        calendar.local_date,
        calendar.working_seconds_before,
        calendar.opens_at_second
    from calendar
    inner join quarters on quarters.number * 900 < calendar.working_seconds
)

select * from final
