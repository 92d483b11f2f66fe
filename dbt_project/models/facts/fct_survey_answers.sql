{{ config(materialized='table', contract={'enforced': true}) }}

with

options as (
    select * from {{ ref('stg_surveys__options') }}
    union all
    select * from {{ ref('stg_pos__options') }}
),

poll_options as (
    select * from {{ ref('stg_vk__poll_options') }}
),

surveys as (
    select * from {{ ref('fct_surveys') }}
),

territory_names as (
    select * from {{ ref('int_territory_names') }}
),

answers as (
    select
        options.answer_key,
        options.survey_key,
        surveys.region_id,
        surveys.starts_on,
        options.question_id,
        options.question,
        options.option_id,
        options.option,
        coalesce(territory_names.territory_id, surveys.territory_id) as territory_id,
        options.votes
    from options
    inner join surveys on options.survey_key = surveys.survey_key
    left join territory_names
        on
            options.region_id = territory_names.region_id
            and {{ name_key('options.territory_label') }} = territory_names.name_key
),

poll_answers as (
    select
        poll_options.answer_key,
        poll_options.survey_key,
        surveys.region_id,
        surveys.starts_on,
        '1' as question_id,
        surveys.title as question,
        poll_options.option_id,
        poll_options.option,
        surveys.territory_id,
        poll_options.votes
    from poll_options
    inner join surveys on poll_options.survey_key = surveys.survey_key
),

final as (
    select * from answers
    union all
    select * from poll_answers
)

select * from final
