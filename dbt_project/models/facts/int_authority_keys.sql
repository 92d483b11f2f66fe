with

authorities as (
    select * from {{ ref('dim_authorities') }}
),

-- schools and village councils share their names; a name that several bear tells nothing
names as (
    select
        region_id,
        'name' as key_kind,
        {{ name_key('name') }} as authority_key,
        min(authority_id) as authority_id
    from authorities
    group by region_id, {{ name_key('name') }}
    having count(*) = 1
),

-- one ОГРН is one legal person, however often the registry lists it
registrations as (
    select
        region_id,
        'ogrn' as key_kind,
        ogrn as authority_key,
        min(authority_id) as authority_id
    from authorities
    where ogrn is not null
    group by region_id, ogrn
),

final as (
    select * from names
    union all
    select * from registrations
)

select * from final
