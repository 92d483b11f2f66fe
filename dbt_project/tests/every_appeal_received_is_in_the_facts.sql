-- From both ends: an appeal that a finished load brought and facts lack, and one in facts that no load brought.
-- Counted anew from raw, without staging, so that neither can be wrong in the same way. Explained and left out:
-- what stands under a citizen's post or a mention (it belongs to that), what communities wrote, regions that no
-- registry has named yet.
with

loads as (
    select * from {{ source('raw', '_dlt_loads') }}
    where status = 0
),

vk_comments as (
    select comments.*
    from {{ source('raw', 'vk_comments') }} as comments
    inner join loads on comments._dlt_load_id = loads.load_id
    where
        comments.author_kind = 'citizen'
        and comments.thread_id is null
),

vk_posts as (
    select
        posts.region_id,
        posts.owner_id,
        posts.post_id
    from {{ source('raw', 'vk_posts') }} as posts
    inner join loads on posts._dlt_load_id = loads.load_id
    where posts.author_kind = 'citizen'
    union
    select
        mentions.region_id,
        mentions.owner_id,
        mentions.post_id
    from {{ source('raw', 'vk_mentions') }} as mentions
    inner join loads on mentions._dlt_load_id = loads.load_id
    where mentions.author_key is not null
),

community_mentions as (
    select
        mentions.region_id,
        mentions.owner_id,
        mentions.post_id
    from {{ source('raw', 'vk_mentions') }} as mentions
    inner join loads on mentions._dlt_load_id = loads.load_id
    where mentions.author_key is null
),

received as (
    select
        region_id,
        {{ surrogate_key(['region_id', "'vk_post'", 'owner_id', 'post_id']) }} as appeal_id
    from vk_posts
    union
    select
        comments.region_id,
        {{ surrogate_key(['comments.region_id', "'vk_comment'", 'comments.owner_id', 'comments.comment_id']) }}
            as appeal_id
    from vk_comments as comments
    left join vk_posts
        on
            comments.region_id = vk_posts.region_id
            and comments.owner_id = vk_posts.owner_id
            and comments.post_id = vk_posts.post_id
    left join community_mentions
        on
            comments.region_id = community_mentions.region_id
            and comments.owner_id = community_mentions.owner_id
            and comments.post_id = community_mentions.post_id
    where
        vk_posts.post_id is null
        and community_mentions.post_id is null
    union
    select
        appeals.region_id,
        {{ surrogate_key(['appeals.region_id', "'pos'", 'appeals.pos_id']) }} as appeal_id
    from {{ source('raw', 'pos_appeals') }} as appeals
    inner join loads on appeals._dlt_load_id = loads.load_id
    union
    select
        appeals.region_id,
        {{ surrogate_key(['appeals.region_id', "'incident'", 'appeals.incident_id']) }} as appeal_id
    from {{ source('raw', 'incident_appeals') }} as appeals
    inner join loads on appeals._dlt_load_id = loads.load_id
),

expected as (
    select received.*
    from received
    inner join {{ ref('dim_regions') }} as regions on received.region_id = regions.region_id
),

facts as (
    select * from {{ ref('fct_appeals') }}
),

final as (
    select
        coalesce(expected.region_id, facts.region_id) as region_id,
        coalesce(expected.appeal_id, facts.appeal_id) as appeal_id,
        case when facts.appeal_id is null then 'missing in facts' else 'received by no load' end as problem
    from expected
    full outer join facts on expected.appeal_id = facts.appeal_id
    where
        expected.appeal_id is null
        or facts.appeal_id is null
)

select * from final
