{{ config(materialized='table') }}

with

received as (
    {{ versioned_rows('registry_regions', ['region_id'], mapped_columns=['time_zone']) | indent(4) }}
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
        heat_yellow_from,
        mapping_seq
    from received
    where version_rank = 1
)

select * from final
