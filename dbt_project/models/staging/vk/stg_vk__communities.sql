{{ config(unique_key=['region_id', 'owner_id', 'read_on']) }}

with

readings as (
    {{ daily_readings('vk_communities', ['region_id', 'owner_id']) | indent(4) }}
),

final as (
    select
        region_id,
        owner_id,
        read_on,
        members_count,
        is_government,
        has_description,
        has_avatar,
        has_cover,
        widgets_count,
        pos_link,
        deactivated,
        load_seq
    from readings
    where version_rank = 1
)

select * from final
