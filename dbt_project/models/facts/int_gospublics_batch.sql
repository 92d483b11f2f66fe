with

gospublics as (
    select * from {{ ref('dim_gospublics') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

vk_posts as (
    select * from {{ ref('stg_vk__posts') }}
),

network_posts as (
    {{ network_union('posts', "author_kind = 'page'") | indent(4) }}
),

vk_communities as (
    select * from {{ ref('stg_vk__communities') }}
),

network_readings as (
    {{ network_union('pages', "page_kind = 'page'") | indent(4) }}
),

official_posts as (
    select
        'vk' as network,
        region_id,
        cast(owner_id as {{ dbt.type_string() }}) as network_page_id,
        created_at,
        comments_count,
        likes_count,
        reposts_count,
        views_count,
        is_deleted,
        load_seq
    from vk_posts
    where author_kind = 'community'
    union all
    select
        source as network,
        region_id,
        network_page_id,
        created_at,
        comments_count,
        likes_count,
        reposts_count,
        views_count,
        is_deleted,
        load_seq
    from network_posts
),

posts as (
    select
        gospublics.page_id,
        posts.region_id,
        cast({{ local_time('posts.created_at', 'regions.time_zone') }} as date) as local_date,
        posts.comments_count,
        posts.likes_count,
        posts.reposts_count,
        posts.views_count,
        posts.is_deleted,
        posts.load_seq
    from official_posts as posts
    inner join regions on posts.region_id = regions.region_id
    inner join gospublics
        on
            posts.region_id = gospublics.region_id
            and posts.network = gospublics.network
            and posts.network_page_id = gospublics.network_page_id
),

readings as (
    select
        'vk' as network,
        region_id,
        cast(owner_id as {{ dbt.type_string() }}) as network_page_id,
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
    from vk_communities
    union all
    select
        source as network,
        region_id,
        network_page_id,
        read_on,
        members_count,
        cast(null as boolean) as is_government,
        has_description,
        has_avatar,
        cast(null as boolean) as has_cover,
        cast(null as integer) as widgets_count,
        pos_link,
        deactivated,
        load_seq
    from network_readings
),

communities as (
    select
        gospublics.page_id,
        readings.*
    from readings
    inner join gospublics
        on
            readings.region_id = gospublics.region_id
            and readings.network = gospublics.network
            and readings.network_page_id = gospublics.network_page_id
),

stats as (
    select
        gospublics.page_id,
        stats.*
    from {{ ref('stg_vk__stats') }} as stats
    inner join gospublics
        on
            stats.region_id = gospublics.region_id
            and stats.owner_id = gospublics.vk_owner_id
),

registry_readings as (
    select readings.*
    from {{ ref('stg_registry__page_readings') }} as readings
    inner join gospublics on readings.page_id = gospublics.page_id
),

-- a deleted post counts no more, but the day it stood on has to be told so
page_days as (
    select
        page_id,
        region_id,
        local_date,
        load_seq
    from posts
    union all
    select
        page_id,
        region_id,
        read_on as local_date,
        load_seq
    from communities
    union all
    select
        page_id,
        region_id,
        local_date,
        load_seq
    from stats
    union all
    select
        page_id,
        region_id,
        read_on as local_date,
        load_seq
    from registry_readings
),

changed as (
    select
        page_days.page_id,
        page_days.region_id,
        page_days.local_date,
        greatest(max(page_days.load_seq), max(regions.mapping_seq)) as load_seq
    from page_days
    inner join regions on page_days.region_id = regions.region_id
    where
        {{ unread_gospublics('page_days.load_seq') }}
        or {{ unread_gospublics('regions.mapping_seq') }}
    group by page_days.page_id, page_days.region_id, page_days.local_date
),

posts_of_the_day as (
    select
        page_id,
        local_date,
        count(*) as posts,
        sum(comments_count) as comments,
        sum(likes_count) as likes,
        sum(reposts_count) as reposts,
        sum(views_count) as views
    from posts
    where not is_deleted
    group by page_id, local_date
),

final as (
    select
        changed.page_id,
        changed.region_id,
        changed.local_date,
        cast(coalesce(communities.members_count, registry_readings.members_count) as bigint) as members_count,
        cast(coalesce(posts_of_the_day.posts, 0) as bigint) as posts,
        cast(coalesce(posts_of_the_day.comments, 0) as bigint) as comments,
        cast(coalesce(posts_of_the_day.likes, 0) as bigint) as likes,
        cast(coalesce(posts_of_the_day.reposts, 0) as bigint) as reposts,
        cast(coalesce(posts_of_the_day.views, 0) as bigint) as views,
        stats.reach,
        stats.visitors,
        registry_readings.is_connected,
        coalesce(communities.is_government, registry_readings.has_mark) as has_mark,
        registry_readings.design_percent,
        communities.has_avatar,
        communities.has_description,
        communities.has_cover,
        coalesce(communities.widgets_count, registry_readings.widgets) as widgets,
        communities.pos_link,
        communities.deactivated is not null as is_dead,
        changed.load_seq
    from changed
    left join posts_of_the_day
        on
            changed.page_id = posts_of_the_day.page_id
            and changed.local_date = posts_of_the_day.local_date
    left join communities
        on
            changed.page_id = communities.page_id
            and changed.local_date = communities.read_on
    left join stats
        on
            changed.page_id = stats.page_id
            and changed.local_date = stats.local_date
    left join registry_readings
        on
            changed.page_id = registry_readings.page_id
            and changed.local_date = registry_readings.read_on
)

select * from final
