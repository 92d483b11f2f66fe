{{ config(materialized='table') }}

with

received as (
    select
        periods.*,
        loads.load_seq,
        max(loads.load_seq) over (partition by periods.region_id) as newest_load_seq
    from {{ source('raw', 'registry_review_periods') }} as periods
    inner join {{ ref('stg_operations__loads') }} as loads
        on periods._dlt_load_id = loads.load_id
),

-- a window taken out of the configuration is no longer reviewed: only the newest set counts
final as (
    select distinct
        region_id,
        period_from,
        period_to
    from received
    where load_seq = newest_load_seq
)

select * from final
