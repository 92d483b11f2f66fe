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

histories as (
    select * from {{ ref('stg_incident__histories') }}
),

-- A row holds one answer. After an interim one the final answer is dated by its own moment where the row tells
-- another than before, else by the closing.
answers as (
    select
        appeal_id,
        'interim answer' as place,
        interim_answered_at as responded_at,
        true as is_interim,
        interim_answer_length as text_length,
        interim_answer_key as answer_key
    from histories
    where interim_answered_at is not null
    union all
    select
        appeals.appeal_id,
        'first answer' as place,
        case
            when appeals.first_answered_at > histories.interim_answered_at then appeals.first_answered_at
            when histories.interim_answered_at is not null then appeals.closed_at
            else appeals.first_answered_at
        end as responded_at,
        false as is_interim,
        appeals.first_answer_length as text_length,
        appeals.first_answer_key as answer_key
    from incident_appeals as appeals
    left join histories on appeals.appeal_id = histories.appeal_id
    where not appeals.is_answered_interim
),

final as (
    select
        changed.appeal_id,
        changed.region_id,
        changed.source,
        {{ surrogate_key(['answers.appeal_id', 'answers.place']) }} as response_id,
        answers.responded_at,
        authority_keys.authority_id,
        'own' as author_kind,
        answers.is_interim,
        answers.text_length,
        answers.answer_key
    from changed
    inner join incident_appeals as appeals on changed.appeal_id = appeals.appeal_id
    inner join answers on changed.appeal_id = answers.appeal_id
    left join authority_keys
        on
            appeals.region_id = authority_keys.region_id
            and authority_keys.key_kind = 'name'
            and {{ name_key('appeals.authority_label') }} = authority_keys.authority_key
    where
        changed.source = 'incident'
        and answers.responded_at is not null
)

select * from final
