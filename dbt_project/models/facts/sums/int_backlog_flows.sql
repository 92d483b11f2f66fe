with

appeals as (
    select * from {{ ref('fct_appeals') }}
    where is_countable
),

regions as (
    select * from {{ ref('int_region_clocks') }}
),

lives as (
    select
        appeals.region_id,
        appeals.local_date,
        appeals.channel,
        -- an answer dated before its appeal settles it on the day it came
        cast({{ region_time('greatest(appeals.answered_at, appeals.registered_at)', 'regions') }} as date)
            as answered_on,
        cast({{ region_time('appeals.due_at', 'regions') }} as date) as due_on,
        appeals.answered_at is not null as is_answered,
        coalesce(appeals.answered_at > appeals.due_at, false) as is_answered_late,
        {{ is_overdue('appeals') }} as is_overdue
    from appeals
    inner join regions on appeals.region_id = regions.region_id
    where {{ in_touched_slices('appeals.local_date', 'appeals') }}
),

moves as (
    select
        region_id,
        local_date,
        channel,
        local_date as happened_on,
        1 as opened,
        0 as answered,
        0 as became_overdue
    from lives
    union all
    select
        region_id,
        local_date,
        channel,
        answered_on as happened_on,
        0 as opened,
        1 as answered,
        0 as became_overdue
    from lives
    where is_answered
    union all
    select
        region_id,
        local_date,
        channel,
        due_on as happened_on,
        0 as opened,
        0 as answered,
        1 as became_overdue
    from lives
    where is_overdue or is_answered_late
    union all
    select
        region_id,
        local_date,
        channel,
        answered_on as happened_on,
        0 as opened,
        0 as answered,
        -1 as became_overdue
    from lives
    where is_answered_late
),

final as (
    select
        region_id,
        local_date,
        channel,
        happened_on,
        cast(sum(opened) as bigint) as opened,
        cast(sum(answered) as bigint) as answered,
        cast(sum(became_overdue) as bigint) as became_overdue
    from moves
    group by region_id, local_date, channel, happened_on
)

select * from final
