-- Rows by month as many as the facts have: with the key of the facts tested, and months replaced as a whole, no
-- appeal is missing, twice, or left standing in a month that it has moved from. The keys of the whole history are
-- not looked through with every run.
with

repeats as (
    select * from {{ ref('int_repeats') }}
),

appeals as (
    {{ appeals_that_may_repeat() | indent(4) }}
),

stated as (
    select
        region_id,
        month_start,
        count(*) as appeals
    from repeats
    group by region_id, month_start
),

expected as (
    select
        region_id,
        month_start,
        count(*) as appeals
    from appeals
    group by region_id, month_start
),

final as (
    select
        coalesce(stated.region_id, expected.region_id) as region_id,
        coalesce(stated.month_start, expected.month_start) as month_start,
        coalesce(stated.appeals, 0) as stated_appeals,
        coalesce(expected.appeals, 0) as expected_appeals
    from stated
    full outer join expected
        on
            stated.region_id = expected.region_id
            and stated.month_start = expected.month_start
    where coalesce(stated.appeals, 0) <> coalesce(expected.appeals, 0)
)

select * from final
