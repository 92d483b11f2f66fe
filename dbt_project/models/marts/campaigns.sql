{{ config(materialized='table', post_hook=[]) }}

with

appeals as (
    select * from {{ ref('fct_appeals') }}
    where
        is_countable
        and campaign_id is not null
),

topics as (
    select
        region_id,
        campaign_id,
        topic_group,
        row_number() over (partition by region_id, campaign_id order by count(*) desc, topic_group asc) as place
    from appeals
    where topic_group is not null
    group by region_id, campaign_id, topic_group
),

counted as (
    select
        region_id,
        campaign_id,
        min(local_date) as first_date,
        max(local_date) as final_date,
        count(*) as messages,
        count(distinct coalesce(author_key, appeal_id)) as authors,
        count(distinct channel) as channels,
        count(distinct territory_id) as territories,
        sum(case when territory_id is null then 1 else 0 end) as messages_without_territory,
        sum(case when first_response_at is null then 1 else 0 end) as unanswered_messages
    from appeals
    group by region_id, campaign_id
),

final as (
    select
        counted.region_id,
        counted.campaign_id,
        counted.first_date,
        counted.final_date,
        topics.topic_group,
        cast(counted.messages as bigint) as messages,
        cast(case when counted.authors >= {{ suppression_minimum() }} then counted.authors end as bigint) as authors,
        counted.authors < {{ suppression_minimum() }} as is_suppressed,
        cast(counted.channels as bigint) as channels,
        cast(counted.territories as bigint) as territories,
        cast(counted.messages_without_territory as bigint) as messages_without_territory,
        cast(counted.unanswered_messages as bigint) as unanswered_messages
    from counted
    left join topics
        on
            counted.region_id = topics.region_id
            and counted.campaign_id = topics.campaign_id
            and topics.place = 1
)

select * from final
