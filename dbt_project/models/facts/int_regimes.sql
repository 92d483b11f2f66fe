with

regimes as (
    select * from {{ ref('response_regimes') }}
),

calendar as (
    select * from {{ ref('dim_calendar') }}
),

classes as (
    select true as is_fast_track
    union all
    select false as is_fast_track
),

-- a rule made for the region beats the general one, a rule for the topic class beats the one for any
candidates as (
    select
        calendar.region_id,
        calendar.local_date,
        regimes.intake,
        classes.is_fast_track,
        regimes.clock,
        regimes.amount,
        regimes.unit,
        row_number() over (
            partition by
                calendar.region_id, calendar.local_date, regimes.intake, classes.is_fast_track, regimes.clock
            order by
                case when regimes.region_id = '*' then 1 else 0 end,
                case when regimes.topic_class = 'any' then 1 else 0 end,
                regimes.valid_from desc
        ) as preference
    from regimes
    cross join classes
    inner join calendar
        on
            (regimes.region_id = '*' or regimes.region_id = calendar.region_id)
            and regimes.valid_from <= calendar.local_date
            and regimes.valid_to > calendar.local_date
    where
        regimes.topic_class = 'any'
        or (regimes.topic_class = 'fast_track') = classes.is_fast_track
),

final as (
    select
        region_id,
        local_date,
        intake,
        is_fast_track,
        max(case when clock = 'first' then amount end) as first_amount,
        max(case when clock = 'first' then unit end) as first_unit,
        max(case when clock = 'final' then amount end) as final_amount,
        max(case when clock = 'final' then unit end) as final_unit,
        max(case when clock = 'final_after_interim' then amount end) as after_interim_amount
    from candidates
    where preference = 1
    group by region_id, local_date, intake, is_fast_track
)

select * from final
