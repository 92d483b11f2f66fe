{{ config(slice_unit='month', slice_date='month_start') }}

-- depends_on: {{ ref('fct_appeals') }}

with

scores as (
    select * from {{ ref('int_answer_scores') }}
    where {{ in_touched_slices('month_start') }}
),

authorities as (
    select * from {{ ref('dim_authorities') }}
),

counted as (
    select
        region_id,
        month_start,
        authority_id,
        count(*) as answers,
        count(distinct appeal_id) as appeals,
        sum(case when is_interim then 1 else 0 end) as interim_answers,
        avg(score) as mean_score,
        {{ quantile('score', 0.5) }} as median_score,
        sum(case when long_enough then 1 else 0 end) as long_enough,
        sum(case when names_a_date then 1 else 0 end) as names_a_date,
        sum(case when names_a_deed then 1 else 0 end) as names_a_deed,
        sum(case when not_sent_elsewhere then 1 else 0 end) as not_sent_elsewhere,
        sum(case when not_a_template then 1 else 0 end) as not_a_template,
        sum(case when not_interim then 1 else 0 end) as not_interim,
        max(weights_version) as weights_version
    from scores
    group by region_id, month_start, authority_id
),

final as (
    select
        counted.region_id,
        counted.month_start,
        counted.authority_id,
        coalesce(authorities.name, 'не определён') as authority_name,
        authorities.level,
        authorities.authority_kind,
        cast(counted.answers as bigint) as answers,
        cast(counted.appeals as bigint) as appeals,
        cast(counted.interim_answers as bigint) as interim_answers,
        cast(counted.mean_score as double) as mean_score,
        cast(counted.median_score as double) as median_score,
        {{ share_of('counted.long_enough', 'counted.answers') }} as long_enough_share,
        {{ share_of('counted.names_a_date', 'counted.answers') }} as names_a_date_share,
        {{ share_of('counted.names_a_deed', 'counted.answers') }} as names_a_deed_share,
        {{ share_of('counted.not_sent_elsewhere', 'counted.answers') }} as not_sent_elsewhere_share,
        {{ share_of('counted.not_a_template', 'counted.answers') }} as not_a_template_share,
        {{ share_of('counted.not_interim', 'counted.answers') }} as not_interim_share,
        cast(counted.weights_version as integer) as weights_version
    from counted
    left join authorities
        on
            counted.region_id = authorities.region_id
            and counted.authority_id = authorities.authority_id
)

select * from final
