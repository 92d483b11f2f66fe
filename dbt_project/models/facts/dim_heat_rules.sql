with

rules as (
    select * from {{ ref('stg_registry__heat_rules') }}
),

final as (
    select
        region_id,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by region_id order by valid_from), cast('9999-12-31' as date)
        ) as valid_to,
        heat_method,
        heat_measure,
        heat_minimum,
        heat_red_share,
        heat_yellow_share,
        heat_red_from,
        heat_yellow_from
    from rules
)

select * from final
