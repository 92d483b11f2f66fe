with

authorities as (
    select * from {{ ref('stg_registry__authorities') }}
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
    from authorities
)

select * from final
