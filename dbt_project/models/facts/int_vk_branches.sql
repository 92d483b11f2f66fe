{{ config(materialized='ephemeral') }}

with

comments as (
    select * from {{ ref('stg_vk__comments') }}
),

posts as (
    select * from {{ ref('stg_vk__posts') }}
),

mentions as (
    select * from {{ ref('stg_vk__mentions') }}
),

placed as (
    select
        comments.*,
        coalesce(posts.author_kind = 'citizen', mentions.post_key is not null) as is_under_citizen_post,
        posts.post_key is not null or mentions.post_key is null as is_on_own_wall,
        greatest(coalesce(posts.load_seq, -1), coalesce(mentions.load_seq, -1)) as post_seq
    from comments
    left join posts on comments.post_key = posts.post_key
    left join mentions on comments.post_key = mentions.post_key
),

-- everything under a citizen's own post belongs to that post; under an official post each branch is a
-- conversation of its own
final as (
    select
        *,
        case when is_under_citizen_post then post_key else branch_key end as appeal_id
    from placed
)

select * from final
