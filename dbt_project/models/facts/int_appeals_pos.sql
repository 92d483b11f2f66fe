{{ config(materialized='ephemeral') }}

with

changed as (
    select * from {{ ref('int_changed_appeals') }}
    where source = 'pos'
),

appeals as (
    select * from {{ ref('stg_pos__appeals') }}
),

histories as (
    select * from {{ ref('stg_pos__histories') }}
),

statuses as (
    select * from {{ ref('stg_pos__statuses') }}
),

authority_keys as (
    select * from {{ ref('int_authority_keys') }}
    where key_kind = 'ogrn'
),

-- used twice below, so that the keys of all appeals are looked through once
found as (
    select
        appeals.*,
        changed.load_seq as changed_seq
    from changed
    inner join appeals on changed.appeal_id = appeals.appeal_id
),

-- an appeal's steps and its history came with its newest version: older loads need not be looked at
closings as (
    select
        statuses.appeal_id,
        max(statuses.changed_at) as closed_at
    from found
    inner join statuses
        on
            found.appeal_id = statuses.appeal_id
            and found.load_seq = statuses.load_seq
    where
        statuses.status in ('closed', 'rejected')
        and found.status in ('closed', 'rejected')
        and statuses.load_seq >= (select min(touched.load_seq) from found as touched)
    group by statuses.appeal_id
),

told as (
    select * from histories
    where load_seq >= (select min(touched.load_seq) from found as touched)
),

final as (
    select
        found.appeal_id,
        found.region_id,
        'pos' as source,
        'pos' as channel,
        case when found.pos_kind = 'appeal' then 'pos_appeal' else 'pos_message' end as intake,
        {{ appeal_kind("''", 'found.topic_group_label') }} as kind,
        true as is_countable,
        found.topic_group_label,
        found.topic_label,
        found.territory_label,
        cast(null as {{ dbt.type_string() }}) as territory_id,
        authority_keys.authority_id,
        cast(null as {{ dbt.type_string() }}) as page_id,
        found.age_group,
        found.author_key,
        found.created_at,
        found.registered_at,
        found.is_fast_track,
        found.status as source_status,
        found.outcome,
        closings.closed_at,
        found.rating,
        cast(null as timestamp) as promised_at,
        found.place_key,
        told.topic_changed_at,
        told.has_edited_dates,
        found.changed_seq as load_seq
    from found
    left join told on found.appeal_id = told.appeal_id
    left join closings on found.appeal_id = closings.appeal_id
    left join authority_keys
        on
            found.region_id = authority_keys.region_id
            and found.ogrn = authority_keys.authority_key
)

select * from final
