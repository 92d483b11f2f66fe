with

production_calendar as (
    select * from {{ ref('production_calendar') }}
),

final as (
    select local_date
    from production_calendar
)

select * from final
