with

appeals as (
    select * from {{ ref('fct_appeals') }}
    where
        is_countable
        and {{ in_touched_slices() }}
),

-- medians do not add up, so the row over all channels is computed, not summed
scopes as (
    select
        region_id,
        local_date,
        channel,
        first_answer_minutes,
        first_answer_working_minutes,
        {{ is_on_time() }} as is_on_time,
        {{ is_judged() }} as is_judged,
        {{ is_overdue() }} as is_overdue
    from appeals
    union all
    select
        region_id,
        local_date,
        'all' as channel,
        first_answer_minutes,
        first_answer_working_minutes,
        {{ is_on_time() }} as is_on_time,
        {{ is_judged() }} as is_judged,
        {{ is_overdue() }} as is_overdue
    from appeals
),

final as (
    select
        region_id,
        local_date,
        channel,
        cast(count(*) as bigint) as appeals,
        cast(count(first_answer_minutes) as bigint) as answered_appeals,
        {{ mean_minutes('first_answer_minutes') }} as mean_first_answer_minutes,
        {{ quantile('first_answer_minutes', 0.5) }} as median_first_answer_minutes,
        {{ quantile('first_answer_minutes', 0.9) }} as p90_first_answer_minutes,
        {{ mean_minutes('first_answer_working_minutes') }} as mean_first_answer_working_minutes,
        {{ quantile('first_answer_working_minutes', 0.5) }} as median_first_answer_working_minutes,
        cast(sum(case when is_judged then 1 else 0 end) as bigint) as judged_appeals,
        cast(sum(case when is_judged and is_on_time then 1 else 0 end) as bigint) as on_time_appeals,
        cast(sum(case when is_overdue then 1 else 0 end) as bigint) as overdue_appeals,
        {{ share_of(
            'sum(case when is_judged and is_on_time then 1 else 0 end)',
            'sum(case when is_judged then 1 else 0 end)'
        ) }} as on_time_share
    from scopes
    group by region_id, local_date, channel
)

select * from final
