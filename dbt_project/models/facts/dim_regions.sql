with

regions as (
    select * from {{ ref('stg_registry__regions') }}
),

territories as (
    select
        region_id,
        sum(population) as population,
        max(mapping_seq) as mapping_seq
    from {{ ref('stg_registry__territories') }}
    group by region_id
),

authorities as (
    select
        region_id,
        max(mapping_seq) as mapping_seq
    from {{ ref('stg_registry__authorities') }}
    group by region_id
),

pages as (
    select
        region_id,
        max(mapping_seq) as mapping_seq
    from {{ ref('stg_registry__pages') }}
    group by region_id
),

final as (
    select
        regions.region_id,
        regions.name,
        regions.time_zone,
        regions.opened_on,
        cast(territories.population as bigint) as population,
        regions.heat_method,
        regions.heat_measure,
        regions.heat_minimum,
        regions.heat_red_share,
        regions.heat_yellow_share,
        regions.heat_red_from,
        regions.heat_yellow_from,
        greatest(
            regions.mapping_seq,
            coalesce(territories.mapping_seq, -1),
            coalesce(authorities.mapping_seq, -1),
            coalesce(pages.mapping_seq, -1)
        ) as mapping_seq
    from regions
    left join territories on regions.region_id = territories.region_id
    left join authorities on regions.region_id = authorities.region_id
    left join pages on regions.region_id = pages.region_id
)

select * from final
