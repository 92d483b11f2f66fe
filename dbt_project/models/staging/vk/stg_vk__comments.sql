{{ config(unique_key='comment_key') }}

with

received as (
    {{ received_rows('vk_comments', ['region_id', 'owner_id', 'comment_id']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'vk_comment'", 'owner_id', 'comment_id']) }} as comment_key,
        {{ surrogate_key(['region_id', "'vk_comment'", 'owner_id', 'coalesce(thread_id, comment_id)']) }} as branch_key,
        {{ surrogate_key(['region_id', "'vk_post'", 'owner_id', 'post_id']) }} as post_key,
        region_id,
        owner_id,
        comment_id,
        thread_id is null as is_branch_root,
        author_kind,
        author_page_id,
        author_key,
        created_at,
        likes_count,
        length(text) as text_length,
        {{ text_key('text') }} as text_key,
        case when author_kind = 'community' then {{ answer_key('text') }} end as answer_key,
        is_deleted,
        load_seq
    from received
    where version_rank = 1
)

select * from final
order by load_seq
