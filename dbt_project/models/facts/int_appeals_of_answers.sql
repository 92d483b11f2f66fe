{{ config(materialized='ephemeral') }}

with

features as (
    select * from {{ ref('stg_answer__features') }}
),

vk_comments as (
    select * from {{ ref('stg_vk__comments') }}
),

thread_messages as (
    select * from {{ ref('int_thread_messages') }}
),

-- whether a branch or the post above it is the appeal is told elsewhere; what is none changes nothing
final as (
    select
        region_id,
        source,
        object_key as appeal_id,
        load_seq
    from features
    where object_key <> response_id
    union all
    select
        features.region_id,
        features.source,
        vk_comments.branch_key as appeal_id,
        features.load_seq
    from features
    inner join vk_comments on features.response_id = vk_comments.comment_key
    union all
    select
        features.region_id,
        features.source,
        vk_comments.post_key as appeal_id,
        features.load_seq
    from features
    inner join vk_comments on features.response_id = vk_comments.comment_key
    union all
    select
        features.region_id,
        features.source,
        thread_messages.root_key as appeal_id,
        features.load_seq
    from features
    inner join thread_messages on features.response_id = thread_messages.message_key
    union all
    select
        features.region_id,
        features.source,
        thread_messages.thread_key as appeal_id,
        features.load_seq
    from features
    inner join thread_messages on features.response_id = thread_messages.message_key
)

select * from final
