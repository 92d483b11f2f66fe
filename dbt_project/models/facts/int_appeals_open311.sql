{{ config(materialized='ephemeral') }}

with

changed as (
    select * from {{ ref('int_changed_appeals') }}
    where source = 'open311'
),

requests as (
    select * from {{ ref('stg_open311__requests') }}
),

-- a topic whose name several groups bear tells nothing of the group
topics as (
    select
        {{ name_key('topics.label_ru') }} as topic_key,
        min(topic_groups.label_ru) as topic_group_label
    from {{ ref('dim_topics') }} as topics
    inner join {{ ref('topic_groups') }} as topic_groups on topics.topic_group = topic_groups.topic_group
    group by {{ name_key('topics.label_ru') }}
    having count(*) = 1
),

authority_keys as (
    select * from {{ ref('int_authority_keys') }}
    where key_kind = 'name'
),

final as (
    select
        requests.appeal_id,
        requests.region_id,
        'open311' as source,
        'open311' as channel,
        'other' as intake,
        cast(null as {{ dbt.type_string() }}) as kind,
        true as is_countable,
        -- cities name their services as they like; one that is called as a topic of ours is that topic
        coalesce(topics.topic_group_label, requests.topic_label) as topic_group_label,
        requests.topic_label,
        requests.territory_label,
        cast(null as {{ dbt.type_string() }}) as territory_id,
        authority_keys.authority_id,
        cast(null as {{ dbt.type_string() }}) as page_id,
        cast(null as {{ dbt.type_string() }}) as age_group,
        cast(null as {{ dbt.type_string() }}) as author_key,
        requests.requested_at as created_at,
        requests.requested_at as registered_at,
        cast(null as boolean) as is_fast_track,
        case when requests.closed_at is not null then 'closed' else 'registered' end as source_status,
        -- GeoReport v2: «closed: it has been resolved»
        case when requests.closed_at is not null then 'solved' end as outcome,
        requests.closed_at,
        cast(null as integer) as rating,
        requests.expected_at as promised_at,
        requests.place_key,
        cast(null as timestamp) as topic_changed_at,
        cast(null as boolean) as has_edited_dates,
        changed.load_seq
    from changed
    inner join requests on changed.appeal_id = requests.appeal_id
    left join topics on {{ name_key('requests.topic_label') }} = topics.topic_key
    left join authority_keys
        on
            requests.region_id = authority_keys.region_id
            and {{ name_key('requests.authority_label') }} = authority_keys.authority_key
)

select * from final
