{{ config(slice_unit='month', slice_date='month_start', slice_reach=2, slice_clock=false) }}

with

appeals as (
    {{ appeals_that_may_repeat() | indent(4) }}
),

-- 31 days reach from a month's first day into the two before it: from 1 March to 29 January
grouped as (
    select
        region_id,
        month_start,
        appeal_id,
        territory_id,
        topic_group,
        coalesce(topic_id, 'unknown') as topic_id,
        coalesce(place_key, 'territory') as place,
        {{ dbt.split_part("coalesce(place_key, 'territory')", "'|'", 1) }} as place_kind,
        local_date,
        registered_at,
        outcome,
        answered_at
    from appeals
    where
        (
            {{ in_touched_slices('month_start') }}
            or {{ in_touched_slices(next_period('month', 'month_start')) }}
            or {{ in_touched_slices(next_period('month', next_period('month', 'month_start'))) }}
        )
        and {{ in_days_of_touched_slices(back=2) }}
),

in_order as (
    select
        *,
        lag(appeal_id) over group_in_order as appeal_before,
        lag(local_date) over group_in_order as day_before,
        lag(outcome) over group_in_order as outcome_before,
        lag(answered_at) over group_in_order as answered_before
    from grouped
    window group_in_order as (
        partition by region_id, territory_id, topic_group, topic_id, place
        order by registered_at, appeal_id
    )
),

judged as (
    select
        *,
        coalesce({{ add_days('day_before', 31) }} >= local_date, false) as is_repeat
    from in_order
    where {{ in_touched_slices('month_start') }}
),

final as (
    select
        region_id,
        month_start,
        appeal_id,
        territory_id,
        topic_group,
        topic_id,
        place,
        place_kind,
        local_date,
        registered_at,
        outcome,
        answered_at,
        is_repeat,
        case when is_repeat then appeal_before end as repeated_appeal_id,
        case when is_repeat then day_before end as repeated_date,
        case when is_repeat then outcome_before end as repeated_outcome,
        case when is_repeat then answered_before end as repeated_answered_at
    from judged
)

select * from final
