{{ config(slice_unit='month', slice_date='month_start') }}

with

{{ answers_of('authority_id') }},

features as (
    select * from {{ ref('stg_answer__features') }}
),

-- the newest version rates every month, also past ones: a score compares months under one rule
ranked_weights as (
    select
        *,
        rank() over (order by version desc) as age
    from {{ ref('answer_quality_weights') }}
),

weights as (
    select
        max(case when part = 'long_enough' then points end) as long_enough,
        max(case when part = 'names_a_date' then points end) as names_a_date,
        max(case when part = 'names_a_deed' then points end) as names_a_deed,
        max(case when part = 'not_sent_elsewhere' then points end) as not_sent_elsewhere,
        max(case when part = 'not_a_template' then points end) as not_a_template,
        max(case when part = 'not_interim' then points end) as not_interim,
        max(version) as version
    from ranked_weights
    where age = 1
),

looked_at as (
    select
        spoken.region_id,
        spoken.month_start,
        spoken.subject_id as authority_id,
        spoken.appeal_id,
        spoken.response_id,
        spoken.is_interim,
        features.long_enough,
        features.names_a_date,
        features.names_a_deed,
        features.not_sent_elsewhere,
        templates.answer_key is null as not_a_template,
        features.not_interim and not spoken.is_interim as not_interim
    from spoken
    inner join features on spoken.response_id = features.response_id
    left join templates
        on
            spoken.region_id = templates.region_id
            and spoken.month_start = templates.month_start
            and spoken.subject_id = templates.subject_id
            and spoken.answer_key = templates.answer_key
            and not spoken.is_interim
),

final as (
    select
        looked_at.*,
        case when looked_at.long_enough then weights.long_enough else 0 end
        + case when looked_at.names_a_date then weights.names_a_date else 0 end
        + case when looked_at.names_a_deed then weights.names_a_deed else 0 end
        + case when looked_at.not_sent_elsewhere then weights.not_sent_elsewhere else 0 end
        + case when looked_at.not_a_template then weights.not_a_template else 0 end
        + case when looked_at.not_interim then weights.not_interim else 0 end as score,
        weights.version as weights_version
    from looked_at
    cross join weights
)

select * from final
