{{ config(unique_key=['region_id', 'owner_id', 'local_date']) }}

with

received as (
    {{ received_rows('vk_stats', ['region_id', 'owner_id', 'local_date']) | indent(4) }}
),

final as (
    select
        region_id,
        owner_id,
        local_date,
        reach,
        reach_subscribers,
        visitors,
        load_seq
    from received
    where version_rank = 1
)

select * from final
