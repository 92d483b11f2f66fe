with

-- with all others of their clusters, as int_changed_appeals brings them
messages as (
    select * from {{ ref('int_appeals_clocked') }}
),

copies as (
    select * from {{ ref('stg_copies__copies') }}
    where cluster_id is not null
),

-- What was registered elsewhere under a number of its own is nobody's copy and is kept first; what another source
-- is known to carry already, next. Then one person is the same author key within a week of the first message; or,
-- where no crowd posts it, like words with the same numbers (houses) of the same place and day in a source where
-- that person has not been seen: the n-th author of one source and the n-th of another.
clustered as (
    select
        messages.region_id,
        copies.cluster_id,
        copies.numbers_key,
        messages.appeal_id,
        messages.source,
        messages.registered_at,
        messages.local_date,
        messages.territory_id,
        messages.kept_appeal_id,
        messages.intake = 'social' as is_social,
        coalesce(messages.author_key, messages.appeal_id) as author,
        case
            when messages.intake = 'social' then coalesce(messages.author_key, messages.appeal_id)
            else messages.appeal_id
        end as speaker,
        case
            when messages.intake <> 'social' then 1
            when messages.kept_appeal_id is not null then 2
            else 3
        end as precedence
    from messages
    inner join copies on messages.appeal_id = copies.appeal_id
    where messages.is_countable
),

-- so many people with one text are a campaign, whose messages stay many
campaigns as (
    select
        region_id,
        cluster_id
    from clustered
    group by region_id, cluster_id
    having count(distinct author) >= 5
),

since_their_first as (
    select
        *,
        min(registered_at) over (partition by region_id, cluster_id, speaker) as first_registered_at
    from clustered
),

-- later, the same words are a new complaint
by_week as (
    select
        *,
        cast(floor({{ seconds_between('first_registered_at', 'registered_at') }} / 604800) as bigint) as week_number
    from since_their_first
),

by_author as (
    select
        *,
        first_value(appeal_id) over (
            partition by region_id, cluster_id, speaker, week_number order by precedence, registered_at, appeal_id
        ) as first_of_author
    from by_week
),

placed as (
    select
        by_author.*,
        row_number() over (
            partition by
                by_author.region_id,
                by_author.cluster_id,
                by_author.numbers_key,
                by_author.territory_id,
                by_author.local_date,
                by_author.source
            order by by_author.precedence, by_author.registered_at, by_author.appeal_id
        ) as turn
    from by_author
    left join campaigns
        on
            by_author.region_id = campaigns.region_id
            and by_author.cluster_id = campaigns.cluster_id
    where
        by_author.appeal_id = by_author.first_of_author
        and by_author.territory_id is not null
        and campaigns.cluster_id is null
),

by_text as (
    select
        appeal_id,
        first_value(appeal_id) over (
            partition by region_id, cluster_id, numbers_key, territory_id, local_date, turn
            order by precedence, registered_at, appeal_id
        ) as first_of_text
    from placed
),

repeated as (
    select
        by_author.appeal_id,
        coalesce(by_text.first_of_text, by_author.first_of_author) as first_appeal_id,
        case when by_author.appeal_id <> by_author.first_of_author then 'author' else 'text' end as duplicate_reason
    from by_author
    left join by_text on by_author.first_of_author = by_text.appeal_id
    where
        by_author.is_social
        and by_author.kept_appeal_id is null
),

copied as (
    select
        repeated.appeal_id,
        repeated.duplicate_reason,
        coalesce(kept.kept_appeal_id, kept.appeal_id) as copy_of
    from repeated
    inner join clustered as kept on repeated.first_appeal_id = kept.appeal_id
    where repeated.appeal_id <> repeated.first_appeal_id
),

final as (
    select
        clustered.appeal_id,
        clustered.region_id,
        copied.copy_of,
        copied.duplicate_reason,
        campaigns.cluster_id as campaign_id
    from clustered
    left join copied on clustered.appeal_id = copied.appeal_id
    left join campaigns
        on
            clustered.region_id = campaigns.region_id
            and clustered.cluster_id = campaigns.cluster_id
)

select * from final
