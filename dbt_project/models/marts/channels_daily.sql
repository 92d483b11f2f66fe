with

appeals as (
    select * from {{ ref('fct_appeals') }}
    where is_countable
),

channels as (
    select * from {{ ref('dim_channels') }}
),

counted as (
    select
        region_id,
        local_date,
        channel,
        count(*) as appeals
    from appeals
    where {{ in_touched_slices() }}
    group by region_id, local_date, channel
),

totals as (
    select
        *,
        sum(appeals) over (partition by region_id, local_date) as appeals_of_the_day
    from counted
),

final as (
    select
        totals.region_id,
        totals.local_date,
        totals.channel,
        channels.label_ru as channel_label,
        channels.is_social,
        cast(totals.appeals as bigint) as appeals,
        {{ share_of('totals.appeals', 'totals.appeals_of_the_day') }} as appeals_share
    from totals
    inner join channels on totals.channel = channels.channel
)

select * from final
