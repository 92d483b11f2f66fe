{{ config(unique_key='appeal_id') }}

with

received as (
    {{ received_rows('pos_appeals', ['region_id', 'pos_id'], newest_first=['updated_at']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'pos'", 'pos_id']) }} as appeal_id,
        region_id,
        kind as pos_kind,
        created_at,
        registered_at,
        updated_at,
        status,
        category as topic_group_label,
        subcategory as topic_label,
        fast_track as is_fast_track,
        municipality as territory_label,
        {{ place_key('locality', 'street', 'house') }} as place_key,
        author_key,
        age_group,
        ogrn,
        outcome,
        rating,
        load_seq
    from received
    where version_rank = 1
)

select * from final
order by load_seq
