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

network_pages as (
    select * from {{ ref('int_network_pages') }}
),

placed as (
    select
        *,
        case
            when link_host in ('ok.ru', 'odnoklassniki.ru') then 'ok'
            when link_host in ('t.me', 'telegram.me') then 'telegram'
            when link_host in ('max.ru', 'web.max.ru') then 'max'
            when vk_owner_id is not null or link_host in ('vk.com', 'vk.ru') then 'vk'
            else link_host
        end as network
    from pages
    -- registry rows without a page name an authority that keeps none
    where
        link_host is not null
        or vk_owner_id is not null
),

final as (
    select
        pages.page_id,
        pages.region_id,
        pages.network,
        -- VK's pages are listed by number; those of other networks are known by name until they are read
        case
            when pages.network = 'vk' then cast(pages.vk_owner_id as {{ dbt.type_string() }})
            else coalesce(network_pages.network_page_id, pages.link_name)
        end as network_page_id,
        pages.vk_owner_id,
        pages.organisation as name,
        authorities.authority_id,
        authorities.authority_kind,
        authorities.territory_id,
        coalesce(authorities.level = 'coordinator', false) as is_coordinator,
        pages.is_listed
    from placed as pages
    left join network_pages
        on
            pages.region_id = network_pages.region_id
            and pages.network = network_pages.source
            and pages.link_name = network_pages.link_name
    left join authority_keys
        on
            pages.region_id = authority_keys.region_id
            and pages.ogrn = authority_keys.authority_key
    left join authorities
        on
            authority_keys.region_id = authorities.region_id
            and authority_keys.authority_id = authorities.authority_id
)

select * from final
