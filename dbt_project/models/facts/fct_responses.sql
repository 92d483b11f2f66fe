{{
    config(
        materialized='incremental',
        incremental_strategy='replace_keys',
        unique_key='response_id',
        replace_by='appeal_id',
        replace_batch='int_changed_appeals',
        contract={'enforced': true},
        post_hook="{{ advance_progress(ref('int_changed_appeals'), 'load_seq') }}",
    )
}}

-- depends_on: {{ ref('int_changed_appeals') }}

with

responses as (
    select * from {{ ref('int_changed_responses') }}
    where {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
),

appeals as (
    select * from {{ ref('int_appeals_clocked') }}
    where {{ in_portion('appeal_id', 'facts.int_changed_appeals') }}
),

regions as (
    select * from {{ ref('int_region_clocks') }}
),

kinds as (
    select * from {{ ref('stg_registry__authority_kinds') }}
),

features as (
    select * from {{ ref('stg_answer__features') }}
),

numbered as (
    select
        responses.response_id,
        responses.appeal_id,
        appeals.region_id,
        appeals.source,
        appeals.channel,
        responses.authority_id,
        kinds.authority_kind,
        responses.author_kind,
        responses.responded_at,
        cast({{ region_time('responses.responded_at', 'regions') }} as date) as local_date,
        responses.is_interim,
        row_number() over (
            partition by responses.appeal_id order by responses.responded_at, responses.response_id
        ) as place,
        row_number() over (
            partition by responses.appeal_id
            order by
                case when responses.is_interim then 1 else 0 end,
                responses.responded_at desc,
                responses.response_id desc
        ) as place_from_the_end,
        cast({{ seconds_between('appeals.registered_at', 'responses.responded_at') }} as double) / 60
            as minutes_after_registration,
        cast(responses.text_length as integer) as text_length,
        coalesce(features.likeness_key, responses.answer_key) as answer_key,
        appeals.load_seq
    from responses
    -- a branch whose root is not a citizen's message is no appeal, so what is said there answers none
    inner join appeals on responses.appeal_id = appeals.appeal_id
    inner join regions on appeals.region_id = regions.region_id
    left join features on responses.response_id = features.response_id
    left join kinds
        on
            appeals.region_id = kinds.region_id
            and responses.authority_id = kinds.authority_id
            and responses.responded_at >= kinds.valid_from
            and (kinds.valid_until is null or responses.responded_at < kinds.valid_until)
),

final as (
    select
        response_id,
        appeal_id,
        region_id,
        source,
        channel,
        authority_id,
        authority_kind,
        author_kind,
        responded_at,
        local_date,
        place = 1 as is_first,
        place_from_the_end = 1 and not is_interim as is_final,
        is_interim,
        minutes_after_registration,
        text_length,
        answer_key,
        load_seq
    from numbered
)

select * from final
order by local_date
