with

regions as (
    select * from {{ ref('stg_registry__regions') }}
),

registry as (
    select * from {{ ref('stg_registry__loads') }}
),

territories as (
    select
        region_id,
        sum(population) as population
    from {{ ref('stg_registry__territories') }}
    group by region_id
),

final as (
    select
        regions.region_id,
        regions.name,
        regions.time_zone,
        regions.opened_on,
        cast(territories.population as bigint) as population,
        registry.mapping_seq
    from regions
    inner join registry on regions.region_id = registry.region_id
    left join territories on regions.region_id = territories.region_id
)

select * from final
