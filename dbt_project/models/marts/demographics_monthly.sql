{{ config(materialized='table', post_hook=[]) }}

with

topic_groups as (
    select * from {{ ref('topic_groups') }}
),

{{ demographic_months() }},

final as (
    select
        months.region_id,
        months.month_start,
        months.topic_group,
        coalesce(topic_groups.label_ru, 'не определена') as topic_group_label,
        months.age_group as age_range,
        cast(case when not months.is_suppressed then months.appeals end as bigint) as appeals,
        months.is_suppressed
    from months
    left join topic_groups on months.topic_group = topic_groups.topic_group
)

select * from final
