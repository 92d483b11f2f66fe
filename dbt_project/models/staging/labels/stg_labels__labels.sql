{{ config(unique_key='appeal_id') }}

with

received as (
    {{ received_rows('labels', ['region_id', 'object_ref']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', 'object_ref']) }} as appeal_id,
        region_id,
        source,
        kind,
        needs_answer,
        topic_group,
        topic as topic_id,
        territory_id,
        tone,
        confidence as label_confidence,
        told_by,
        label_version,
        load_seq
    from received
    where version_rank = 1
)

select * from final
order by load_seq
