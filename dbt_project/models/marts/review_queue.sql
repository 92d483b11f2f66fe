with

appeals as (
    select
        *,
        case
            when kind is null and topic_group is null then 'kind_and_topic'
            when kind is null then 'kind'
            when needs_answer and topic_group is null then 'topic'
        end as missing
    from {{ ref('fct_appeals') }}
    where
        is_countable
        and label_version is not null
),

final as (
    select
        region_id,
        local_date,
        channel,
        missing,
        cast(count(*) as bigint) as messages,
        cast(sum(case when first_response_at is null then 1 else 0 end) as bigint) as unanswered_messages,
        cast(sum(case when territory_id is null then 1 else 0 end) as bigint) as messages_without_territory
    from appeals
    where
        missing is not null
        and {{ in_touched_slices() }}
    group by region_id, local_date, channel, missing
)

select * from final
