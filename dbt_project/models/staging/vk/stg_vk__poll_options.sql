{{ config(unique_key='answer_key') }}

with

received as (
    {{ received_rows('vk_poll_options', ['region_id', 'owner_id', 'poll_id', 'option_id']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'vk_poll'", 'owner_id', 'poll_id']) }} as survey_key,
        {{ surrogate_key(['region_id', "'vk_poll'", 'owner_id', 'poll_id', 'option_id']) }} as answer_key,
        region_id,
        cast(option_id as {{ dbt.type_string() }}) as option_id,
        text as option,
        votes,
        load_seq
    from received
    where version_rank = 1
)

select * from final
