{{ config(materialized='ephemeral') }}

with

vk_comments as (
    select * from {{ ref('stg_vk__comments') }}
),

vk_posts as (
    select * from {{ ref('stg_vk__posts') }}
),

vk_mentions as (
    select * from {{ ref('stg_vk__mentions') }}
),

network_messages as (
    {{ network_union('messages', "author_kind = 'citizen'") | indent(4) }}
),

network_posts as (
    {{ network_union('posts', "author_kind = 'citizen'") | indent(4) }}
),

written as (
    select
        'vk' as source,
        region_id,
        comment_key as appeal_id,
        text_key,
        created_at,
        load_seq
    from vk_comments
    where
        author_kind = 'citizen'
        and is_branch_root
        and not is_deleted
    union all
    select
        'vk' as source,
        region_id,
        post_key as appeal_id,
        text_key,
        created_at,
        load_seq
    from vk_posts
    where
        author_kind = 'citizen'
        and not is_deleted
    union all
    select
        'vk' as source,
        mentions.region_id,
        mentions.post_key as appeal_id,
        mentions.text_key,
        mentions.created_at,
        mentions.load_seq
    from vk_mentions as mentions
    left join vk_posts as posts on mentions.post_key = posts.post_key
    where
        mentions.author_key is not null
        and posts.post_key is null
    union all
    select
        source,
        region_id,
        message_key as appeal_id,
        text_key,
        created_at,
        load_seq
    from network_messages
    where not is_deleted
    union all
    select
        source,
        region_id,
        post_key as appeal_id,
        text_key,
        created_at,
        load_seq
    from network_posts
    where not is_deleted
),

final as (
    select * from written
    where text_key is not null
)

select * from final
