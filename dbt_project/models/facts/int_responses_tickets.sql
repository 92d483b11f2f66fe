{{ config(materialized='ephemeral') }}

with

changed as (
    select * from {{ ref('int_changed_appeals') }}
),

authority_keys as (
    select * from {{ ref('int_authority_keys') }}
),

ticket_appeals as (
    {{ ticket_union('appeals') | indent(4) }}
),

ticket_answers as (
    {{ ticket_union('answers') | indent(4) }}
),

final as (
    select
        changed.appeal_id,
        changed.region_id,
        changed.source,
        answers.response_id,
        answers.answered_at as responded_at,
        coalesce(registrations.authority_id, names.authority_id) as authority_id,
        case
            when
                coalesce(answers.ogrn, appeals.ogrn, '') = coalesce(appeals.ogrn, '')
                and coalesce({{ name_key('answers.authority_label') }}, {{ name_key('appeals.authority_label') }}, '')
                = coalesce({{ name_key('appeals.authority_label') }}, '')
                then 'own'
            else 'other'
        end as author_kind,
        answers.answer_kind = 'interim' as is_interim,
        answers.text_length,
        answers.answer_key
    from changed
    inner join ticket_appeals as appeals on changed.appeal_id = appeals.appeal_id
    inner join ticket_answers as answers on appeals.appeal_id = answers.appeal_id
    left join authority_keys as registrations
        on
            answers.region_id = registrations.region_id
            and registrations.key_kind = 'ogrn'
            and coalesce(answers.ogrn, appeals.ogrn) = registrations.authority_key
    left join authority_keys as names
        on
            answers.region_id = names.region_id
            and names.key_kind = 'name'
            and {{ name_key('coalesce(answers.authority_label, appeals.authority_label)') }} = names.authority_key
)

select * from final
