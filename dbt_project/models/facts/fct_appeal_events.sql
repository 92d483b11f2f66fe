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

recorded_appeals as (
    select * from {{ ref('int_appeals_clocked') }}
    where
        source = 'pos'
        and {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
),

other_appeals as (
    select * from {{ ref('int_appeals_clocked') }}
    where
        source <> 'pos'
        and {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
),

pos_appeals as (
    select * from {{ ref('stg_pos__appeals') }}
    where {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
),

pos_statuses as (
    select * from {{ ref('stg_pos__statuses') }}
    where {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
),

-- ПОС records each step itself
recorded as (
    select
        recorded_appeals.appeal_id,
        recorded_appeals.region_id,
        recorded_appeals.source,
        recorded_appeals.local_date,
        recorded_appeals.load_seq,
        statuses.status as event,
        statuses.changed_at as happened_at,
        statuses.position as source_position
    from recorded_appeals
    inner join pos_appeals on recorded_appeals.appeal_id = pos_appeals.appeal_id
    inner join pos_statuses as statuses
        on
            pos_appeals.appeal_id = statuses.appeal_id
            and pos_appeals.load_seq = statuses.load_seq
),

-- elsewhere the steps are read off the appeal's own moments
steps as (
    select
        1 as source_position,
        'registered' as event
    union all
    select
        2 as source_position,
        'answered' as event
    union all
    select
        3 as source_position,
        'closed' as event
),

derived as (
    select
        other_appeals.appeal_id,
        other_appeals.region_id,
        other_appeals.source,
        other_appeals.local_date,
        other_appeals.load_seq,
        steps.event,
        case steps.event
            when 'registered' then other_appeals.registered_at
            when 'answered' then other_appeals.first_response_at
            when 'closed' then other_appeals.closed_at
        end as happened_at,
        steps.source_position
    from other_appeals
    cross join steps
),

events as (
    select * from recorded
    union all
    select * from derived
    where event = 'registered' or happened_at is not null
),

final as (
    select
        appeal_id,
        region_id,
        source,
        cast(row_number() over (
            partition by appeal_id order by happened_at, source_position
        ) as integer) as position,
        event,
        happened_at,
        local_date,
        load_seq
    from events
)

select * from final
order by local_date
