{{ config(slice_reach=1) }}

with

appeals as (
    select * from {{ ref('fct_appeals') }}
    where is_countable
),

territories as (
    select * from {{ ref('dim_territories') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

heat_rules as (
    select * from {{ ref('dim_heat_rules') }}
),

counted as (
    select
        region_id,
        local_date,
        coalesce(territory_id, 'unknown') as territory_id,
        count(*) as appeals,
        sum(case when answered_at is null then 1 else 0 end) as open_appeals,
        sum(case when {{ is_overdue() }} then 1 else 0 end) as overdue_appeals
    from appeals
    where
        (
            {{ in_touched_slices() }}
            or {{ in_touched_slices(add_days('local_date', 1)) }}
        )
        and {{ in_days_of_touched_slices(back=1) }}
    group by region_id, local_date, coalesce(territory_id, 'unknown')
),

days as (
    select distinct
        region_id,
        local_date
    from counted
    where {{ in_touched_slices() }}
),

places as (
    select
        region_id,
        territory_id,
        name,
        population,
        true as is_ranked
    from territories
    union all
    select
        region_id,
        'unknown' as territory_id,
        'не определена' as name,
        cast(null as bigint) as population,
        false as is_ranked
    from regions
),

-- a territory nobody wrote from that day stands in the heat map too, with a zero
filled as (
    select
        days.region_id,
        days.local_date,
        places.territory_id,
        places.name as territory_name,
        places.population,
        places.is_ranked,
        coalesce(counted.appeals, 0) as appeals,
        coalesce(counted.open_appeals, 0) as open_appeals,
        coalesce(counted.overdue_appeals, 0) as overdue_appeals,
        coalesce(before.appeals, 0) as appeals_day_before,
        cast(coalesce(counted.appeals, 0) as double) * 10000 / nullif(places.population, 0) as appeals_per_10k
    from days
    inner join places on days.region_id = places.region_id
    left join counted
        on
            days.region_id = counted.region_id
            and days.local_date = counted.local_date
            and places.territory_id = counted.territory_id
    left join counted as before
        on
            days.region_id = before.region_id
            and {{ add_days('days.local_date', -1) }} = before.local_date
            and places.territory_id = before.territory_id
),

measured as (
    select
        filled.*,
        case when heat_rules.heat_measure = 'rate' then filled.appeals_per_10k else filled.appeals end as measure
    from filled
    inner join heat_rules on {{ rule_in_force('filled', 'filled.local_date') }}
),

ranked as (
    select
        *,
        rank() over (
            partition by region_id, local_date, is_ranked order by measure desc nulls last
        ) as position,
        count(*) over (partition by region_id, local_date, is_ranked) as territories
    from measured
),

final as (
    select
        ranked.region_id,
        ranked.local_date,
        ranked.territory_id,
        ranked.territory_name,
        ranked.population,
        cast(ranked.appeals as bigint) as appeals,
        ranked.appeals_per_10k,
        cast(ranked.open_appeals as bigint) as open_appeals,
        cast(ranked.overdue_appeals as bigint) as overdue_appeals,
        cast(ranked.appeals_day_before as bigint) as appeals_day_before,
        cast(ranked.appeals - ranked.appeals_day_before as bigint) as appeals_change,
        case
            when ranked.is_ranked
                then {{ heat_level('ranked.position', 'ranked.territories', 'ranked.appeals', 'ranked.measure') }}
        end as heat_level
    from ranked
    inner join heat_rules on {{ rule_in_force('ranked', 'ranked.local_date') }}
)

select * from final
