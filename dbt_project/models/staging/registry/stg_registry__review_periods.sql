{{ config(materialized='table') }}

with

listed as (
    {{ listed_rows('registry_review_periods') | indent(4) }}
),

-- a window written down twice is one window
final as (
    select distinct
        region_id,
        period_from,
        period_to
    from listed
)

select * from final
