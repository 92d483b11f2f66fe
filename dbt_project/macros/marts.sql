{# Answered in time, over the judged: METRICS «on_time_share». `appeals` is the alias of the fact, if any. #}
{% macro is_on_time(appeals=none) -%}
  {%- set of = appeals ~ '.' if appeals else '' -%}
  coalesce({{ of }}answered_at <= {{ of }}due_at, false)
{%- endmacro %}

{# An unanswered appeal inside its deadline, or one without a deadline, is not judged. #}
{% macro is_judged(appeals=none) -%}
  {%- set of = appeals ~ '.' if appeals else '' -%}
  ({{ of }}due_at is not null and ({{ of }}answered_at is not null or {{ of }}due_at < {{ as_of() }}))
{%- endmacro %}

{# Unanswered and past the deadline at as_of. #}
{% macro is_overdue(appeals=none) -%}
  {%- set of = appeals ~ '.' if appeals else '' -%}
  coalesce({{ of }}answered_at is null and {{ of }}due_at < {{ as_of() }}, false)
{%- endmacro %}

{% macro share_of(part, whole) -%}
  cast({{ part }} as double) / nullif({{ whole }}, 0)
{%- endmacro %}

{#
  Level of a territory by its region's rule in force (see rule_in_force). `position` is its rank by the measure inside region and period
  (1 is the most), `territories` how many are ranked, `appeals` its count, `measure` the ranked value.
  Quantile: the top red_share are red, the next yellow_share yellow. Too few appeals are green whatever the
  rate, and so is a territory nobody wrote from, however low the minimum.
#}
{% macro heat_level(position, territories, appeals, measure, rule='heat_rules') -%}
  case
    when {{ appeals }} < greatest({{ rule }}.heat_minimum, 1) then 'green'
    when {{ rule }}.heat_method = 'fixed' and {{ measure }} >= {{ rule }}.heat_red_from then 'red'
    when {{ rule }}.heat_method = 'fixed' and {{ measure }} >= {{ rule }}.heat_yellow_from then 'yellow'
    when {{ rule }}.heat_method = 'fixed' then 'green'
    when {{ position }} <= {{ territories }} * {{ rule }}.heat_red_share then 'red'
    when {{ position }} <= {{ territories }} * ({{ rule }}.heat_red_share + {{ rule }}.heat_yellow_share)
      then 'yellow'
    else 'green'
  end
{%- endmacro %}

{# The join condition of dim_heat_rules: the rule of the day on which a period begins. #}
{% macro rule_in_force(of, day) -%}
  {{ of }}.region_id = heat_rules.region_id
  and {{ day }} >= heat_rules.valid_from
  and {{ day }} < heat_rules.valid_to
{%- endmacro %}

{#
  Mean of minutes over the rows that have any. Summed as whole seconds: a sum of fractions depends on the
  order in which threads add them, and a release must come out the same to the byte.
#}
{% macro mean_minutes(column) -%}
  cast(sum(cast(round({{ column }} * 60) as bigint)) as double) / nullif(count({{ column }}), 0) / 60
{%- endmacro %}

{#
  The fewest appeals a day that are taken for usual on a topic and place. Poisson(0.5) gives six or more once in
  70,000 days, and five is no signal: what happens once a month in one of a thousand pairs would be told daily.
#}
{% macro expected_minimum() -%} cast(0.5 as double) {%- endmacro %}
