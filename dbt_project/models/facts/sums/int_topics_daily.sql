with

appeals as (
    select * from {{ ref('fct_appeals') }}
    where is_countable
),

final as (
    select
        region_id,
        local_date,
        coalesce(topic_group, 'unknown') as topic_group,
        coalesce(topic_id, 'unknown') as topic_id,
        coalesce(territory_id, 'unknown') as territory_id,
        cast(count(*) as bigint) as appeals
    from appeals
    where {{ in_touched_slices() }}
    group by
        region_id, local_date, coalesce(topic_group, 'unknown'), coalesce(topic_id, 'unknown'),
        coalesce(territory_id, 'unknown')
)

select * from final
