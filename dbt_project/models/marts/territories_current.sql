{{ config(materialized='table', post_hook=[]) }}

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

topic_groups as (
    select * from {{ ref('topic_groups') }}
),

-- whole days only: a day that has just begun would look quiet beside the same day a month ago
windows as (
    select
        region_id,
        {{ add_days(add_days(last_day('time_zone'), 1), -30) }} as period_from,
        {{ add_days(last_day('time_zone'), 1) }} as period_to
    from regions
),

recent as (
    select
        windows.region_id,
        coalesce(appeals.territory_id, 'unknown') as territory_id,
        coalesce(appeals.topic_group, 'unknown') as topic_group,
        appeals.local_date >= windows.period_from as is_current,
        appeals.answered_at is null as is_open,
        {{ is_overdue('appeals') }} as is_overdue
    from windows
    inner join appeals
        on
            windows.region_id = appeals.region_id
            and windows.period_to > appeals.local_date
            and {{ add_days('windows.period_from', -30) }} <= appeals.local_date
),

counted as (
    select
        region_id,
        territory_id,
        sum(case when is_current then 1 else 0 end) as appeals,
        sum(case when is_current then 0 else 1 end) as appeals_before,
        sum(case when is_current and is_open then 1 else 0 end) as open_appeals,
        sum(case when is_current and is_overdue then 1 else 0 end) as overdue_appeals
    from recent
    group by region_id, territory_id
),

topics as (
    select
        region_id,
        territory_id,
        topic_group,
        row_number() over (partition by region_id, territory_id order by count(*) desc, topic_group asc) as place
    from recent
    where is_current and topic_group <> 'unknown'
    group by region_id, territory_id, topic_group
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

filled as (
    select
        places.region_id,
        places.territory_id,
        places.name as territory_name,
        places.population,
        places.is_ranked,
        windows.period_from,
        windows.period_to,
        coalesce(counted.appeals, 0) as appeals,
        coalesce(counted.appeals_before, 0) as appeals_before,
        coalesce(counted.open_appeals, 0) as open_appeals,
        coalesce(counted.overdue_appeals, 0) as overdue_appeals,
        cast(coalesce(counted.appeals, 0) as double) * 10000 / nullif(places.population, 0) as appeals_per_10k,
        topic_groups.label_ru as top_topic_group_label
    from places
    inner join windows on places.region_id = windows.region_id
    left join counted
        on
            places.region_id = counted.region_id
            and places.territory_id = counted.territory_id
    left join topics
        on
            places.region_id = topics.region_id
            and places.territory_id = topics.territory_id
            and topics.place = 1
    left join topic_groups on topics.topic_group = topic_groups.topic_group
),

measured as (
    select
        filled.*,
        case when heat_rules.heat_measure = 'rate' then filled.appeals_per_10k else filled.appeals end as measure
    from filled
    inner join heat_rules on {{ rule_in_force('filled', 'filled.period_from') }}
),

ranked as (
    select
        *,
        rank() over (partition by region_id, is_ranked order by measure desc nulls last) as position,
        count(*) over (partition by region_id, is_ranked) as territories
    from measured
),

final as (
    select
        ranked.region_id,
        ranked.territory_id,
        ranked.territory_name,
        ranked.population,
        ranked.period_from,
        ranked.period_to,
        cast(ranked.appeals as bigint) as appeals,
        ranked.appeals_per_10k,
        cast(ranked.open_appeals as bigint) as open_appeals,
        cast(ranked.overdue_appeals as bigint) as overdue_appeals,
        cast(ranked.appeals_before as bigint) as appeals_30_days_before,
        cast(ranked.appeals - ranked.appeals_before as bigint) as appeals_change,
        ranked.top_topic_group_label,
        case
            when ranked.is_ranked
                then {{ heat_level('ranked.position', 'ranked.territories', 'ranked.appeals', 'ranked.measure') }}
        end as heat_level
    from ranked
    inner join heat_rules on {{ rule_in_force('ranked', 'ranked.period_from') }}
)

select * from final
