{{ config(materialized='table') }}

with

registry as (
    select * from {{ ref('stg_registry__loads') }}
),

versions as (
    select
        received.*,
        row_number() over (
            partition by received.region_id, received.page_ref
            order by loads.load_seq desc, received.fetched_at desc
        ) as version_rank
    from {{ source('raw', 'registry_pages') }} as received
    inner join {{ ref('stg_operations__loads') }} as loads on received._dlt_load_id = loads.load_id
),

-- a page that left the registry keeps its past weeks, so it stays here, marked
final as (
    select
        {{ surrogate_key(['versions.region_id', "'page'", 'versions.page_ref']) }} as page_id,
        versions.region_id,
        versions.vk_owner_id,
        versions.organisation,
        versions.no_page_reason,
        versions.ogrn,
        versions.status,
        versions.link_host,
        versions.link_name,
        versions._dlt_load_id = registry.newest_load_id as is_listed
    from versions
    inner join registry on versions.region_id = registry.region_id
    where versions.version_rank = 1
)

select * from final
