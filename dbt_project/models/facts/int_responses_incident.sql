{{ config(materialized='ephemeral') }}

with

changed as (
    select * from {{ ref('int_changed_appeals') }}
),

authority_keys as (
    select * from {{ ref('int_authority_keys') }}
),

incident_appeals as (
    select * from {{ ref('stg_incident__appeals') }}
),

final as (
    select
        changed.appeal_id,
        changed.region_id,
        changed.source,
        {{ surrogate_key(['appeals.appeal_id', "'first answer'"]) }} as response_id,
        appeals.first_answered_at as responded_at,
        authority_keys.authority_id,
        'own' as author_kind,
        false as is_interim,
        appeals.first_answer_length as text_length,
        appeals.first_answer_key as answer_key
    from changed
    inner join incident_appeals as appeals on changed.appeal_id = appeals.appeal_id
    left join authority_keys
        on
            appeals.region_id = authority_keys.region_id
            and authority_keys.key_kind = 'name'
            and {{ name_key('appeals.authority_label') }} = authority_keys.authority_key
    where
        changed.source = 'incident'
        and appeals.first_answered_at is not null
)

select * from final
