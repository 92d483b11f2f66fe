with

territories as (
    select * from {{ ref('stg_registry__territories') }}
),

final as (
    select
        region_id,
        territory_id,
        name,
        kind,
        population,
        latitude,
        longitude
    from territories
)

select * from final
