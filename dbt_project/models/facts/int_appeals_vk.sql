{{ config(materialized='ephemeral') }}

with

changed as (
    select * from {{ ref('int_changed_appeals') }}
    where source = 'vk'
),

comments as (
    select * from {{ ref('int_vk_branches') }}
),

posts as (
    select * from {{ ref('stg_vk__posts') }}
),

mentions as (
    select * from {{ ref('stg_vk__mentions') }}
),

gospublics as (
    select * from {{ ref('dim_gospublics') }}
),

branch_roots as (
    select
        changed.appeal_id,
        changed.load_seq,
        comments.region_id,
        comments.owner_id,
        comments.author_key,
        comments.created_at,
        comments.is_deleted
    from changed
    inner join comments on changed.appeal_id = comments.comment_key
    where
        comments.author_kind = 'citizen'
        and comments.is_branch_root
        and not comments.is_under_citizen_post
),

wall_posts as (
    select
        changed.appeal_id,
        changed.load_seq,
        posts.region_id,
        posts.owner_id,
        posts.author_key,
        posts.created_at,
        posts.is_deleted
    from changed
    inner join posts on changed.appeal_id = posts.post_key
    where posts.author_kind = 'citizen'
),

-- a post found by search that stands on an own page's wall is that wall's post, counted once
outside_mentions as (
    select
        changed.appeal_id,
        changed.load_seq,
        mentions.region_id,
        cast(null as bigint) as owner_id,
        mentions.author_key,
        mentions.created_at,
        false as is_deleted
    from changed
    inner join mentions on changed.appeal_id = mentions.post_key
    left join posts on mentions.post_key = posts.post_key
    where
        posts.post_key is null
        -- without an author key it was a community that wrote
        and mentions.author_key is not null
),

messages as (
    select * from branch_roots
    union all
    select * from wall_posts
    union all
    select * from outside_mentions
),

final as (
    select
        messages.appeal_id,
        messages.region_id,
        'vk' as source,
        'vk' as channel,
        'social' as intake,
        cast(null as {{ dbt.type_string() }}) as kind,
        not messages.is_deleted as is_countable,
        cast(null as {{ dbt.type_string() }}) as topic_group_label,
        cast(null as {{ dbt.type_string() }}) as topic_label,
        cast(null as {{ dbt.type_string() }}) as territory_label,
        gospublics.territory_id,
        gospublics.authority_id,
        gospublics.page_id,
        cast(null as {{ dbt.type_string() }}) as age_group,
        messages.author_key,
        messages.created_at,
        messages.created_at as registered_at,
        cast(null as boolean) as is_fast_track,
        cast(null as {{ dbt.type_string() }}) as source_status,
        cast(null as {{ dbt.type_string() }}) as outcome,
        cast(null as timestamp) as closed_at,
        cast(null as integer) as rating,
        cast(null as timestamp) as promised_at,
        cast(null as {{ dbt.type_string() }}) as place_key,
        cast(null as timestamp) as topic_changed_at,
        cast(null as boolean) as has_edited_dates,
        messages.load_seq
    from messages
    left join gospublics
        on
            messages.region_id = gospublics.region_id
            and messages.owner_id = gospublics.vk_owner_id
)

select * from final
