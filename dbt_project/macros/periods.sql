{# Calendar periods: day, week (ISO), month, year. A period is named by its first day. #}

{# First day of the period a day lies in. #}
{% macro period_start(unit, date_column) -%}
  {%- if unit == 'day' -%} {{ date_column }} {%- else -%} cast(date_trunc('{{ unit }}', {{ date_column }}) as date) {%- endif -%}
{%- endmacro %}

{# First day of the period after the one a day lies in. #}
{% macro next_period(unit, date_column) -%}
  {%- set days = {'day': 1, 'week': 7, 'month': 32, 'year': 367}[unit] -%}
  {{ period_start(unit, add_days(period_start(unit, date_column), days)) }}
{%- endmacro %}

{# First day of the period before the one that begins on a day. #}
{% macro previous_period(unit, start_column) -%}
  {{ period_start(unit, add_days(start_column, -1)) }}
{%- endmacro %}

{# The last local day that as_of has seen anything of: at local midnight the new day has not begun. #}
{% macro last_day(zone_column) -%}
  cast({{ local_time(add_seconds(as_of(), -1), zone_column) }} as date)
{%- endmacro %}

{# Whether all of a period had passed at as_of. #}
{% macro is_complete(unit, start_column, zone_column) -%}
  {{ next_period(unit, start_column) }} <= {{ add_days(last_day(zone_column), 1) }}
{%- endmacro %}
