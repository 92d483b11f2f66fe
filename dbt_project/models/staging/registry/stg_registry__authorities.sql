{{ config(materialized='table') }}

with

received as (
    {{ versioned_rows('registry_authorities', ['region_id', 'authority_id'], mapped_columns=['name', 'level', 'territory_id', 'ogrn']) | indent(4) }}
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
        page_exemption,
        mapping_seq
    from received
    where version_rank = 1
)

select * from final
