{# Exact (interpolated) quantile; `condition` says which rows take part. #}
{% macro quantile(column, share, condition='true') -%}
  {{ adapter.dispatch('quantile', 'otklik')(column, share, condition) }}
{%- endmacro %}

{% macro duckdb__quantile(column, share, condition) -%}
  quantile_cont({{ column }}, {{ share }}) filter (where {{ condition }})
{%- endmacro %}

{% macro spark__quantile(column, share, condition) -%}
  percentile({{ column }}, {{ share }}) filter (where {{ condition }})
{%- endmacro %}

{# 116435 -> '116 435' with a no-break space, as Russian prints numbers. #}
{% macro spaced_number(column) -%}
  {{ adapter.dispatch('spaced_number', 'otklik')(column) }}
{%- endmacro %}

{% macro duckdb__spaced_number(column) -%}
  replace(format('{:,}', cast({{ column }} as bigint)), ',', chr(160))
{%- endmacro %}

{% macro spark__spaced_number(column) -%}
  replace(format_number(cast({{ column }} as bigint), 0), ',', char(160))
{%- endmacro %}

{# Values of a group in one text, in a stated order. #}
{% macro joined_text(column, separator, order_by) -%}
  {{ adapter.dispatch('joined_text', 'otklik')(column, separator, order_by) }}
{%- endmacro %}

{% macro duckdb__joined_text(column, separator, order_by) -%}
  string_agg({{ column }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}

{% macro spark__joined_text(column, separator, order_by) -%}
  listagg({{ column }}, '{{ separator }}') within group (order by {{ order_by }})
{%- endmacro %}

{# Day of a date as Russian documents print it: 16.11.2020. #}
{% macro russian_date(column) -%}
  {{ adapter.dispatch('russian_date', 'otklik')(column) }}
{%- endmacro %}

{% macro duckdb__russian_date(column) -%}
  strftime({{ column }}, '%d.%m.%Y')
{%- endmacro %}

{% macro spark__russian_date(column) -%}
  date_format({{ column }}, 'dd.MM.yyyy')
{%- endmacro %}

{# One row per element of a '|'-separated text column, named `as_column`; empty texts give no row. #}
{% macro split_rows(relation, key_columns, text_column, as_column) -%}
  {{ adapter.dispatch('split_rows', 'otklik')(relation, key_columns, text_column, as_column) }}
{%- endmacro %}

{% macro duckdb__split_rows(relation, key_columns, text_column, as_column) -%}
  select
    {{ key_columns | join(', ') }},
    unnest(string_split({{ text_column }}, '|')) as {{ as_column }}
  from {{ relation }}
  where coalesce({{ text_column }}, '') <> ''
{%- endmacro %}

{% macro spark__split_rows(relation, key_columns, text_column, as_column) -%}
  select
    {{ key_columns | join(', ') }},
    explode(split({{ text_column }}, '[|]')) as {{ as_column }}
  from {{ relation }}
  where coalesce({{ text_column }}, '') <> ''
{%- endmacro %}

{# Rows 0 … count-1 in a column `number`. #}
{% macro whole_numbers(count) -%}
  {{ adapter.dispatch('whole_numbers', 'otklik')(count) }}
{%- endmacro %}

{% macro duckdb__whole_numbers(count) -%}
  select number from range({{ count }}) as numbers (number)
{%- endmacro %}

{% macro spark__whole_numbers(count) -%}
  select id as number from range({{ count }})
{%- endmacro %}

{# Value of a column where another column is largest, nulls left out. #}
{% macro last_value_by(column, order_column) -%}
  {{ adapter.dispatch('last_value_by', 'otklik')(column, order_column) }}
{%- endmacro %}

{% macro duckdb__last_value_by(column, order_column) -%}
  max_by({{ column }}, {{ order_column }}) filter (where {{ column }} is not null)
{%- endmacro %}

{% macro spark__last_value_by(column, order_column) -%}
  max_by({{ column }}, {{ order_column }}) filter (where {{ column }} is not null)
{%- endmacro %}

{# Value of a column where another column is smallest, nulls left out. #}
{% macro first_value_by(column, order_column) -%}
  {{ adapter.dispatch('first_value_by', 'otklik')(column, order_column) }}
{%- endmacro %}

{% macro duckdb__first_value_by(column, order_column) -%}
  min_by({{ column }}, {{ order_column }}) filter (where {{ column }} is not null)
{%- endmacro %}

{% macro spark__first_value_by(column, order_column) -%}
  min_by({{ column }}, {{ order_column }}) filter (where {{ column }} is not null)
{%- endmacro %}
