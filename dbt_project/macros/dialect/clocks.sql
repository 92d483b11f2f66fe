{#
  The same as local_time and utc_time, by a row of int_region_clocks: changing zones that stand in a column
  costs DuckDB microseconds a row, so that moments since the region's clocks were last changed are moved by a
  fixed offset. `clock` is the alias of a relation with time_zone, steady_since and steady_offset_seconds.
#}

{# Wall-clock time of a UTC moment in a region. #}
{% macro region_time(utc_column, clock) -%}
  {{ adapter.dispatch('region_time', 'otklik')(utc_column, clock) }}
{%- endmacro %}

{% macro duckdb__region_time(utc_column, clock) -%}
  case
    when {{ utc_column }} >= {{ clock }}.steady_since
      then {{ add_seconds(utc_column, clock ~ '.steady_offset_seconds') }}
    else {{ local_time(utc_column, clock ~ '.time_zone') }}
  end
{%- endmacro %}

{# Spark changes zones in a column as fast as it adds. #}
{% macro spark__region_time(utc_column, clock) -%}
  {{ local_time(utc_column, clock ~ '.time_zone') }}
{%- endmacro %}

{#
  The UTC moment of a wall-clock time in a region. The day after the last change is left to the zone: a time
  that the clocks struck twice has two moments.
#}
{% macro region_utc_time(local_column, clock) -%}
  {{ adapter.dispatch('region_utc_time', 'otklik')(local_column, clock) }}
{%- endmacro %}

{% macro duckdb__region_utc_time(local_column, clock) -%}
  case
    when {{ local_column }} >= {{ add_seconds(clock ~ '.steady_since', clock ~ '.steady_offset_seconds + 86400') }}
      then {{ add_seconds(local_column, '-' ~ clock ~ '.steady_offset_seconds') }}
    else {{ utc_time(local_column, clock ~ '.time_zone') }}
  end
{%- endmacro %}

{% macro spark__region_utc_time(local_column, clock) -%}
  {{ utc_time(local_column, clock ~ '.time_zone') }}
{%- endmacro %}
