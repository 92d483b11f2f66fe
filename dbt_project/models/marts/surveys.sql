{{ config(materialized='table', post_hook=[]) }}

with

surveys as (
    select * from {{ ref('fct_surveys') }}
),

answers as (
    select * from {{ ref('fct_survey_answers') }}
),

territories as (
    select * from {{ ref('dim_territories') }}
),

counted as (
    select
        *,
        sum(votes) over (partition by survey_key, question_id, territory_id) as question_votes
    from answers
),

final as (
    select
        counted.region_id,
        counted.answer_key,
        counted.survey_key,
        surveys.title,
        surveys.channel,
        surveys.starts_on,
        surveys.ends_on,
        counted.question_id,
        counted.question,
        counted.option_id,
        counted.option,
        counted.territory_id,
        territories.name as territory_name,
        cast(counted.votes as bigint) as votes,
        cast(counted.question_votes as bigint) as question_votes,
        {{ share_of('counted.votes', 'counted.question_votes') }} as share,
        {{ wilson('counted.votes', 'counted.question_votes', 'low') }} as share_low,
        {{ wilson('counted.votes', 'counted.question_votes', 'high') }} as share_high
    from counted
    inner join surveys on counted.survey_key = surveys.survey_key
    left join territories
        on
            counted.region_id = territories.region_id
            and counted.territory_id = territories.territory_id
)

select * from final
