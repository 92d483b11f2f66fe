{{ config(unique_key=['page_id', 'read_on']) }}

with

readings as (
    {{ daily_readings('registry_pages', ['region_id', 'page_ref']) | indent(4) }}
),

final as (
    select
        {{ surrogate_key(['region_id', "'page'", 'page_ref']) }} as page_id,
        region_id,
        read_on,
        is_connected,
        has_mark,
        design_percent,
        widgets,
        members_count,
        weekly_reach,
        mean_post_reach,
        load_seq
    from readings
    where version_rank = 1
)

select * from final
