{#
  CTEs `…, alarming_days`: days on which a municipality writes about a topic, or a topic group (topic_id 'all'), so
  much that it is next to impossible by the eight weeks before, with `expected` and `chance`. `topic_days` counts
  the appeals of int_topics_daily's grain and holds in `first_day` from when on a day without a row counts as
  nought; `numbers` holds 0 … 7 and `terms` 0 … 119.
#}
{% macro alarming_days(topic_days, numbers, terms) -%}
-- an outbreak that spreads over several topics of a group shows in the group alone
cube as (
  select
    region_id,
    first_day,
    local_date,
    topic_group,
    topic_id,
    territory_id,
    appeals
  from {{ topic_days }}
  where topic_id <> 'unknown'
  union all
  select
    region_id,
    first_day,
    local_date,
    topic_group,
    'all' as topic_id,
    territory_id,
    sum(appeals) as appeals
  from {{ topic_days }}
  group by region_id, first_day, local_date, topic_group, territory_id
),

-- every day of the last eight weeks, as far as the data go back
with_past as (
  select
    *,
    coalesce(sum(appeals) over (
      partition by region_id, topic_group, topic_id, territory_id
      order by {{ days_between("cast('1970-01-01' as date)", 'local_date') }}
      range between 56 preceding and 1 preceding
    ), 0) as appeals_before
  from cube
),

compared as (
  select
    *,
    cast(appeals as double) as observed,
    cast(appeals_before as double)
    / {{ days_between('greatest(' ~ add_days('local_date', -56) ~ ', first_day)', 'local_date') }}
      as appeals_per_day
  from with_past
  where appeals >= 5
),

least as (
  select
    *,
    greatest(appeals_per_day, {{ expected_minimum() }}) as least_expected
  from compared
),

-- what is expected is no less than this, and so many or more are likelier than just so many: few days are left
suspects as (
  select * from least
  where
    observed > least_expected
    and exp(observed * ln(least_expected) - least_expected - {{ log_factorial('observed') }}) < 0.0002
),

-- the same weekday of these weeks; a day nobody wrote counts as nought
days_before as (
  select
    suspects.region_id,
    suspects.local_date,
    suspects.topic_group,
    suspects.topic_id,
    suspects.territory_id,
    suspects.appeals,
    suspects.observed,
    suspects.least_expected,
    {{ add_days('suspects.local_date', '-7 * (' ~ numbers ~ '.number + 1)') }} as day_before
  from suspects
  cross join {{ numbers }}
  where {{ add_days('suspects.local_date', '-7 * (' ~ numbers ~ '.number + 1)') }} >= suspects.first_day
),

weekdays as (
  select
    days_before.region_id,
    days_before.local_date,
    days_before.topic_group,
    days_before.topic_id,
    days_before.territory_id,
    days_before.appeals,
    days_before.observed,
    days_before.least_expected,
    {{ quantile('cast(coalesce(cube.appeals, 0) as double)', 0.5) }} as median_appeals
  from days_before
  left join cube
    on
      days_before.region_id = cube.region_id
      and days_before.day_before = cube.local_date
      and days_before.topic_group = cube.topic_group
      and days_before.topic_id = cube.topic_id
      and days_before.territory_id = cube.territory_id
  group by
    days_before.region_id, days_before.local_date, days_before.topic_group, days_before.topic_id,
    days_before.territory_id, days_before.appeals, days_before.observed, days_before.least_expected
  -- fewer than four weeks say too little of what is usual
  having count(*) >= 4
),

-- a median of few small counts is easily too low: never below the mean of all days, nor below the minimum
expectations as (
  select
    *,
    greatest(median_appeals, least_expected) as expected
  from weekdays
),

unusual as (
  select * from expectations
  where observed > expected
),

{{ poisson_tails(
  'unusual',
  ['region_id', 'local_date', 'topic_group', 'topic_id', 'territory_id', 'appeals', 'expected'],
  'observed',
  'expected',
  terms
) }},

alarming_days as (
  select * from poisson_tails
  where chance < 0.0001
)
{%- endmacro %}
