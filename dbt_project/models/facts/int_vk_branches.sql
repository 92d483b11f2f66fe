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

readings as (
    select * from {{ ref('stg_vk__comment_readings') }}
),

removals as (
    select * from {{ ref('stg_vk__comment_removals') }}
),

placed as (
    select
        comments.comment_key,
        comments.branch_key,
        comments.post_key,
        comments.region_id,
        comments.owner_id,
        comments.comment_id,
        comments.is_branch_root,
        comments.author_kind,
        comments.author_page_id,
        comments.author_key,
        comments.created_at,
        comments.text_length,
        comments.answer_key,
        comments.load_seq,
        -- what a later reading of the whole post did not find has been taken away without a trace
        comments.is_deleted
        or coalesce(readings.load_seq > comments.load_seq, false)
        -- a load lands the comment beside its removal only where it was written first
        or coalesce(removals.load_seq >= comments.load_seq, false) as is_deleted,
        nullif(
            greatest(
                case when readings.load_seq > comments.load_seq then readings.load_seq else -1 end,
                case when removals.load_seq >= comments.load_seq then removals.load_seq else -1 end
            ),
            -1
        ) as gone_seq,
        coalesce(posts.author_kind = 'citizen', mentions.post_key is not null) as is_under_citizen_post,
        posts.post_key is not null or mentions.post_key is null as is_on_own_wall,
        greatest(coalesce(posts.load_seq, -1), coalesce(mentions.load_seq, -1)) as post_seq
    from comments
    left join posts on comments.post_key = posts.post_key
    left join mentions on comments.post_key = mentions.post_key
    left join readings on comments.post_key = readings.post_key
    left join removals on comments.comment_key = removals.comment_key
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
