{{ config(unique_key='post_key') }}

with

received as (
    {{ received_rows('vk_mentions', ['region_id', 'owner_id', 'post_id']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'vk_post'", 'owner_id', 'post_id']) }} as post_key,
        region_id,
        author_key,
        created_at,
        {{ text_key('text') }} as text_key,
        load_seq
    from received
    where version_rank = 1
)

select * from final
