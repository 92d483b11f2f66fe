{{ config(materialized='table') }}

with

received as (
    {{ versioned_rows('registry_pages', ['region_id', 'page_ref'], mapped_columns=['vk_owner_id', 'ogrn']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'page'", 'page_ref']) }} as page_id,
        region_id,
        vk_owner_id,
        organisation,
        no_page_reason,
        ogrn,
        status,
        link_host,
        mapping_seq
    from received
    where version_rank = 1
)

select * from final
