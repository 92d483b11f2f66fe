{{ config(materialized='view') }}

with

loads as (
    select * from {{ source('raw', 'loads') }}
),

finished as (
    select * from {{ ref('stg_operations__loads') }}
),

final as (
    select
        loads._dlt_load_id as load_id,
        loads.resource,
        loads.region_id,
        loads.source,
        loads.mode,
        finished.load_seq,
        loads.received,
        loads.landed,
        loads.quarantined,
        loads.skipped_unchanged,
        coalesce(loads.erased, 0) as erased,
        loads.requests,
        loads.retries,
        loads.fetched_at
    from loads
    inner join finished on loads._dlt_load_id = finished.load_id
)

select * from final
