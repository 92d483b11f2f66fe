{{ config(materialized='ephemeral') }}

with

changed as (
    select * from {{ ref('int_changed_appeals') }}
),

authority_keys as (
    select * from {{ ref('int_authority_keys') }}
),

open311_requests as (
    select * from {{ ref('stg_open311__requests') }}
),

-- GeoReport knows no answers; a request that is closed was answered when it was closed
final as (
    select
        changed.appeal_id,
        changed.region_id,
        changed.source,
        {{ surrogate_key(['requests.appeal_id', "'closed'"]) }} as response_id,
        requests.closed_at as responded_at,
        authority_keys.authority_id,
        'own' as author_kind,
        false as is_interim,
        requests.notes_length as text_length,
        requests.answer_key
    from changed
    inner join open311_requests as requests on changed.appeal_id = requests.appeal_id
    left join authority_keys
        on
            requests.region_id = authority_keys.region_id
            and authority_keys.key_kind = 'name'
            and {{ name_key('requests.authority_label') }} = authority_keys.authority_key
    where
        changed.source = 'open311'
        and requests.closed_at is not null
)

select * from final
