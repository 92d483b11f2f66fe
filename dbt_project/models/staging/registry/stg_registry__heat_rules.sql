{{ config(materialized='table') }}

with

listed as (
    {{ listed_rows('registry_heat_rules') | indent(4) }}
),

final as (
    select
        region_id,
        valid_from,
        heat_method,
        heat_measure,
        heat_minimum,
        heat_red_share,
        heat_yellow_share,
        heat_red_from,
        heat_yellow_from
    from listed
)

select * from final
