with

spellings as (
    {{ split_rows(ref('topic_groups'), ['topic_group'], 'spellings', 'spelling') | indent(4) }}
),

final as (
    select distinct
        {{ name_key('spelling') }} as name_key,
        topic_group
    from spellings
    where {{ name_key('spelling') }} <> ''
)

select * from final
