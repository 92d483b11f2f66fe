with

regions as (
    select * from {{ ref('dim_regions') }}
),

numbers as (
    {{ whole_numbers(2348) | indent(4) }}
),

zones as (
    select distinct time_zone
    from regions
),

-- a midnight UTC of each week of 2000 to 2044: clocks that are still to be changed by then are never steady
midnights as (
    select cast({{ add_days("cast('2000-01-01' as date)", '7 * numbers.number') }} as timestamp) as midnight
    from numbers
),

probed as (
    select
        zones.time_zone,
        midnights.midnight,
        {{ seconds_between('midnights.midnight', local_time('midnights.midnight', 'zones.time_zone')) }}
            as offset_seconds
    from zones
    cross join midnights
),

newest as (
    select
        time_zone,
        {{ last_value_by('offset_seconds', 'midnight') }} as offset_seconds
    from probed
    group by time_zone
),

changed as (
    select
        probed.time_zone,
        newest.offset_seconds as steady_offset_seconds,
        min(probed.midnight) as first_midnight,
        max(case when probed.offset_seconds <> newest.offset_seconds then probed.midnight end) as last_other_midnight
    from probed
    inner join newest on probed.time_zone = newest.time_zone
    group by probed.time_zone, newest.offset_seconds
),

final as (
    select
        regions.region_id,
        regions.time_zone,
        changed.steady_offset_seconds,
        coalesce({{ add_seconds('changed.last_other_midnight', '7 * 86400') }}, changed.first_midnight) as steady_since
    from regions
    inner join changed on regions.time_zone = changed.time_zone
)

select * from final
