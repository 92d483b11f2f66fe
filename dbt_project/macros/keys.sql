{# Stable hash of several columns; nulls and empty texts differ. Same text on every engine. #}
{% macro surrogate_key(columns) -%}
  md5(
    {%- for column in columns %}
    coalesce(cast({{ column }} as {{ dbt.type_string() }}), '~'){{ " || '|' || " if not loop.last }}
    {%- endfor %}
  )
{%- endmacro %}

{# Rows of several models of one shape. #}
{% macro union_of(models) -%}
  {%- for model in models %}
  select * from {{ ref(model) }}
  {{ 'union all' if not loop.last }}
  {%- endfor %}
{%- endmacro %}
