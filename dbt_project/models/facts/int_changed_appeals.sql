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

network_branches as (
    select * from {{ ref('int_network_branches') }}
),

network_posts as (
    {{ network_union('posts', "author_kind = 'citizen'") | indent(4) }}
),

ticket_appeals as (
    {{ ticket_union('appeals') | indent(4) }}
),

ticket_answers as (
    {{ ticket_union('answers') | indent(4) }}
),

open311_requests as (
    select * from {{ ref('stg_open311__requests') }}
),

duplicates as (
    select * from {{ ref('int_duplicates') }}
),

labels as (
    select * from {{ ref('stg_labels__labels') }}
),

copies as (
    select * from {{ ref('stg_copies__copies') }}
),

answers as (
    select * from {{ ref('int_appeals_of_answers') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

moved as (
    select
        region_id,
        'vk' as source,
        appeal_id,
        coalesce(gone_seq, load_seq) as load_seq
    from vk_comments
    union all
    -- comments can come before the post they stand under; when it turns out to be a citizen's, the branches
    -- that were taken for appeals are none
    select
        region_id,
        'vk' as source,
        branch_key as appeal_id,
        post_seq as load_seq
    from vk_comments
    where is_under_citizen_post
    union all
    select
        region_id,
        'vk' as source,
        post_key as appeal_id,
        load_seq
    from vk_posts
    where author_kind = 'citizen'
    union all
    select
        region_id,
        'vk' as source,
        post_key as appeal_id,
        load_seq
    from vk_mentions
    union all
    select
        region_id,
        'pos' as source,
        appeal_id,
        load_seq
    from pos_appeals
    union all
    select
        region_id,
        'incident' as source,
        appeal_id,
        load_seq
    from incident_appeals
    union all
    select
        region_id,
        source,
        appeal_id,
        load_seq
    from ticket_appeals
    union all
    select
        region_id,
        source,
        appeal_id,
        load_seq
    from ticket_answers
    union all
    select
        region_id,
        'open311' as source,
        appeal_id,
        load_seq
    from open311_requests
    union all
    select
        region_id,
        source,
        appeal_id,
        load_seq
    from network_branches
    union all
    -- a message that joined another's branch is no appeal of its own any more
    select
        region_id,
        source,
        message_key as appeal_id,
        greatest(load_seq, post_seq) as load_seq
    from network_branches
    where author_kind = 'citizen'
    union all
    select
        region_id,
        source,
        post_key as appeal_id,
        load_seq
    from network_posts
    union all
    select
        region_id,
        source,
        appeal_id,
        load_seq
    from duplicates
    union all
    select
        region_id,
        source,
        appeal_id,
        load_seq
    from labels
    union all
    select
        region_id,
        source,
        appeal_id,
        load_seq
    from copies
    union all
    -- what was seen in an answer changes no appeal, but the sums of its month
    select
        region_id,
        source,
        appeal_id,
        load_seq
    from answers
),

-- filtered before it is used twice: what is kept of it is what a run changes, not the history
touched as (
    select * from moved
    where {{ may_be_unread_appeals('regions') }}
),

-- whether a message repeats another, and which one counts, is told of all the messages of a cluster together
touched_clusters as (
    select
        copies.region_id,
        copies.cluster_id,
        max(touched.load_seq) as load_seq
    from touched
    inner join copies on touched.appeal_id = copies.appeal_id
    where
        copies.cluster_id is not null
        and {{ unread_appeals('touched.load_seq') }}
    group by copies.region_id, copies.cluster_id
),

involved as (
    select
        region_id,
        source,
        appeal_id,
        load_seq
    from touched
    union all
    select
        copies.region_id,
        copies.source,
        copies.appeal_id,
        touched_clusters.load_seq
    from copies
    inner join touched_clusters
        on
            copies.region_id = touched_clusters.region_id
            and copies.cluster_id = touched_clusters.cluster_id
),

-- a registry that maps pages and places anew touches every appeal of its region; a region that no registry
-- has named yet waits for it
final as (
    select
        involved.region_id,
        involved.source,
        involved.appeal_id,
        max(greatest(involved.load_seq, regions.mapping_seq)) as load_seq
    from involved
    inner join regions on involved.region_id = regions.region_id
    where
        {{ unread_appeals('involved.load_seq') }}
        or {{ unread_appeals('regions.mapping_seq') }}
    group by involved.region_id, involved.source, involved.appeal_id
)

select * from final
