{{ config(unique_key='response_id') }}

with

received as (
    {{ received_rows('answer_features', ['region_id', 'object_ref', 'part']) | indent(4) }}
),

final as (
    select
        {{ response_id_of('object_ref', 'part') }} as response_id,
        region_id,
        {{ surrogate_key(['region_id', 'object_ref']) }} as object_key,
        source,
        long_enough,
        names_a_date,
        names_a_deed,
        not_sent_elsewhere,
        not_interim,
        likeness_key,
        answers_version,
        load_seq
    from received
    where version_rank = 1
)

select * from final
order by load_seq
