with

spellings as (
    {{ split_rows(ref('topic_groups'), ['topic_group'], 'spellings', 'spelling') | indent(4) }}
),

labels as (
    select
        topic_group,
        label_ru as spelling
    from {{ ref('topic_groups') }}
),

every_name as (
    select * from spellings
    union all
    select * from labels
),

final as (
    select distinct
        {{ name_key('spelling') }} as name_key,
        topic_group
    from every_name
    where {{ name_key('spelling') }} <> ''
)

select * from final
