{#
  Statistics in plain arithmetic, so that every engine gives the same. tests/dbt/test_statistics.py holds each
  against scipy or statsmodels.
#}

{#
  CTEs `…, kaplan_meier`: the median time to an event of each group when some were still waiting at the end of
  their watch. `times` has the groups' keys, how long each was watched, and whether the watch ended with the
  event. The median is the first moment at which at most half are still waiting; null when more than half are
  at the end.
#}
{% macro kaplan_meier(times, keys, time, is_event) -%}
{%- set of = keys | join(', ') -%}
km_moments as (
  select
    {{ of }},
    {{ time }} as watched,
    sum(case when {{ is_event }} then 1 else 0 end) as events,
    count(*) as leaving
  from {{ times }}
  group by {{ of }}, {{ time }}
),

km_waiting as (
  select
    *,
    sum(leaving) over (
      partition by {{ of }} order by watched desc rows between unbounded preceding and current row
    ) as waiting
  from km_moments
),

-- the share still waiting is a product over moments, here as a sum of logarithms
km_shares as (
  select
    *,
    sum(case when events < waiting then ln(cast(waiting - events as double) / waiting) else 0 end) over (
      partition by {{ of }} order by watched rows between unbounded preceding and current row
    ) as log_share
  from km_waiting
),

kaplan_meier as (
  select
    {{ of }},
    -- a share of exactly one half comes out of logarithms with an error in the last digits
    min(case when events = waiting or exp(log_share) <= 0.5 + 0.000000001 then watched end) as median_time
  from km_shares
  where events > 0
  group by {{ of }}
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
