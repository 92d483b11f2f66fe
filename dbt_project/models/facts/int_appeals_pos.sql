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

closings as (
    select
        statuses.appeal_id,
        max(statuses.changed_at) as closed_at
    from changed
    inner join appeals on changed.appeal_id = appeals.appeal_id
    inner join statuses
        on
            appeals.appeal_id = statuses.appeal_id
            and appeals.load_seq = statuses.load_seq
    where
        statuses.status in ('closed', 'rejected')
        and appeals.status in ('closed', 'rejected')
    group by statuses.appeal_id
),

final as (
    select
        appeals.appeal_id,
        appeals.region_id,
        'pos' as source,
        'pos' as channel,
        case when appeals.pos_kind = 'appeal' then 'pos_appeal' else 'pos_message' end as intake,
        {{ appeal_kind("''", 'appeals.topic_group_label') }} as kind,
        true as is_countable,
        appeals.topic_group_label,
        appeals.topic_label,
        appeals.territory_label,
        cast(null as {{ dbt.type_string() }}) as territory_id,
        authority_keys.authority_id,
        cast(null as {{ dbt.type_string() }}) as page_id,
        appeals.age_group,
        appeals.author_key,
        appeals.created_at,
        appeals.registered_at,
        appeals.is_fast_track,
        appeals.status as source_status,
        appeals.outcome,
        closings.closed_at,
        appeals.rating,
        cast(null as timestamp) as promised_at,
        appeals.place_key,
        histories.topic_changed_at,
        histories.has_edited_dates,
        changed.load_seq
    from changed
    inner join appeals on changed.appeal_id = appeals.appeal_id
    left join histories on changed.appeal_id = histories.appeal_id
    left join closings on appeals.appeal_id = closings.appeal_id
    left join authority_keys
        on
            appeals.region_id = authority_keys.region_id
            and appeals.ogrn = authority_keys.authority_key
)

select * from final
