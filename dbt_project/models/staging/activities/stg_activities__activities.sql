{{ config(unique_key='activity_key') }}

with

received as (
    {{ received_rows('activities_activities', ['region_id', 'activity_id']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'activity'", 'activity_id']) }} as activity_key,
        region_id,
        kind,
        title,
        held_on,
        territory as territory_label,
        topic_group as topic_group_label,
        topic as topic_label,
        authority as authority_label,
        audience,
        coalesce(count, 1) as items,
        load_seq
    from received
    where version_rank = 1
)

select * from final
