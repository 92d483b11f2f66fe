with

topics as (
    select * from {{ ref('topics') }}
),

topic_groups as (
    select * from {{ ref('topic_groups') }}
),

final as (
    select
        topics.topic_id,
        topics.topic_group,
        topics.label_ru,
        topic_groups.label_ru as topic_group_label_ru,
        topics.is_fast_track
    from topics
    inner join topic_groups on topics.topic_group = topic_groups.topic_group
)

select * from final
