{{ config(materialized='table', tags=['after_gate']) }}

with

loads as (
    select * from {{ ref('stg_operations__load_counts') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

final as (
    select
        loads.load_id,
        loads.resource,
        loads.region_id,
        loads.source,
        cast({{ local_time('loads.fetched_at', 'regions.time_zone') }} as date) as local_date,
        loads.received,
        loads.landed,
        loads.quarantined,
        loads.skipped_unchanged,
        loads.erased,
        loads.requests,
        loads.retries,
        loads.fetched_at
    from loads
    inner join regions on loads.region_id = regions.region_id
)

select * from final
