{{ config(materialized='table', contract={'enforced': true}) }}

with

activities as (
    select * from {{ ref('stg_activities__activities') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

territory_names as (
    select * from {{ ref('int_territory_names') }}
),

topic_group_names as (
    select * from {{ ref('int_topic_group_names') }}
),

topics as (
    select * from {{ ref('dim_topics') }}
),

authority_keys as (
    select * from {{ ref('int_authority_keys') }}
    where key_kind = 'name'
),

final as (
    select
        activities.activity_key,
        activities.region_id,
        activities.kind,
        activities.title,
        activities.held_on,
        territory_names.territory_id,
        topic_group_names.topic_group,
        topics.topic_id,
        authority_keys.authority_id,
        activities.audience,
        activities.items
    from activities
    inner join regions on activities.region_id = regions.region_id
    left join territory_names
        on
            activities.region_id = territory_names.region_id
            and {{ name_key('activities.territory_label') }} = territory_names.name_key
    left join topic_group_names
        on {{ name_key('activities.topic_group_label') }} = topic_group_names.name_key
    left join topics
        on
            topic_group_names.topic_group = topics.topic_group
            and {{ name_key('activities.topic_label') }} = {{ name_key('topics.label_ru') }}
    left join authority_keys
        on
            activities.region_id = authority_keys.region_id
            and {{ name_key('activities.authority_label') }} = authority_keys.authority_key
)

select * from final
