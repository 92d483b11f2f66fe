{{ config(slice_unit='month', slice_date='month_start', slice_reach=1) }}

with

territories as (
    select * from {{ ref('dim_territories') }}
),

heat_rules as (
    select * from {{ ref('dim_heat_rules') }}
),

{{ scorecard('case when not coalesce(territory_from_label, false) then territory_id end', back=1) }},

months_before as (
    select
        region_id,
        {{ next_period('month', 'month_start') }} as month_start,
        subject_id,
        count(*) as appeals
    from appeals
    where {{ in_touched_slices(next_period('month', 'month_start')) }}
    group by region_id, {{ next_period('month', 'month_start') }}, subject_id
),

described as (
    select
        measured.*,
        territories.name,
        territories.population,
        cast(measured.appeals as double) * 10000 / nullif(territories.population, 0) as appeals_per_10k,
        case when territories.territory_id is not null then coalesce(territories.kind, 'муниципалитет') end
            as peer_group
    from measured
    left join territories
        on
            measured.region_id = territories.region_id
            and measured.subject_id = territories.territory_id
),

{{ scorecard_ranks() }},

known as (
    select
        region_id,
        count(*) as territories
    from territories
    group by region_id
),

heat_ranked as (
    select
        peers.*,
        case when heat_rules.heat_measure = 'rate' then peers.appeals_per_10k else peers.appeals end as heat_value,
        rank() over (
            partition by peers.region_id, peers.month_start, peers.peer_group is null
            order by
                case when heat_rules.heat_measure = 'rate' then peers.appeals_per_10k else peers.appeals end
                desc nulls last
        ) as heat_place
    from peers
    inner join heat_rules on {{ rule_in_force('peers', 'peers.month_start') }}
),

heated as (
    select
        heat_ranked.*,
        case
            when heat_ranked.peer_group is not null
                then {{ heat_level(
                    'heat_ranked.heat_place', 'known.territories', 'heat_ranked.appeals', 'heat_ranked.heat_value'
                ) }}
        end as heat_level
    from heat_ranked
    inner join heat_rules on {{ rule_in_force('heat_ranked', 'heat_ranked.month_start') }}
    left join known on heat_ranked.region_id = known.region_id
),

final as (
    select
        peers.region_id,
        peers.month_start,
        peers.subject_id as territory_id,
        coalesce(peers.name, 'не определена') as territory_name,
        peers.population,
        peers.appeals_per_10k,
        cast(coalesce(months_before.appeals, 0) as bigint) as appeals_month_before,
        cast(peers.appeals - coalesce(months_before.appeals, 0) as bigint) as appeals_change,
        peers.heat_level,
        peers.peer_group,
        {{ scorecard_columns() }}
    from heated as peers
    left join months_before
        on
            peers.region_id = months_before.region_id
            and peers.month_start = months_before.month_start
            and peers.subject_id = months_before.subject_id
)

select * from final
