{{ config(unique_key='appeal_id') }}

with

received as (
    {{ received_rows(
        'incident_appeals',
        ['region_id', 'incident_id'],
        newest_first=['file_name', 'row_number']
    ) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'incident'", 'incident_id']) }} as appeal_id,
        region_id,
        created_at,
        closed_at,
        first_answered_at,
        step,
        {{ incident_is_interim('step') }} as is_answered_interim,
        outcome_ru as outcome_label,
        incident_type,
        topic_group as topic_group_label,
        topic as topic_label,
        municipality as territory_label,
        {{ place_key('locality', 'street', 'house') }} as place_key,
        executor as authority_label,
        length(first_answer_text) as first_answer_length,
        {{ answer_key('first_answer_text') }} as first_answer_key,
        {{ text_key('text') }} as text_key,
        author_key,
        load_seq
    from received
    where version_rank = 1
)

select * from final
order by load_seq
