{#
  Tables on Spark are Parquet files below OTKLIK_LAKE, each build of a table in a folder of its own: what stands
  stays readable until the new one is whole, and a run that died leaves nothing in another's way. The metastore
  names the folder that counts; orchestration/lake.py removes the others.
#}

{% macro lake() -%}
  {{ env_var('OTKLIK_LAKE', 'data/lake') }}
{%- endmacro %}

{# Folder of this run's build of a table. #}
{% macro lake_location(schema, name) -%}
  {{ lake() }}/tables/{{ schema }}/{{ name }}/{{ invocation_id }}
{%- endmacro %}

{% macro spark__location_clause() %}
  location '{{ lake_location(model.schema, model.alias) }}'
{%- endmacro %}

{% macro spark__file_format_clause() %}
  using parquet
{%- endmacro %}

{# The models' types as Spark spells them; a moment without a zone is its own type there (see profiles.yml). #}
{% macro spark_type(data_type) -%}
  {{ {'varchar': 'string', 'timestamp with time zone': 'timestamp_ltz'}.get(data_type | lower, data_type) }}
{%- endmacro %}

{# What contracts are held against. #}
{% macro spark__get_empty_schema_sql(columns) %}
  select
  {%- for column in columns.values() %}
    cast(null as {{ spark_type(column['data_type']) }}) as {{ column['name'] }}{{ ',' if not loop.last }}
  {%- endfor %}
{% endmacro %}

{% macro spark__split_part(string_text, delimiter_text, part_number) %}
  split_part({{ string_text }}, {{ delimiter_text }}, {{ part_number }})
{% endmacro %}

{% macro spark__create_csv_table(model, agate_table) %}
  {%- set types = model['config'].get('column_types', {}) -%}
  {%- set create -%}
    create table {{ this.render() }} (
    {%- for column in agate_table.column_names %}
      {{ column }} {{ spark_type(types.get(column, adapter.convert_type(agate_table, loop.index0))) }}{{ ',' if not loop.last }}
    {%- endfor %}
    )
    {{ file_format_clause() }}
    {{ location_clause() }}
  {%- endset -%}
  {%- do run_query(create) -%}
  {{ return(create) }}
{% endmacro %}

{# The adapter's own sends an empty field as the text 'None'. #}
{% macro spark__load_csv_rows(model, agate_table) %}
  {%- set types = model['config'].get('column_types', {}) -%}
  {%- set insert -%}
    insert into {{ this.render() }}
    select
    {%- for column in agate_table.column_names %}
      cast({{ column }} as {{ spark_type(types.get(column, adapter.convert_type(agate_table, loop.index0))) }}){{ ',' if not loop.last }}
    {%- endfor %}
    from values
    {%- for row in agate_table.rows %}
      ({%- for value in row -%}
        {{ 'null' if value is none else "'" ~ (value | string | replace('\\', '\\\\') | replace("'", "\\'")) ~ "'" }}{{ ', ' if not loop.last }}
      {%- endfor %}){{ ',' if not loop.last }}
    {%- endfor %} as seeded ({{ agate_table.column_names | join(', ') }})
  {%- endset -%}
  {%- do run_query(insert) -%}
  {{ return(insert) }}
{% endmacro %}

{# Parquet tables take no constraints; what contracts say of nulls is held by the tests. #}
{% macro spark__persist_constraints(relation, model) %}
{% endmacro %}
