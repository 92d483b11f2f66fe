-- Marts are built one by one from the slices each has to rebuild: two that disagree on a day show a slice that
-- one of them missed. AUDIT holds their totals against the facts; here stands what it does not ask.
with

stated as (
    select
        'answered' as measure,
        'response_times_daily' as mart,
        region_id,
        local_date,
        answered_appeals as appeals
    from {{ ref('response_times_daily') }}
    where channel = 'all'
    union all
    select
        'answered' as measure,
        'int_appeals_daily' as mart,
        region_id,
        local_date,
        sum(answered_appeals) as appeals
    from {{ ref('int_appeals_daily') }}
    group by region_id, local_date
    union all
    select
        'appeals' as measure,
        'int_appeals_daily' as mart,
        region_id,
        local_date,
        sum(appeals) as appeals
    from {{ ref('int_appeals_daily') }}
    group by region_id, local_date
    union all
    select
        'appeals' as measure,
        'response_times_daily' as mart,
        region_id,
        local_date,
        appeals
    from {{ ref('response_times_daily') }}
    where channel = 'all'
    union all
    select
        'overdue' as measure,
        'response_times_daily' as mart,
        region_id,
        local_date,
        overdue_appeals as appeals
    from {{ ref('response_times_daily') }}
    where channel = 'all'
    union all
    select
        'overdue' as measure,
        'topics_daily' as mart,
        region_id,
        local_date,
        sum(overdue_appeals) as appeals
    from {{ ref('topics_daily') }}
    group by region_id, local_date
    union all
    select
        'overdue' as measure,
        'territories_daily' as mart,
        region_id,
        local_date,
        sum(overdue_appeals) as appeals
    from {{ ref('territories_daily') }}
    group by region_id, local_date
    union all
    select
        'answered' as measure,
        'appeals_daily' as mart,
        region_id,
        local_date,
        sum(answered_appeals) as appeals
    from {{ ref('appeals_daily') }}
    group by region_id, local_date
    union all
    select
        'appeals' as measure,
        'appeals_daily' as mart,
        region_id,
        local_date,
        sum(appeals) as appeals
    from {{ ref('appeals_daily') }}
    group by region_id, local_date
    union all
    select
        'judged' as measure,
        'appeals_daily' as mart,
        region_id,
        local_date,
        sum(judged_appeals) as appeals
    from {{ ref('appeals_daily') }}
    group by region_id, local_date
    union all
    select
        'judged' as measure,
        'response_times_daily' as mart,
        region_id,
        local_date,
        judged_appeals as appeals
    from {{ ref('response_times_daily') }}
    where channel = 'all'
    union all
    select
        'on time' as measure,
        'appeals_daily' as mart,
        region_id,
        local_date,
        sum(on_time_appeals) as appeals
    from {{ ref('appeals_daily') }}
    group by region_id, local_date
    union all
    select
        'on time' as measure,
        'response_times_daily' as mart,
        region_id,
        local_date,
        on_time_appeals as appeals
    from {{ ref('response_times_daily') }}
    where channel = 'all'
    union all
    select
        'overdue' as measure,
        'appeals_daily' as mart,
        region_id,
        local_date,
        sum(overdue_appeals) as appeals
    from {{ ref('appeals_daily') }}
    group by region_id, local_date
),

final as (
    select
        measure,
        region_id,
        local_date,
        count(*) as marts,
        min(appeals) as least,
        max(appeals) as most
    from stated
    group by measure, region_id, local_date
    having
        min(appeals) <> max(appeals)
        or count(*) <> case measure when 'overdue' then 4 when 'judged' then 2 when 'on time' then 2 else 3 end
)

select * from final
