{{ config(materialized='ephemeral') }}

with

comments as (
    select * from {{ ref('stg_vk__comments') }}
),

posts as (
    select * from {{ ref('stg_vk__posts') }}
),

-- everything under a citizen's own post on the wall belongs to that post; under an official post each
-- branch is a conversation of its own
final as (
    select
        comments.*,
        coalesce(posts.author_kind = 'citizen', false) as is_under_citizen_post,
        case
            when posts.author_kind = 'citizen' then comments.post_key
            else comments.branch_key
        end as appeal_id
    from comments
    left join posts on comments.post_key = posts.post_key
)

select * from final
