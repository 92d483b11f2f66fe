{{ config(unique_key=['appeal_id', 'position']) }}

with

received as (
    {{ received_rows(
        'pos_statuses',
        ['region_id', 'pos_id', 'position'],
        newest_first=['changed_at', 'status']
    ) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'pos'", 'pos_id']) }} as appeal_id,
        position,
        status,
        changed_at,
        load_seq
    from received
    where version_rank = 1
)

select * from final
order by load_seq
