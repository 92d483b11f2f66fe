{{
    config(
        materialized='incremental',
        incremental_strategy='replace_keys',
        unique_key=['appeal_id', 'position'],
        replace_by='appeal_id',
        replace_batch='int_changed_appeals',
        contract={'enforced': true},
        post_hook="{{ advance_progress(ref('int_changed_appeals'), 'load_seq') }}",
    )
}}

-- depends_on: {{ ref('int_changed_appeals') }}

with

appeals as (
    select * from {{ ref('int_appeals_batch') }}
),

pos_appeals as (
    select * from {{ ref('stg_pos__appeals') }}
),

pos_statuses as (
    select * from {{ ref('stg_pos__statuses') }}
),

-- ПОС records each step itself; elsewhere the steps are read off the appeal's own moments
recorded as (
    select
        appeals.appeal_id,
        statuses.status as event,
        statuses.changed_at as happened_at,
        statuses.position as source_position
    from appeals
    inner join pos_appeals on appeals.appeal_id = pos_appeals.appeal_id
    inner join pos_statuses as statuses
        on
            pos_appeals.appeal_id = statuses.appeal_id
            and pos_appeals.load_seq = statuses.load_seq
),

derived as (
    select
        appeal_id,
        'registered' as event,
        registered_at as happened_at,
        1 as source_position
    from appeals
    where source <> 'pos'
    union all
    select
        appeal_id,
        'answered' as event,
        first_response_at as happened_at,
        2 as source_position
    from appeals
    where source <> 'pos' and first_response_at is not null
    union all
    select
        appeal_id,
        'closed' as event,
        closed_at as happened_at,
        3 as source_position
    from appeals
    where source <> 'pos' and closed_at is not null
),

events as (
    select * from recorded
    union all
    select * from derived
),

final as (
    select
        appeals.appeal_id,
        appeals.region_id,
        appeals.source,
        cast(row_number() over (
            partition by events.appeal_id order by events.happened_at, events.source_position
        ) as integer) as position,
        events.event,
        events.happened_at,
        appeals.local_date,
        appeals.load_seq
    from events
    inner join appeals on events.appeal_id = appeals.appeal_id
)

select * from final
order by local_date
