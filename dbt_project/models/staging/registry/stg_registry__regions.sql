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
        opened_on
    from listed
)

select * from final
