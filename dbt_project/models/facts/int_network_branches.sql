{{ config(materialized='ephemeral') }}

with

messages as (
    select * from {{ ref('int_thread_messages') }}
),

posts as (
    {{ network_union('posts', "author_kind = 'citizen'") | indent(4) }}
),

-- everything under a citizen's own post belongs to that post, as on VK's walls
final as (
    select
        messages.*,
        posts.post_key is not null as is_under_citizen_post,
        coalesce(posts.post_key, messages.root_key) as appeal_id,
        coalesce(posts.load_seq, -1) as post_seq
    from messages
    left join posts on messages.thread_key = posts.post_key
)

select * from final
