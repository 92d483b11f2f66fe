{{ config(materialized='ephemeral') }}

with

changed as (
    select * from {{ ref('int_changed_appeals') }}
    where
        source = 'pos'
        and {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
),

appeals as (
    select * from {{ ref('stg_pos__appeals') }}
    where {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
),

authority_keys as (
    select * from {{ ref('int_authority_keys') }}
    where key_kind = 'ogrn'
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
        appeals.closed_at,
        appeals.rating,
        cast(null as timestamp) as promised_at,
        appeals.place_key,
        appeals.topic_changed_at,
        appeals.has_edited_dates,
        changed.load_seq
    from changed
    inner join appeals on changed.appeal_id = appeals.appeal_id
    left join authority_keys
        on
            appeals.region_id = authority_keys.region_id
            and appeals.ogrn = authority_keys.authority_key
)

select * from final
