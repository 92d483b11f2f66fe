{{ config(materialized='ephemeral') }}

with

changed as (
    select * from {{ ref('int_changed_appeals') }}
    where
        source = 'pos'
        and {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
),

pos_answers as (
    select * from {{ ref('stg_pos__answers') }}
    where {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
),

pos_appeals as (
    select * from {{ ref('stg_pos__appeals') }}
    where {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
),

authority_keys as (
    select * from {{ ref('int_authority_keys') }}
),

final as (
    select
        changed.appeal_id,
        changed.region_id,
        changed.source,
        answers.response_id,
        answers.answered_at as responded_at,
        authority_keys.authority_id,
        case when answers.ogrn = appeals.ogrn then 'own' else 'other' end as author_kind,
        answers.answer_kind = 'interim' as is_interim,
        answers.text_length,
        answers.answer_key
    from changed
    inner join pos_appeals as appeals on changed.appeal_id = appeals.appeal_id
    -- an answer the newest version of the appeal no longer carries was withdrawn
    inner join pos_answers as answers
        on
            appeals.appeal_id = answers.appeal_id
            and appeals.load_seq = answers.load_seq
    left join authority_keys
        on
            answers.region_id = authority_keys.region_id
            and authority_keys.key_kind = 'ogrn'
            and answers.ogrn = authority_keys.authority_key
)

select * from final
