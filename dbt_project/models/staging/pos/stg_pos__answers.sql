{{ config(unique_key='response_id') }}

with

received as (
    {{ received_rows(
        'pos_answers',
        ['region_id', 'pos_id', 'answer_id'],
        newest_first=['answered_at', 'kind', 'text']
    ) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'pos_answer'", 'pos_id', 'answer_id']) }} as response_id,
        {{ surrogate_key(['region_id', "'pos'", 'pos_id']) }} as appeal_id,
        region_id,
        answered_at,
        kind as answer_kind,
        ogrn,
        length(text) as text_length,
        {{ answer_key('text') }} as answer_key,
        load_seq
    from received
    where version_rank = 1
)

select * from final
order by load_seq
