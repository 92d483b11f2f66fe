{{ config(unique_key='appeal_id') }}

with

received as (
    {{ received_rows('files_appeals', ['region_id', 'ticket_id']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'files'", 'ticket_id']) }} as appeal_id,
        region_id,
        channel,
        intake,
        kind,
        created_at,
        registered_at,
        closed_at,
        status,
        outcome,
        topic_group as topic_group_label,
        topic as topic_label,
        municipality as territory_label,
        authority as authority_label,
        ogrn,
        author_key,
        age_group,
        rating,
        fast_track as is_fast_track,
        load_seq
    from received
    where version_rank = 1
)

select * from final
