{{ config(slice_unit='month', slice_date='month_start', slice_reach=2, slice_clock=false) }}

with

days as (
    select
        *,
        {{ period_start('month', 'local_date') }} as month_start
    from {{ ref('int_topics_daily') }}
    where
        topic_group <> 'unknown'
        and territory_id <> 'unknown'
),

weeks as (
    {{ whole_numbers(8) | indent(4) }}
),

terms as (
    {{ whole_numbers(120) | indent(4) }}
),

-- eight weeks reach from a month's first day into the two before it: from 1 March to 4 January
topic_days as (
    select
        *,
        {{ add_days('local_date', -56) }} as first_day
    from days
    where
        (
            {{ in_touched_slices('month_start') }}
            or {{ in_touched_slices(next_period('month', 'month_start')) }}
            or {{ in_touched_slices(next_period('month', next_period('month', 'month_start'))) }}
        )
        and {{ in_days_of_touched_slices(back=2) }}
),

{{ alarming_days('topic_days', 'weeks', 'terms') }},

dated as (
    select
        *,
        {{ period_start('month', 'local_date') }} as month_start
    from alarming_days
),

final as (
    select
        region_id,
        month_start,
        local_date,
        topic_group,
        topic_id,
        territory_id,
        cast(appeals as bigint) as appeals,
        expected,
        chance
    from dated
    where {{ in_touched_slices('month_start') }}
)

select * from final
