{{ config(materialized='table') }}

with

listed as (
    {{ listed_rows('registry_authorities') | indent(4) }}
),

final as (
    select
        region_id,
        authority_id,
        name,
        authority_kind,
        level,
        territory_id,
        ogrn,
        opa_id,
        page_exemption
    from listed
)

select * from final
