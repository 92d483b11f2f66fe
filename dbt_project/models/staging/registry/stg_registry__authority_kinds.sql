{{ config(materialized='table') }}

with

listings as (
    select
        authorities.region_id,
        authorities.authority_id,
        authorities.authority_kind,
        loads.load_seq,
        min(authorities.fetched_at) as listed_at
    from {{ source('raw', 'registry_authorities') }} as authorities
    inner join {{ ref('stg_operations__loads') }} as loads on authorities._dlt_load_id = loads.load_id
    group by authorities.region_id, authorities.authority_id, authorities.authority_kind, loads.load_seq
),

compared as (
    select
        region_id,
        authority_id,
        authority_kind,
        listed_at,
        load_seq,
        lag(authority_kind) over (partition by region_id, authority_id order by load_seq) as previous_kind,
        row_number() over (partition by region_id, authority_id order by load_seq) as place
    from listings
),

changes as (
    select * from compared
    where place = 1 or authority_kind <> previous_kind
),

final as (
    select
        region_id,
        authority_id,
        authority_kind,
        -- what an authority was before the first reading of the registry is not known otherwise
        case when place > 1 then listed_at else cast('1900-01-01' as timestamp) end as valid_from,
        lead(listed_at) over (partition by region_id, authority_id order by load_seq) as valid_until
    from changes
)

select * from final
