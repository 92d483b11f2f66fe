{{ config(unique_key='comment_key') }}

with

received as (
    {{ received_rows('vk_comment_removals', ['region_id', 'owner_id', 'comment_id']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'vk_comment'", 'owner_id', 'comment_id']) }} as comment_key,
        region_id,
        load_seq
    from received
    where version_rank = 1
)

select * from final
