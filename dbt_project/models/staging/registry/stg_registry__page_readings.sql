{{ config(unique_key=['page_id', 'read_on']) }}

with

regions as (
    select * from {{ ref('stg_registry__regions') }}
),

received as (
    select
        pages.*,
        loads.load_seq,
        cast({{ local_time('pages.fetched_at', 'regions.time_zone') }} as date) as read_on
    from {{ source('raw', 'registry_pages') }} as pages
    inner join {{ ref('stg_operations__loads') }} as loads
        on pages._dlt_load_id = loads.load_id
    inner join regions on pages.region_id = regions.region_id
    {% if is_incremental() -%}
    where loads.load_seq > {{ last_load_seq() }}
    {%- endif %}
),

versions as (
    select
        *,
        row_number() over (
            partition by region_id, page_ref, read_on
            order by load_seq desc, fetched_at desc
        ) as version_rank
    from received
),

final as (
    select
        {{ surrogate_key(['region_id', "'page'", 'page_ref']) }} as page_id,
        region_id,
        read_on,
        is_connected,
        has_mark,
        design_percent,
        widgets,
        members_count,
        weekly_reach,
        mean_post_reach,
        load_seq
    from versions
    where version_rank = 1
)

select * from final
