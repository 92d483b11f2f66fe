{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        partition_by='change_seq',
        post_hook='{{ prune_slice_changes() }}',
    )
}}

{% set standing = standing_appeals() %}

with

batch as (
    select * from {{ ref('int_appeals_clocked') }}
),

changed as (
    select * from {{ ref('int_changed_appeals') }}
),

gospublics as (
    select * from {{ ref('int_gospublics_batch') }}
),

-- the days changed appeals are counted on now
gained as (
    select
        region_id,
        local_date
    from batch
),

-- the days they were counted on until now: written down before the fact is replaced, so that a run that dies
-- in between still owes both days
left_behind as (
    {% if standing -%}
        select
            standing.region_id,
            standing.local_date
        from changed
        inner join {{ standing }} as standing on changed.appeal_id = standing.appeal_id
    {%- else -%}
        select
            region_id,
            cast(null as date) as local_date
        from changed
        where false
    {%- endif %}
),

slices as (
    select
        'appeals' as subject,
        region_id,
        local_date
    from gained
    union
    select
        'appeals' as subject,
        region_id,
        local_date
    from left_behind
    union
    select
        'gospublics' as subject,
        region_id,
        local_date
    from gospublics
),

final as (
    select
        subject,
        region_id,
        local_date,
        -- numbers go up with every run that writes here, not with loads: a run that died may have written down
        -- the same loads before, and a mart that has read those must read these
        cast({{ next_change_seq() }} as bigint) as change_seq
    from slices
)

select * from final
