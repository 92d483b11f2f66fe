with

appeals as (
    select * from {{ ref('fct_appeals') }}
    where
        is_countable
        and topic_group is not null
        and territory_id is not null
        and coalesce(kind, 'complaint') <> 'thanks'
),

grouped as (
    select
        region_id,
        appeal_id,
        territory_id,
        topic_group,
        coalesce(topic_id, 'unknown') as topic_id,
        coalesce(place_key, 'territory') as place,
        {{ dbt.split_part("coalesce(place_key, 'territory')", "'|'", 1) }} as place_kind,
        local_date,
        registered_at,
        outcome,
        answered_at,
        min(local_date) over (partition by region_id) as first_day
    from appeals
),

in_order as (
    select
        *,
        lag(local_date) over (
            partition by region_id, territory_id, topic_group, topic_id, place
            order by registered_at, appeal_id
        ) as day_before
    from grouped
),

final as (
    select
        region_id,
        appeal_id,
        territory_id,
        topic_group,
        topic_id,
        place,
        place_kind,
        local_date,
        registered_at,
        outcome,
        answered_at,
        first_day,
        coalesce({{ add_days('day_before', 31) }} >= local_date, false) as is_repeat,
        {{ add_days('first_day', 31) }} < local_date as is_decided
    from in_order
)

select * from final
