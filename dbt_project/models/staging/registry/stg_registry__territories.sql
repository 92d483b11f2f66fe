{{ config(materialized='table') }}

with

listed as (
    {{ listed_rows('registry_territories') | indent(4) }}
),

final as (
    select
        region_id,
        territory_id,
        name,
        kind,
        population,
        latitude,
        longitude,
        aliases
    from listed
)

select * from final
