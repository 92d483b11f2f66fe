{{ config(unique_key='survey_key') }}

with

received as (
    {{ received_rows('vk_polls', ['region_id', 'owner_id', 'poll_id']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'vk_poll'", 'owner_id', 'poll_id']) }} as survey_key,
        region_id,
        page_id as owner_id,
        question,
        created_at,
        ends_at,
        votes,
        load_seq
    from received
    where version_rank = 1
)

select * from final
