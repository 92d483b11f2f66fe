with

communities as (
    select
        *,
        row_number() over (partition by region_id, owner_id order by read_on desc, load_seq desc) as newest_rank
    from {{ ref('stg_vk__communities') }}
),

network_pages as (
    select * from {{ ref('int_network_pages') }}
),

gospublics as (
    select * from {{ ref('dim_gospublics') }}
    where is_listed
),

polled as (
    select
        region_id,
        'vk' as network,
        cast(owner_id as {{ dbt.type_string() }}) as network_page_id
    from communities
    where newest_rank = 1
    union all
    select
        region_id,
        source as network,
        network_page_id
    from network_pages
),

final as (
    select
        polled.region_id,
        polled.network,
        polled.network_page_id
    from polled
    left join gospublics
        on
            polled.region_id = gospublics.region_id
            and polled.network = gospublics.network
            and polled.network_page_id = gospublics.network_page_id
    where gospublics.page_id is null
)

select * from final
