{{ config(materialized='ephemeral') }}

with

changed as (
    select * from {{ ref('int_changed_appeals') }}
),

vk_comments as (
    select * from {{ ref('int_vk_branches') }}
),

gospublics as (
    select * from {{ ref('dim_gospublics') }}
),

final as (
    select
        changed.appeal_id,
        changed.region_id,
        changed.source,
        comments.comment_key as response_id,
        comments.created_at as responded_at,
        authors.authority_id,
        case
            when authors.is_coordinator then 'coordinator'
            when comments.author_page_id = comments.owner_id and comments.is_on_own_wall then 'own'
            else 'other'
        end as author_kind,
        false as is_interim,
        comments.text_length,
        comments.answer_key
    from changed
    inner join vk_comments as comments on changed.appeal_id = comments.appeal_id
    left join gospublics as authors
        on
            comments.region_id = authors.region_id
            and comments.author_page_id = authors.vk_owner_id
    where
        changed.source = 'vk'
        and comments.author_kind = 'community'
        and not comments.is_deleted
        -- an official page answers inside a branch or under a citizen's post; its own new branch is news
        and (not comments.is_branch_root or comments.is_under_citizen_post)
        -- outside own walls only pages of the registry speak officially
        and (
            authors.page_id is not null
            or (comments.author_page_id = comments.owner_id and comments.is_on_own_wall)
        )
)

select * from final
