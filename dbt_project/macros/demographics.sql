{# No count of people below this is published. #}
{% macro suppression_minimum() -%} 10 {%- endmacro %}

{#
  CTEs `…, months`: age ranges × topic groups by complete month, with `is_suppressed`. Who reads a release knows
  the total of each row (topic group and month) from facts.fct_appeals, so a row that hides something hides at
  least two cells that hold at least the minimum together: the smallest ones. Then each hidden cell can be
  anything from nought to that sum.
#}
{% macro demographic_months() -%}
cube as (
  select * from {{ ref('int_appeals_daily') }}
  where source = 'pos'
),

regions as (
  select * from {{ ref('dim_regions') }}
),

counted as (
  select
    cube.region_id,
    {{ period_start('month', 'cube.local_date') }} as month_start,
    cube.topic_group,
    cube.age_group,
    sum(cube.appeals) as appeals
  from cube
  inner join regions on cube.region_id = regions.region_id
  -- a month in progress would tell each new appeal's age to who compares two releases
  where {{ is_complete('month', period_start('month', 'cube.local_date'), 'regions.time_zone') }}
  group by cube.region_id, {{ period_start('month', 'cube.local_date') }}, cube.topic_group, cube.age_group
),

ages as (
  select distinct
    region_id,
    age_group
  from counted
),

-- where all are of one age, each row's total is the cell: nothing can be hidden, so nothing is told
known_ages as (
  select
    *,
    count(*) over (partition by region_id) as ages
  from ages
),

written as (
  select distinct
    region_id,
    month_start,
    topic_group
  from counted
),

cells as (
  select
    written.region_id,
    written.month_start,
    written.topic_group,
    known_ages.age_group,
    coalesce(counted.appeals, 0) as appeals
  from written
  inner join known_ages
    on
      written.region_id = known_ages.region_id
      and known_ages.ages > 1
  left join counted
    on
      written.region_id = counted.region_id
      and written.month_start = counted.month_start
      and written.topic_group = counted.topic_group
      and known_ages.age_group = counted.age_group
),

ordered as (
  select
    *,
    row_number() over smallest_first as place,
    coalesce(sum(appeals) over (
      partition by region_id, month_start, topic_group order by appeals, age_group
      rows between unbounded preceding and 1 preceding
    ), 0) as appeals_of_smaller,
    min(appeals) over (partition by region_id, month_start, topic_group) as smallest
  from cells
  window smallest_first as (
    partition by region_id, month_start, topic_group order by appeals, age_group
  )
),

months as (
  select
    region_id,
    month_start,
    topic_group,
    age_group,
    appeals,
    appeals < {{ suppression_minimum() }}
    or (
      smallest < {{ suppression_minimum() }}
      and (place <= 2 or appeals_of_smaller < {{ suppression_minimum() }})
    ) as is_suppressed
  from ordered
)
{%- endmacro %}
