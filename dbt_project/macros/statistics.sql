{#
  Statistics in plain arithmetic, so that every engine gives the same. tests/dbt/test_statistics.py holds each
  against scipy or statsmodels.
#}

{#
  CTEs `…, times_to_event`: statistics of the time to an event, by group, in whatever unit `watched` has.
  `moments` has the groups' keys, `watched` (bigint, once in each group), `events` (how many had theirs then) and
  `leaving` (those and how many had still waited when their watch ended). Over those who had their event, the
  number of `events`, `total_time`, and by linear interpolation `median_time` and `p90_time` (doubles).
  `km_median_time`, after Kaplan and Meier, is over all: the first moment at which at most half are still waiting;
  null when more than half are at the end. A group in which nobody had the event has no row.
#}
{% macro times_to_event(moments, keys) -%}
{%- set of = keys | join(', ') -%}
-- from the longest watch down: one order for all three
tte_waiting as (
  select
    *,
    sum(leaving) over from_longest as waiting,
    sum(events) over from_longest as events_from_here,
    sum(events) over (
      partition by {{ of }} order by watched desc rows between unbounded preceding and unbounded following
    ) as all_events
  from {{ moments }}
  window from_longest as (
    partition by {{ of }} order by watched desc rows between unbounded preceding and current row
  )
),

-- the share still waiting is a product over moments, here as a sum of logarithms
tte_shares as (
  select
    *,
    all_events - events_from_here + events as events_so_far,
    sum(case when events < waiting then ln(cast(waiting - events as double) / waiting) else 0 end) over (
      partition by {{ of }} order by watched rows between unbounded preceding and current row
    ) as log_share
  from tte_waiting
),

tte_ranks as (
  select
    *,
    cast(0.5 as double) * (all_events - 1) as median_rank,
    cast(0.9 as double) * (all_events - 1) as p90_rank
  from tte_shares
  where events > 0
),

tte_bounds as (
  select
    {{ of }},
    cast(sum(events) as bigint) as events,
    cast(sum(events * watched) as bigint) as total_time,
    min(median_rank) as median_rank,
    min(case when events_so_far > floor(median_rank) then watched end) as median_low,
    min(case when events_so_far > ceil(median_rank) then watched end) as median_high,
    min(p90_rank) as p90_rank,
    min(case when events_so_far > floor(p90_rank) then watched end) as p90_low,
    min(case when events_so_far > ceil(p90_rank) then watched end) as p90_high,
    -- a share of exactly one half comes out of logarithms with an error in the last digits
    min(case when events = waiting or exp(log_share) <= 0.5 + 0.000000001 then watched end) as km_median_time
  from tte_ranks
  group by {{ of }}
),

times_to_event as (
  select
    {{ of }},
    events,
    total_time,
    median_low + (median_high - median_low) * (median_rank - floor(median_rank)) as median_time,
    p90_low + (p90_high - p90_low) * (p90_rank - floor(p90_rank)) as p90_time,
    km_median_time
  from tte_bounds
)
{%- endmacro %}

{# 97.5th percentile of the normal distribution: 95 % lie within so many deviations. #}
{% macro z95() -%} cast(1.959963984540054 as double) {%- endmacro %}

{# Wilson's 95 % interval of a share: `side` is low or high. #}
{% macro wilson(part, whole, side) -%}
  case
    when {{ whole }} > 0
      then (
        cast({{ part }} as double) / {{ whole }} + {{ z95() }} * {{ z95() }} / (2.0 * {{ whole }})
        {{ '-' if side == 'low' else '+' }} {{ z95() }} * sqrt(
          greatest(
            cast({{ part }} as double) / {{ whole }} * (1 - cast({{ part }} as double) / {{ whole }}), 0
          ) / {{ whole }}
          + {{ z95() }} * {{ z95() }} / (4.0 * {{ whole }} * {{ whole }})
        )
      ) / (1 + {{ z95() }} * {{ z95() }} / {{ whole }})
  end
{%- endmacro %}

{# Ratio of two rates, events per exposure; null where there were none before. #}
{% macro rate_ratio(events, exposure, events_before, exposure_before) -%}
  cast({{ events }} as double) * {{ exposure_before }} / nullif({{ exposure }}, 0) / nullif({{ events_before }}, 0)
{%- endmacro %}

{#
  Its 95 % interval by the normal approximation of the logarithm, with half an event added on each side so that
  nought has an interval, too: `side` is low or high.
#}
{% macro rate_ratio_bound(events, exposure, events_before, exposure_before, side) -%}
  (cast({{ events }} as double) + 0.5) * {{ exposure_before }}
  / nullif({{ exposure }}, 0) / (cast({{ events_before }} as double) + 0.5)
  * exp({{ '-' if side == 'low' else '' }}{{ z95() }} * sqrt(
    1 / (cast({{ events }} as double) + 0.5) + 1 / (cast({{ events_before }} as double) + 0.5)
  ))
{%- endmacro %}

{# Logarithm of a factorial by Stirling's series: from 5 up exact to 8 digits behind the point. #}
{% macro log_factorial(number) -%}
  ({{ number }} * ln({{ number }}) - {{ number }} + ln(2 * pi() * {{ number }}) / 2 + 1 / (12 * {{ number }})
  - 1 / (360 * power({{ number }}, 3)) + 1 / (1260 * power({{ number }}, 5)))
{%- endmacro %}

{#
  CTEs `…, poisson_tails`: the rows of `cases` with `chance`, the probability of at least `observed` events where
  `expected` are usual (Poisson). Both are doubles, `observed` a whole number from 5 up and no less than expected,
  which is above nought. `numbers` holds 0 … 119: how far beyond `observed` is looked. Exact to 1e-6 where the
  chance is below 0.01. Summed in whole millionths of millionths of the first term, so that no order of adding
  shows.
#}
{% macro poisson_tails(cases, columns, observed, expected, numbers) -%}
poisson_terms as (
  select
    {{ cases }}.*,
    {{ observed }} * ln({{ expected }}) - {{ expected }} - {{ log_factorial(observed) }} as log_first,
    exp(
      {{ numbers }}.number * ln({{ expected }})
      + {{ log_factorial(observed) }} - {{ log_factorial('(' ~ observed ~ ' + ' ~ numbers ~ '.number)') }}
    ) as term
  from {{ cases }}
  cross join {{ numbers }}
),

poisson_tails as (
  select
    {{ columns | join(', ') }},
    exp(log_first) * cast(sum(cast(round(1000000000000 * term) as bigint)) as double) / 1000000000000 as chance
  from poisson_terms
  group by {{ columns | join(', ') }}, log_first
)
{%- endmacro %}
