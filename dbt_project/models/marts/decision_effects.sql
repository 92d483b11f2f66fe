{{ config(materialized='table', post_hook=[]) }}

with

decisions as (
    select * from {{ ref('fct_activities') }}
    where kind = 'decision'
),

cube as (
    select * from {{ ref('int_topics_daily') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

beginnings as (
    select
        region_id,
        min(local_date) as first_day
    from cube
    group by region_id
),

-- eight weeks on either side, as far as the data reach; the decision's own day counts as after
windows as (
    select
        decisions.*,
        greatest({{ add_days('decisions.held_on', -56) }}, beginnings.first_day) as before_from,
        least(
            {{ add_days('decisions.held_on', 56) }}, {{ add_days(last_day('regions.time_zone'), 1) }}
        ) as after_to
    from decisions
    inner join regions on decisions.region_id = regions.region_id
    inner join beginnings on decisions.region_id = beginnings.region_id
),

watched as (
    select
        *,
        greatest({{ days_between('before_from', 'held_on') }}, 0) as days_before,
        greatest({{ days_between('held_on', 'after_to') }}, 0) as days_after
    from windows
),

counted as (
    select
        watched.activity_key,
        sum(case when cube.local_date < watched.held_on then cube.appeals else 0 end) as appeals_before,
        sum(case when cube.local_date < watched.held_on then 0 else cube.appeals end) as appeals_after
    from watched
    inner join cube
        on
            watched.region_id = cube.region_id
            and watched.before_from <= cube.local_date
            and watched.after_to > cube.local_date
    -- a decision without a topic or a place is about all of them
    where
        coalesce(watched.topic_group, cube.topic_group) = cube.topic_group
        and coalesce(watched.topic_id, cube.topic_id) = cube.topic_id
        and coalesce(watched.territory_id, cube.territory_id) = cube.territory_id
    group by watched.activity_key
),

summed as (
    select
        watched.*,
        coalesce(counted.appeals_before, 0) as appeals_before,
        coalesce(counted.appeals_after, 0) as appeals_after
    from watched
    left join counted on watched.activity_key = counted.activity_key
),

final as (
    select
        region_id,
        activity_key,
        title,
        held_on,
        topic_group,
        topic_id,
        territory_id,
        cast(days_before as integer) as days_before,
        cast(days_after as integer) as days_after,
        days_before = 56 and days_after = 56 as is_complete,
        cast(appeals_before as bigint) as appeals_before,
        cast(appeals_after as bigint) as appeals_after,
        7 * {{ share_of('appeals_before', 'days_before') }} as appeals_per_week_before,
        7 * {{ share_of('appeals_after', 'days_after') }} as appeals_per_week_after,
        {{ rate_ratio('appeals_after', 'days_after', 'appeals_before', 'days_before') }} as rate_ratio,
        {{ rate_ratio_bound('appeals_after', 'days_after', 'appeals_before', 'days_before', 'low') }}
            as rate_ratio_low,
        {{ rate_ratio_bound('appeals_after', 'days_after', 'appeals_before', 'days_before', 'high') }}
            as rate_ratio_high
    from summed
)

select * from final
