with

pages as (
    select * from {{ ref('stg_registry__pages') }}
),

authorities as (
    select * from {{ ref('dim_authorities') }}
),

final as (
    select
        pages.page_id,
        pages.region_id,
        pages.link_host as network,
        pages.vk_owner_id,
        pages.organisation as name,
        authorities.authority_id,
        authorities.territory_id,
        coalesce(authorities.level = 'coordinator', false) as is_coordinator
    from pages
    left join authorities
        on
            pages.region_id = authorities.region_id
            and pages.ogrn = authorities.ogrn
    -- registry rows without a link name an authority that keeps no page
    where pages.link_host is not null
)

select * from final
