with

appeals as (
    select
        *,
        {{ is_on_time() }} as is_on_time,
        {{ is_judged() }} as is_judged,
        {{ is_overdue() }} as is_overdue
    from {{ ref('fct_appeals') }}
    where is_countable
),

final as (
    select
        region_id,
        local_date,
        channel,
        coalesce(territory_id, 'unknown') as territory_id,
        coalesce(topic_group, 'unknown') as topic_group,
        cast(count(*) as bigint) as appeals,
        cast(count(first_answer_minutes) as bigint) as answered_appeals,
        cast(coalesce(sum(cast(round(first_answer_minutes * 60) as bigint)), 0) as bigint) as first_answer_seconds,
        cast(sum(case when is_judged then 1 else 0 end) as bigint) as judged_appeals,
        cast(sum(case when is_judged and is_on_time then 1 else 0 end) as bigint) as on_time_appeals,
        cast(sum(case when is_overdue then 1 else 0 end) as bigint) as overdue_appeals,
        cast(sum(case when closed_at is not null then 1 else 0 end) as bigint) as closed_appeals,
        cast(sum(case when outcome = 'solved' then 1 else 0 end) as bigint) as solved_appeals
    from appeals
    where {{ in_touched_slices() }}
    group by region_id, local_date, channel, coalesce(territory_id, 'unknown'), coalesce(topic_group, 'unknown')
)

select * from final
