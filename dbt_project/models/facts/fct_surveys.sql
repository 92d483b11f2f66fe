{{ config(materialized='table', contract={'enforced': true}) }}

with

surveys as (
    select * from {{ ref('stg_surveys__surveys') }}
    union all
    select * from {{ ref('stg_pos__surveys') }}
),

polls as (
    select * from {{ ref('stg_vk__polls') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

gospublics as (
    select * from {{ ref('dim_gospublics') }}
),

channels as (
    select * from {{ ref('dim_channels') }}
),

territory_names as (
    select * from {{ ref('int_territory_names') }}
),

asked as (
    select
        surveys.survey_key,
        surveys.region_id,
        surveys.source,
        case surveys.source when 'pos' then 'pos' else coalesce(channels.channel, 'other') end as channel,
        surveys.title,
        territory_names.territory_id,
        surveys.starts_on,
        surveys.ends_on,
        surveys.participants
    from surveys
    inner join regions on surveys.region_id = regions.region_id
    left join channels on surveys.channel = channels.channel
    left join territory_names
        on
            surveys.region_id = territory_names.region_id
            and {{ name_key('surveys.territory_label') }} = territory_names.name_key
),

voted as (
    select
        polls.survey_key,
        polls.region_id,
        'vk' as source,
        'vk' as channel,
        polls.question as title,
        gospublics.territory_id,
        cast({{ local_time('polls.created_at', 'regions.time_zone') }} as date) as starts_on,
        cast({{ local_time('polls.ends_at', 'regions.time_zone') }} as date) as ends_on,
        polls.votes as participants
    from polls
    inner join regions on polls.region_id = regions.region_id
    left join gospublics
        on
            polls.region_id = gospublics.region_id
            and polls.owner_id = gospublics.vk_owner_id
),

final as (
    select * from asked
    union all
    select * from voted
)

select * from final
