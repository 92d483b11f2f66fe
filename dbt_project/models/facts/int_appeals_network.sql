{{ config(materialized='ephemeral') }}

with

changed as (
    select * from {{ ref('int_changed_appeals') }}
),

branches as (
    select * from {{ ref('int_network_branches') }}
),

posts as (
    {{ network_union('posts', "author_kind = 'citizen'") | indent(4) }}
),

gospublics as (
    select * from {{ ref('dim_gospublics') }}
),

roots as (
    select
        changed.appeal_id,
        changed.load_seq,
        branches.source,
        branches.region_id,
        branches.place,
        branches.network_page_id,
        branches.author_key,
        branches.created_at,
        branches.is_deleted
    from changed
    inner join branches on changed.appeal_id = branches.message_key
    where
        branches.is_root
        and branches.author_kind = 'citizen'
        and not branches.is_under_citizen_post
),

wall_posts as (
    select
        changed.appeal_id,
        changed.load_seq,
        posts.source,
        posts.region_id,
        'post' as place,
        posts.network_page_id,
        posts.author_key,
        posts.created_at,
        posts.is_deleted
    from changed
    inner join posts on changed.appeal_id = posts.post_key
),

written as (
    select * from roots
    union all
    select * from wall_posts
),

final as (
    select
        written.appeal_id,
        written.region_id,
        written.source,
        case when written.place = 'chat' then 'bot_' || written.source else written.source end as channel,
        'social' as intake,
        cast(null as {{ dbt.type_string() }}) as kind,
        not written.is_deleted as is_countable,
        cast(null as {{ dbt.type_string() }}) as topic_group_label,
        cast(null as {{ dbt.type_string() }}) as topic_label,
        cast(null as {{ dbt.type_string() }}) as territory_label,
        gospublics.territory_id,
        gospublics.authority_id,
        gospublics.page_id,
        cast(null as {{ dbt.type_string() }}) as age_group,
        written.author_key,
        written.created_at,
        written.created_at as registered_at,
        cast(null as boolean) as is_fast_track,
        cast(null as {{ dbt.type_string() }}) as source_status,
        cast(null as {{ dbt.type_string() }}) as outcome,
        cast(null as timestamp) as closed_at,
        cast(null as integer) as rating,
        cast(null as timestamp) as promised_at,
        cast(null as {{ dbt.type_string() }}) as place_key,
        cast(null as timestamp) as topic_changed_at,
        cast(null as boolean) as has_edited_dates,
        written.load_seq
    from written
    left join gospublics
        on
            written.region_id = gospublics.region_id
            and written.source = gospublics.network
            and written.network_page_id = gospublics.network_page_id
)

select * from final
