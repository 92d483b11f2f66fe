{{ config(slice_unit='month', slice_date='month_start', slice_reach=2, slice_clock=false) }}

with

repeats as (
    select
        *,
        row_number() over (
            partition by region_id, month_start, territory_id, topic_group, topic_id, place
            order by registered_at, appeal_id
        ) as place_in_month,
        count(*) over (
            partition by region_id, month_start, territory_id, topic_group, topic_id, place
        ) as repeats_of_month
    from {{ ref('int_repeats') }}
    where
        is_repeat
        and {{ in_touched_slices('month_start') }}
),

-- no month has 32 days: all repeats of a group in one month are links of the same chain
final as (
    select
        region_id,
        month_start,
        territory_id,
        topic_group,
        topic_id,
        place,
        place_kind,
        max(local_date) as ended_on,
        count(*) as repeats,
        sum(case when outcome = 'solved' then 1 else 0 end) as solved_repeats,
        sum(case when answered_at is null then 1 else 0 end) as open_repeats,
        max(case when place_in_month = repeats_of_month then appeal_id end) as newest_appeal_id,
        max(case when place_in_month = 1 then repeated_appeal_id end) as repeated_appeal_id,
        max(case when place_in_month = 1 then repeated_date end) as repeated_date,
        max(case when place_in_month = 1 then repeated_outcome end) as repeated_outcome,
        max(case when place_in_month = 1 then repeated_answered_at end) as repeated_answered_at
    from repeats
    group by region_id, month_start, territory_id, topic_group, topic_id, place, place_kind
)

select * from final
