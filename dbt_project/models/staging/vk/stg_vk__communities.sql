{{ config(unique_key=['region_id', 'owner_id', 'read_on']) }}

with

regions as (
    select * from {{ ref('stg_registry__regions') }}
),

received as (
    select
        communities.*,
        loads.load_seq,
        cast({{ local_time('communities.fetched_at', 'regions.time_zone') }} as date) as read_on
    from {{ source('raw', 'vk_communities') }} as communities
    inner join {{ ref('stg_operations__loads') }} as loads
        on communities._dlt_load_id = loads.load_id
    inner join regions on communities.region_id = regions.region_id
    {% if is_incremental() -%}
    where loads.load_seq > {{ last_load_seq() }}
    {%- endif %}
),

versions as (
    select
        *,
        row_number() over (
            partition by region_id, owner_id, read_on
            order by load_seq desc, fetched_at desc
        ) as version_rank
    from received
),

final as (
    select
        region_id,
        owner_id,
        read_on,
        members_count,
        is_government,
        has_description,
        has_avatar,
        has_cover,
        widgets_count,
        pos_link,
        deactivated,
        load_seq
    from versions
    where version_rank = 1
)

select * from final
