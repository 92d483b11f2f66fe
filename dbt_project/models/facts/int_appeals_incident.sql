{{ config(materialized='ephemeral') }}

with

changed as (
    select * from {{ ref('int_changed_appeals') }}
    where source = 'incident'
),

appeals as (
    select * from {{ ref('stg_incident__appeals') }}
),

histories as (
    select * from {{ ref('stg_incident__histories') }}
),

authority_keys as (
    select * from {{ ref('int_authority_keys') }}
    where key_kind = 'name'
),

final as (
    select
        appeals.appeal_id,
        appeals.region_id,
        'incident' as source,
        'incident' as channel,
        'social' as intake,
        {{ appeal_kind('appeals.incident_type', 'appeals.topic_group_label') }} as kind,
        true as is_countable,
        appeals.topic_group_label,
        appeals.topic_label,
        appeals.territory_label,
        cast(null as {{ dbt.type_string() }}) as territory_id,
        authority_keys.authority_id,
        cast(null as {{ dbt.type_string() }}) as page_id,
        cast(null as {{ dbt.type_string() }}) as age_group,
        appeals.author_key,
        appeals.created_at,
        appeals.created_at as registered_at,
        cast(null as boolean) as is_fast_track,
        case
            when appeals.closed_at is not null then 'closed'
            when appeals.first_answered_at is not null then 'answered'
            else 'registered'
        end as source_status,
        {{ incident_outcome('appeals.outcome_label') }} as outcome,
        appeals.closed_at,
        cast(null as integer) as rating,
        cast(null as timestamp) as promised_at,
        appeals.place_key,
        histories.topic_changed_at,
        histories.has_edited_dates,
        changed.load_seq
    from changed
    inner join appeals on changed.appeal_id = appeals.appeal_id
    left join histories on changed.appeal_id = histories.appeal_id
    left join authority_keys
        on
            appeals.region_id = authority_keys.region_id
            and {{ name_key('appeals.authority_label') }} = authority_keys.authority_key
)

select * from final
