{{ config(materialized='table', post_hook=[]) }}

with

sums as (
    select * from {{ ref('int_response_times_monthly') }}
),

regions as (
    select * from {{ ref('dim_regions') }}
),

channels as (
    select * from {{ ref('dim_channels') }}
),

social as (
    select
        sums.region_id,
        sums.month_start,
        sum(sums.appeals) as appeals
    from sums
    inner join channels
        on
            sums.channel = channels.channel
            and channels.is_social
    group by sums.region_id, sums.month_start
),

measured as (
    select
        sums.*,
        regions.name as region_name,
        regions.population,
        {{ is_complete('month', 'sums.month_start', 'regions.time_zone') }} as is_complete,
        cast(sums.appeals as double) * 10000 / nullif(regions.population, 0) as appeals_per_10k,
        {{ share_of('coalesce(social.appeals, 0)', 'sums.appeals') }} as social_share,
        {{ share_of('sums.on_time_appeals', 'sums.judged_appeals') }} as on_time_share,
        {{ share_of('sums.solved_appeals', 'sums.closed_appeals') }} as solved_share,
        {{ previous_period('month', 'sums.month_start') }} as month_before
    from sums
    inner join regions on sums.region_id = regions.region_id
    left join social
        on
            sums.region_id = social.region_id
            and sums.month_start = social.month_start
    where sums.channel = 'all'
),

final as (
    select
        measured.region_id,
        measured.month_start,
        measured.region_name,
        measured.population,
        measured.is_complete,
        measured.appeals,
        measured.appeals_per_10k,
        measured.social_share,
        before.appeals as appeals_month_before,
        measured.appeals - before.appeals as appeals_change,
        measured.answered_appeals,
        measured.open_appeals,
        measured.overdue_appeals,
        measured.judged_appeals,
        measured.on_time_share,
        measured.solved_share,
        measured.mean_first_answer_minutes,
        measured.median_first_answer_minutes,
        measured.km_median_first_answer_minutes,
        measured.median_first_answer_working_minutes,
        cast(count(*) over (partition by measured.month_start) as integer) as regions,
        -- regions are ranked as authorities are: not on a handful of appeals
        case
            when measured.judged_appeals >= {{ rank_minimum() }}
                then cast(rank() over (
                    partition by measured.month_start, measured.judged_appeals >= {{ rank_minimum() }}
                    order by measured.on_time_share desc nulls last
                ) as integer)
        end as on_time_rank
    from measured
    left join measured as before
        on
            measured.region_id = before.region_id
            and measured.month_before = before.month_start
)

select * from final
