{{ config(materialized='table') }}

with

listed as (
    {{ listed_rows('registry_regions') | indent(4) }}
),

final as (
    select
        region_id,
        name,
        time_zone,
        opened_on,
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
