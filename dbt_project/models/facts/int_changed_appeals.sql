with

vk_comments as (
    select * from {{ ref('int_vk_branches') }}
),

vk_posts as (
    select * from {{ ref('stg_vk__posts') }}
),

vk_mentions as (
    select * from {{ ref('stg_vk__mentions') }}
),

pos_appeals as (
    select * from {{ ref('stg_pos__appeals') }}
),

incident_appeals as (
    select * from {{ ref('stg_incident__appeals') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

changes as (
    select
        region_id,
        'vk' as source,
        appeal_id,
        load_seq
    from vk_comments
    where {{ newer_than_facts() }}
    union all
    select
        region_id,
        'vk' as source,
        post_key as appeal_id,
        load_seq
    from vk_posts
    where author_kind = 'citizen' and {{ newer_than_facts() }}
    union all
    select
        region_id,
        'vk' as source,
        post_key as appeal_id,
        load_seq
    from vk_mentions
    where {{ newer_than_facts() }}
    union all
    select
        region_id,
        'pos' as source,
        appeal_id,
        load_seq
    from pos_appeals
    where {{ newer_than_facts() }}
    union all
    select
        region_id,
        'incident' as source,
        appeal_id,
        load_seq
    from incident_appeals
    where {{ newer_than_facts() }}
    {%- set standing = adapter.get_relation(database=target.database, schema='facts', identifier='fct_appeals')
        if execute else none %}
    {% if standing and not flags.FULL_REFRESH -%}
    -- the registry maps pages and places anew: all appeals of that region are judged again
    union all
    select
        standing.region_id,
        standing.source,
        standing.appeal_id,
        regions.mapping_seq as load_seq
    from {{ standing }} as standing
    inner join regions on standing.region_id = regions.region_id
    where {{ newer_than_facts('regions.mapping_seq') }}
    {%- endif %}
),

final as (
    select
        region_id,
        source,
        appeal_id,
        max(load_seq) as load_seq
    from changes
    group by region_id, source, appeal_id
)

select * from final
