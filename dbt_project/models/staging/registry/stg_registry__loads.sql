{{ config(materialized='table') }}

with

registry_loads as (
    select
        regions.region_id,
        regions._dlt_load_id as load_id,
        loads.load_seq
    from {{ source('raw', 'registry_regions') }} as regions
    inner join {{ ref('stg_operations__loads') }} as loads on regions._dlt_load_id = loads.load_id
),

-- what facts depend on: a page that moves to another authority or a new spelling of a municipality changes
-- appeals that no load of theirs brings again
mapped_rows as (
    select
        _dlt_load_id as load_id,
        {{ surrogate_key(["'region'", 'region_id', 'time_zone']) }} as row_hash
    from {{ source('raw', 'registry_regions') }}
    union all
    select
        _dlt_load_id as load_id,
        {{ surrogate_key(["'territory'", 'territory_id', 'name', 'kind', 'population', 'aliases']) }} as row_hash
    from {{ source('raw', 'registry_territories') }}
    union all
    select
        _dlt_load_id as load_id,
        {{ surrogate_key([
            "'authority'", 'authority_id', 'authority_kind', 'level', 'territory_id', 'ogrn', 'opa_id', 'name'
        ]) }} as row_hash
    from {{ source('raw', 'registry_authorities') }}
    union all
    select
        _dlt_load_id as load_id,
        {{ surrogate_key(["'page'", 'page_ref', 'vk_owner_id', 'ogrn', 'link_host', 'link_name', 'organisation']) }}
            as row_hash
    from {{ source('raw', 'registry_pages') }}
),

-- one hash of the whole set, so that a row which left the registry counts as a change
mappings as (
    select
        load_id,
        {{ joined_text('row_hash', ' ', 'row_hash') }} as mapping
    from mapped_rows
    group by load_id
),

compared as (
    select
        registry_loads.region_id,
        registry_loads.load_id,
        registry_loads.load_seq,
        mappings.mapping,
        lag(mappings.mapping) over (
            partition by registry_loads.region_id order by registry_loads.load_seq
        ) as previous_mapping,
        row_number() over (
            partition by registry_loads.region_id order by registry_loads.load_seq desc
        ) as newest_rank
    from registry_loads
    inner join mappings on registry_loads.load_id = mappings.load_id
),

final as (
    select
        region_id,
        max(case when newest_rank = 1 then load_id end) as newest_load_id,
        max(case when mapping = previous_mapping then null else load_seq end) as mapping_seq
    from compared
    group by region_id
)

select * from final
