{{ config(unique_key='appeal_id') }}

with

received as (
    {{ received_rows('copies', ['region_id', 'object_ref']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', 'object_ref']) }} as appeal_id,
        region_id,
        source,
        cluster_id,
        numbers_key,
        copies_version,
        load_seq
    from received
    where version_rank = 1
)

select * from final
order by load_seq
