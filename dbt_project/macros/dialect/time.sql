{# Moments are naive UTC everywhere; only these macros know how an engine changes zones. #}

{# Wall-clock time of a UTC moment in an IANA zone. #}
{% macro local_time(utc_column, zone_column) -%}
  {{ adapter.dispatch('local_time', 'otklik')(utc_column, zone_column) }}
{%- endmacro %}

{% macro duckdb__local_time(utc_column, zone_column) -%}
  (({{ utc_column }} at time zone 'UTC') at time zone {{ zone_column }})
{%- endmacro %}

{% macro spark__local_time(utc_column, zone_column) -%}
  convert_timezone('UTC', {{ zone_column }}, {{ utc_column }})
{%- endmacro %}

{# The UTC moment of a wall-clock time in an IANA zone. #}
{% macro utc_time(local_column, zone_column) -%}
  {{ adapter.dispatch('utc_time', 'otklik')(local_column, zone_column) }}
{%- endmacro %}

{% macro duckdb__utc_time(local_column, zone_column) -%}
  (({{ local_column }} at time zone {{ zone_column }}) at time zone 'UTC')
{%- endmacro %}

{% macro spark__utc_time(local_column, zone_column) -%}
  convert_timezone({{ zone_column }}, 'UTC', {{ local_column }})
{%- endmacro %}

{# Whole seconds from one moment to a later one. #}
{% macro seconds_between(from_column, to_column) -%}
  {{ adapter.dispatch('seconds_between', 'otklik')(from_column, to_column) }}
{%- endmacro %}

{% macro duckdb__seconds_between(from_column, to_column) -%}
  cast(date_diff('second', {{ from_column }}, {{ to_column }}) as bigint)
{%- endmacro %}

{# Like date_diff, the difference of the two moments' whole seconds; the session's zone is UTC. #}
{% macro spark__seconds_between(from_column, to_column) -%}
  (unix_seconds(cast({{ to_column }} as timestamp_ltz)) - unix_seconds(cast({{ from_column }} as timestamp_ltz)))
{%- endmacro %}

{# A moment moved by a number of seconds (a column or an expression). #}
{% macro add_seconds(column, seconds) -%}
  {{ adapter.dispatch('add_seconds', 'otklik')(column, seconds) }}
{%- endmacro %}

{% macro duckdb__add_seconds(column, seconds) -%}
  ({{ column }} + to_seconds(cast({{ seconds }} as bigint)))
{%- endmacro %}

{% macro spark__add_seconds(column, seconds) -%}
  timestampadd(second, cast({{ seconds }} as bigint), {{ column }})
{%- endmacro %}

{# A date moved by a number of days (a column or an expression). #}
{% macro add_days(column, days) -%}
  {{ adapter.dispatch('add_days', 'otklik')(column, days) }}
{%- endmacro %}

{% macro duckdb__add_days(column, days) -%}
  cast({{ column }} + cast({{ days }} as integer) as date)
{%- endmacro %}

{% macro spark__add_days(column, days) -%}
  date_add({{ column }}, cast({{ days }} as integer))
{%- endmacro %}

{# Monday of the ISO week. #}
{% macro week_start(date_column) -%}
  cast(date_trunc('week', {{ date_column }}) as date)
{%- endmacro %}


{# Whole days from one date to a later one. #}
{% macro days_between(from_date, to_date) -%}
  {{ adapter.dispatch('days_between', 'otklik')(from_date, to_date) }}
{%- endmacro %}

{% macro duckdb__days_between(from_date, to_date) -%}
  date_diff('day', {{ from_date }}, {{ to_date }})
{%- endmacro %}

{% macro spark__days_between(from_date, to_date) -%}
  cast(datediff({{ to_date }}, {{ from_date }}) as bigint)
{%- endmacro %}
