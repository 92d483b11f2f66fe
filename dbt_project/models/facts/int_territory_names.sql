with

territories as (
    select * from {{ ref('stg_registry__territories') }}
),

aliases as (
    {{ split_rows(ref('stg_registry__territories'), ['region_id', 'territory_id'], 'aliases', 'spelling') | indent(4) }}
),

spellings as (
    select
        region_id,
        territory_id,
        name as spelling,
        0 as is_alias
    from territories
    union all
    select
        region_id,
        territory_id,
        spelling,
        1 as is_alias
    from aliases
),

ranked as (
    select
        region_id,
        territory_id,
        {{ name_key('spelling') }} as name_key,
        -- a name beats another municipality's alias of the same spelling
        row_number() over (
            partition by region_id, {{ name_key('spelling') }}
            order by is_alias, territory_id
        ) as name_rank
    from spellings
),

final as (
    select
        region_id,
        name_key,
        territory_id
    from ranked
    where
        name_rank = 1
        -- an empty alias (a doubled separator) would take every appeal without a municipality
        and name_key <> ''
)

select * from final
