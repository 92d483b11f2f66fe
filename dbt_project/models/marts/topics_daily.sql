with

appeals as (
    select * from {{ ref('fct_appeals') }}
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
        local_date,
        coalesce(topic_group, 'unknown') as topic_group,
        coalesce(topic_id, 'unknown') as topic_id,
        count(*) as appeals,
        sum(case when answered_at is not null then 1 else 0 end) as answered_appeals,
        sum(case when outcome = 'solved' then 1 else 0 end) as solved_appeals,
        sum(case when closed_at is not null then 1 else 0 end) as closed_appeals,
        sum(case when {{ is_overdue() }} then 1 else 0 end) as overdue_appeals
    from appeals
    where {{ in_touched_slices() }}
    group by region_id, local_date, coalesce(topic_group, 'unknown'), coalesce(topic_id, 'unknown')
),

final as (
    select
        counted.region_id,
        counted.local_date,
        counted.topic_group,
        coalesce(topic_groups.label_ru, 'не определена') as topic_group_label,
        counted.topic_id,
        coalesce(topics.label_ru, 'не определена') as topic_label,
        cast(counted.appeals as bigint) as appeals,
        cast(counted.answered_appeals as bigint) as answered_appeals,
        cast(counted.closed_appeals as bigint) as closed_appeals,
        cast(counted.solved_appeals as bigint) as solved_appeals,
        cast(counted.overdue_appeals as bigint) as overdue_appeals
    from counted
    left join topic_groups on counted.topic_group = topic_groups.topic_group
    left join topics on counted.topic_id = topics.topic_id
)

select * from final
