with

periods as (
    select * from {{ ref('stg_registry__review_periods') }}
),

final as (
    select
        region_id,
        period_from,
        period_to
    from periods
)

select * from final
