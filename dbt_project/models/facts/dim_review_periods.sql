with

periods as (
    select * from {{ ref('stg_registry__review_periods') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

final as (
    select
        region_id,
        period_from,
        period_to,
        -- the regions of a deployment are reviewed together over the windows that all of them review
        count(*) over (partition by period_from, period_to) = (select count(*) from regions)
        and count(*) over (partition by period_from, period_to) > 1 as is_shared
    from periods
)

select * from final
