{{ config(materialized='view') }}

with

loads as (
    select * from {{ source('raw', 'loads') }}
),

finished as (
    select * from {{ source('raw', '_dlt_loads') }}
),

final as (
    select
        loads._dlt_load_id as load_id,
        max(loads.load_seq) as load_seq
    from loads
    -- dlt states a load as complete when every table of it has landed
    inner join finished
        on
            loads._dlt_load_id = finished.load_id
            and finished.status = 0
    group by loads._dlt_load_id
)

select * from final
