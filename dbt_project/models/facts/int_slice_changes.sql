{{ config(materialized='incremental', incremental_strategy='append') }}

with

batch as (
    select * from {{ ref('int_appeals_batch') }}
),

changed as (
    select * from {{ ref('int_changed_appeals') }}
),

gospublics as (
    select * from {{ ref('int_gospublics_batch') }}
),

slices as (
    select
        'appeals' as subject,
        region_id,
        local_date,
        load_seq
    from batch
    union all
    select
        'gospublics' as subject,
        region_id,
        local_date,
        load_seq
    from gospublics
    {%- set standing = adapter.get_relation(database=target.database, schema='facts', identifier='fct_appeals')
        if execute else none %}
    {% if standing and is_incremental() -%}
    -- a corrected appeal touches the day it is counted on and the day it was counted on; written down before
    -- the fact is replaced, so that a run that dies in between still owes both days
    union all
    select
        'appeals' as subject,
        standing.region_id,
        standing.local_date,
        changed.load_seq
    from {{ standing }} as standing
    inner join changed on standing.appeal_id = changed.appeal_id
    {%- endif %}
),

final as (
    select
        subject,
        region_id,
        local_date,
        max(load_seq) as load_seq
    from slices
    group by subject, region_id, local_date
)

select * from final
