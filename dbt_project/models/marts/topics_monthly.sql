{{ config(slice_unit='month', slice_date='month_start', slice_reach=1) }}

with

appeals as (
    select
        *,
        {{ period_start('month', 'local_date') }} as month_start
    from {{ ref('fct_appeals') }}
    where is_countable
),

topic_groups as (
    select * from {{ ref('topic_groups') }}
),

topics as (
    select * from {{ ref('dim_topics') }}
),

counted as (
    select
        region_id,
        month_start,
        coalesce(topic_group, 'unknown') as topic_group,
        coalesce(topic_id, 'unknown') as topic_id,
        count(*) as appeals,
        sum(case when answered_at is not null then 1 else 0 end) as answered_appeals,
        sum(case when outcome = 'solved' then 1 else 0 end) as solved_appeals,
        sum(case when closed_at is not null then 1 else 0 end) as closed_appeals,
        sum(case when {{ is_overdue() }} then 1 else 0 end) as overdue_appeals,
        {{ mean_minutes('first_answer_minutes') }} as mean_first_answer_minutes
    from appeals
    where
        (
            {{ in_touched_slices('month_start') }}
            or {{ in_touched_slices(next_period('month', 'month_start')) }}
        )
        and {{ in_days_of_touched_slices(back=1) }}
    group by region_id, month_start, coalesce(topic_group, 'unknown'), coalesce(topic_id, 'unknown')
),

months as (
    select
        region_id,
        month_start,
        sum(appeals) as appeals_of_the_month
    from counted
    where {{ in_touched_slices('month_start') }}
    group by region_id, month_start
),

-- a topic that fell silent has a row that says so, or its fall would be missing from the changes
named as (
    select
        region_id,
        month_start,
        topic_group,
        topic_id
    from counted
    union
    select
        region_id,
        {{ next_period('month', 'month_start') }} as month_start,
        topic_group,
        topic_id
    from counted
),

final as (
    select
        named.region_id,
        named.month_start,
        named.topic_group,
        coalesce(topic_groups.label_ru, 'не определена') as topic_group_label,
        named.topic_id,
        coalesce(topics.label_ru, 'не определена') as topic_label,
        cast(coalesce(counted.appeals, 0) as bigint) as appeals,
        {{ share_of('coalesce(counted.appeals, 0)', 'months.appeals_of_the_month') }} as appeals_share,
        cast(coalesce(before.appeals, 0) as bigint) as appeals_month_before,
        cast(coalesce(counted.appeals, 0) - coalesce(before.appeals, 0) as bigint) as appeals_change,
        cast(coalesce(counted.answered_appeals, 0) as bigint) as answered_appeals,
        cast(coalesce(counted.closed_appeals, 0) as bigint) as closed_appeals,
        cast(coalesce(counted.solved_appeals, 0) as bigint) as solved_appeals,
        {{ share_of('counted.solved_appeals', 'counted.closed_appeals') }} as solved_share,
        cast(coalesce(counted.overdue_appeals, 0) as bigint) as overdue_appeals,
        counted.mean_first_answer_minutes
    from named
    inner join months
        on
            named.region_id = months.region_id
            and named.month_start = months.month_start
    left join counted
        on
            named.region_id = counted.region_id
            and named.month_start = counted.month_start
            and named.topic_group = counted.topic_group
            and named.topic_id = counted.topic_id
    left join counted as before
        on
            named.region_id = before.region_id
            and {{ previous_period('month', 'named.month_start') }} = before.month_start
            and named.topic_group = before.topic_group
            and named.topic_id = before.topic_id
    left join topic_groups on named.topic_group = topic_groups.topic_group
    left join topics on named.topic_id = topics.topic_id
)

select * from final
