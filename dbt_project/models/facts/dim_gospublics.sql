with

pages as (
    select * from {{ ref('stg_registry__pages') }}
),

authority_keys as (
    select * from {{ ref('int_authority_keys') }}
    where key_kind = 'ogrn'
),

authorities as (
    select * from {{ ref('dim_authorities') }}
),

final as (
    select
        pages.page_id,
        pages.region_id,
        coalesce(pages.link_host, 'vk.com') as network,
        pages.vk_owner_id,
        pages.organisation as name,
        authorities.authority_id,
        authorities.territory_id,
        coalesce(authorities.level = 'coordinator', false) as is_coordinator,
        pages.is_listed
    from pages
    left join authority_keys
        on
            pages.region_id = authority_keys.region_id
            and pages.ogrn = authority_keys.authority_key
    left join authorities
        on
            authority_keys.region_id = authorities.region_id
            and authority_keys.authority_id = authorities.authority_id
    -- registry rows without a page name an authority that keeps none
    where
        pages.link_host is not null
        or pages.vk_owner_id is not null
)

select * from final
