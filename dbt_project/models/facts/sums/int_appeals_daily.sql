with

channels as (
    select * from {{ ref('dim_channels') }}
),

appeals as (
    select
        appeals.*,
        -- settled when its source closed it; where sources do not close, with the last answer
        case
            when channels.tells_closing then appeals.closed_at
            else coalesce(appeals.closed_at, appeals.final_response_at)
        end as handled_at
    from {{ ref('fct_appeals') }} as appeals
    left join channels on appeals.channel = channels.channel
    where appeals.is_countable
),

final as (
    select
        region_id,
        local_date,
        source,
        channel,
        coalesce(kind, 'unknown') as kind,
        coalesce(topic_group, 'unknown') as topic_group,
        coalesce(territory_id, 'unknown') as territory_id,
        coalesce(age_group, 'unknown') as age_group,
        cast(count(*) as bigint) as appeals,
        cast(sum(case when outcome = 'solved' then 1 else 0 end) as bigint) as solved_appeals,
        cast(count(first_answer_minutes) as bigint) as answered_appeals,
        cast(coalesce(sum(round(first_answer_minutes * 60)), 0) as bigint) as first_answer_seconds,
        cast(count(handled_at) as bigint) as handled_appeals,
        cast(coalesce(sum({{ seconds_between('registered_at', 'handled_at') }}), 0) as bigint) as handling_seconds
    from appeals
    where {{ in_touched_slices() }}
    group by
        region_id, local_date, source, channel, coalesce(kind, 'unknown'),
        coalesce(topic_group, 'unknown'), coalesce(territory_id, 'unknown'), coalesce(age_group, 'unknown')
)

select * from final
