{{ config(materialized='table') }}

with

received as (
    {{ versioned_rows('registry_territories', ['region_id', 'territory_id'], mapped_columns=['name', 'aliases', 'population']) | indent(4) }}
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
        aliases,
        mapping_seq
    from received
    where version_rank = 1
)

select * from final
