{{ config(unique_key='response_id') }}

with

received as (
    {{ received_rows('files_answers', ['region_id', 'ticket_id', 'answer_id']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'files_answer'", 'ticket_id', 'answer_id']) }} as response_id,
        {{ surrogate_key(['region_id', "'files'", 'ticket_id']) }} as appeal_id,
        region_id,
        answered_at,
        kind as answer_kind,
        authority as authority_label,
        ogrn,
        length(text) as text_length,
        load_seq
    from received
    where version_rank = 1
)

select * from final
