{{ config(materialized='table', post_hook=[]) }}

with

authorities as (
    select * from {{ ref('dim_authorities') }}
),

gospublics as (
    select * from {{ ref('dim_gospublics') }}
    where is_listed
),

page_days as (
    select * from {{ ref('fct_gospublics') }}
),

unlisted as (
    select * from {{ ref('int_unlisted_pages') }}
),

kept as (
    select distinct
        region_id,
        authority_id
    from gospublics
),

newest as (
    select
        page_id,
        {{ last_value_by('has_mark', 'local_date') }} as has_mark,
        {{ last_value_by('has_valid_opa_id', 'local_date') }} as has_valid_opa_id,
        {{ last_value_by('has_valid_ogrn', 'local_date') }} as has_valid_ogrn,
        {{ last_value_by('is_dead', 'local_date') }} as is_dead,
        max(case when is_connected is not null or has_mark is not null then local_date end) as read_on
    from page_days
    group by page_id
),

pages as (
    select
        gospublics.*,
        newest.has_mark,
        newest.has_valid_opa_id,
        newest.has_valid_ogrn,
        coalesce(newest.is_dead, false) as is_dead,
        newest.read_on
    from gospublics
    left join newest on gospublics.page_id = newest.page_id
),

without_page as (
    select
        authorities.region_id,
        'authority_without_page' as finding,
        authorities.authority_id as subject_id,
        authorities.name as subject,
        cast(null as {{ dbt.type_string() }}) as network,
        authorities.authority_id,
        authorities.territory_id
    from authorities
    left join kept
        on
            authorities.region_id = kept.region_id
            and authorities.authority_id = kept.authority_id
    where
        kept.authority_id is null
        and authorities.page_exemption is null
        -- the law binds authorities and their institutions, not companies
        and authorities.authority_kind <> 'commercial'
),

of_pages as (
    select
        'page_of_no_authority' as finding,
        page_id
    from pages
    where authority_id is null
    union all
    select
        'dead_page' as finding,
        page_id
    from pages
    where is_dead
    union all
    select
        'no_mark' as finding,
        page_id
    from pages
    where not has_mark and not is_dead
    union all
    select
        'no_pos_link' as finding,
        page_id
    from pages
    where has_valid_opa_id is null and read_on is not null and not is_dead
    union all
    select
        'wrong_opa_id' as finding,
        page_id
    from pages
    where not has_valid_opa_id and not is_dead
    union all
    select
        'wrong_ogrn' as finding,
        page_id
    from pages
    where not has_valid_ogrn and not is_dead
),

page_findings as (
    select
        pages.region_id,
        of_pages.finding,
        pages.page_id as subject_id,
        pages.name as subject,
        pages.network,
        pages.authority_id,
        pages.territory_id
    from of_pages
    inner join pages on of_pages.page_id = pages.page_id
),

in_no_registry as (
    select
        region_id,
        'page_in_no_registry' as finding,
        network || ':' || network_page_id as subject_id,
        network_page_id as subject,
        network,
        cast(null as {{ dbt.type_string() }}) as authority_id,
        cast(null as {{ dbt.type_string() }}) as territory_id
    from unlisted
),

final as (
    select * from without_page
    union all
    select * from page_findings
    union all
    select * from in_no_registry
)

select * from final
