{{ config(unique_key='post_key') }}

with

received as (
    {{ received_rows('vk_posts', ['region_id', 'owner_id', 'post_id']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'vk_post'", 'owner_id', 'post_id']) }} as post_key,
        region_id,
        owner_id,
        post_id,
        author_kind,
        author_key,
        created_at,
        comments_count,
        likes_count,
        reposts_count,
        views_count,
        {{ text_key('text') }} as text_key,
        is_deleted,
        load_seq
    from received
    where version_rank = 1
)

select * from final
order by load_seq
